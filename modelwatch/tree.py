"""The parsed file: plain values in blocks and lists that know where each of them was written."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Self, TypeAlias, Union

from modelwatch.problems import Place

Value: TypeAlias = Union[str, "Number", bool, "Block", "Items", None]


class Number(Decimal):
    """An exact number that keeps its text, so that a version `1.10` stays what it is."""

    text: str

    def __new__(cls, text: str) -> Self:
        made = super().__new__(cls, text)
        made.text = text
        return made


class Block(dict[str, Value]):
    """Keys and values, with the place of each key and of each value."""

    __slots__ = ("keys_at", "place", "values_at")

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.keys_at: dict[str, Place] = {}
        self.values_at: dict[str, Place] = {}

    def at(self, key: str) -> Place:
        """Where the value of the key is; where the block is when it has no such key."""
        return self.values_at.get(key, self.place)

    def key_at(self, key: str) -> Place:
        """Where the key itself is."""
        return self.keys_at.get(key, self.place)

    def text(self, key: str, default: str = "") -> str:
        """The value as written."""
        return as_text(self[key]) if key in self else default

    def whole(self, key: str, default: int = 0) -> int:
        """A whole number."""
        value = self.get(key)
        return int(value) if isinstance(value, Number) else default

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self.get(key)
        return value if isinstance(value, bool) else default

    def block(self, key: str) -> "Block":
        """The block under the key, empty when there is none."""
        value = self.get(key)
        return value if isinstance(value, Block) else Block(self.at(key))

    def blocks(self) -> Iterator[tuple[str, "Block"]]:
        """Every key whose value is a block."""
        return ((key, value) for key, value in self.items() if isinstance(value, Block))

    def items_of(self, key: str) -> "Items":
        """The list under the key; a single value is a list of one."""
        value = self.get(key)
        if isinstance(value, Items):
            return value
        alone = Items(self.at(key))
        if value is not None:
            alone.append(value)
            alone.values_at.append(self.at(key))
        return alone

    def texts(self, key: str) -> tuple[str, ...]:
        """The list of texts under the key."""
        return tuple(as_text(value) for value in self.items_of(key))


class Items(list[Value]):
    """A list, with the place of each entry."""

    __slots__ = ("place", "values_at")

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.values_at: list[Place] = []

    def placed(self) -> Iterator[tuple[Value, Place]]:
        """Each entry with its place."""
        return zip(self, self.values_at, strict=True)


def as_text(value: Value) -> str:
    """A scalar as it was written."""
    if isinstance(value, Number):
        return value.text
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else ""
