"""Which events were counted already: a fixed amount of memory, however many there were."""

import hashlib
from array import array
from collections.abc import Iterable

GENERATION = 1 << 20
"""At least so many of the newest ids are known, at most twice as many."""

_SMALLEST = 1 << 10


def id_hash(text: str, within: int) -> int:
    """Eight bytes that stand for an id; `within` keeps apart ids of different scores.

    With two million ids remembered, one new event in 9 million millions is taken for an old one.

    Raises:
        UnicodeEncodeError: half a character is in the text.
    """
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "little") ^ within) or 1


class _Generation:
    """Numbers in order, and a table to find them in: at most half full, and grown until then."""

    __slots__ = ("mask", "order", "table")

    def __init__(self) -> None:
        self.order = array("Q")
        self._grow(_SMALLEST)

    def __contains__(self, number: int) -> bool:
        table, mask = self.table, self.mask
        at = number & mask
        while found := table[at]:
            if found == number:
                return True
            at = (at + 1) & mask
        return False

    def add(self, number: int) -> None:
        self.order.append(number)
        if 2 * len(self.order) > len(self.table):
            self._grow(2 * len(self.table))
        else:
            self._place(number)

    def _grow(self, slots: int) -> None:
        self.table = array("Q", [0]) * slots
        self.mask = slots - 1
        for number in self.order:
            self._place(number)

    def _place(self, number: int) -> None:
        table, mask = self.table, self.mask
        at = number & mask
        while table[at]:
            at = (at + 1) & mask
        table[at] = number


class Remembered:
    """The newest ids as two generations: when one is full, the one before it is forgotten.

    All of them take 24 to 48 bytes each.
    """

    def __init__(self, generation: int = GENERATION) -> None:
        self._limit = generation
        self._new, self._old = _Generation(), _Generation()

    def __contains__(self, hashed: int) -> bool:
        return hashed in self._new or hashed in self._old

    def __len__(self) -> int:
        return len(self._new.order) + len(self._old.order)

    def add(self, ids: Iterable[int]) -> None:
        """Remember ids that are new."""
        for hashed in ids:
            if len(self._new.order) >= self._limit:
                self._old, self._new = self._new, _Generation()
            self._new.add(hashed)

    def in_order(self) -> "array[int]":
        """All of them, oldest first."""
        return self._old.order + self._new.order
