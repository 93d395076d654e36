"""Columns of a baseline in the making: fed batch by batch, in memory that does not grow with rows.

A numeric column keeps up to `SAMPLE` values, 8 bytes each: all of them, or beyond that a sample in
which each has had the same chance. A categorical one keeps `MOST_WORDS` words; of more, the rarest
are forgotten and become `other`.
"""

import math
import random
from array import array
from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Sequence
from typing import Protocol

from exporters.drift.baseline import Categorical, Feature, Numeric
from exporters.drift.bins import OTHER, Values, accepted, counted_words, number
from exporters.drift.edges import edges_of

SAMPLE = 100_000
MOST_WORDS = 10_000
MOST_NAMED = 20
LONGEST_WORD = 64
LARGEST = 1e99
"""Beyond it a number is refused: its square would soon be infinite. As near to 0 it is 0."""


class Column(Protocol):
    """Takes values and becomes a feature. `refused` values were not of its kind."""

    refused: int

    def add(self, values: Values) -> None:
        """Count a batch."""
        ...

    def feature(self) -> Feature | None:
        """What was seen so far; None when no value was."""
        ...


class Numbers:
    """A numeric column."""

    def __init__(self, name: str, sample: int = SAMPLE) -> None:
        self._name, self._most = name, sample
        self._kept = array("d")
        self._seen = self._missing = self.refused = 0
        self._low, self._high = math.inf, -math.inf
        self._mean = self._squares = 0.0
        self._chance = random.Random(0)  # noqa: S311  # the same file for the same rows
        self._weight, self._next = 1.0, sample

    def add(self, values: Values) -> None:
        """Count a batch."""
        read, refused = accepted(number, values)
        found = [
            value if abs(value) > 1 / LARGEST else 0.0
            for value in read
            if value is not None and abs(value) <= LARGEST
        ]
        missing = read.count(None)
        self._missing += missing
        self.refused += refused + len(read) - missing - len(found)
        if not found:
            return
        self._low = min((self._low, *found))
        self._high = max((self._high, *found))
        self._moments(found)
        self._keep(found)

    def feature(self) -> Numeric | None:
        """The column in bins; missing values are scaled down as its values were."""
        if not self._kept:
            return None
        values = sorted(self._kept)
        edges = edges_of(values)
        bins: list[list[float]] = [[] for _ in range(len(edges) + 1)]
        for value in values:
            bins[bisect_left(edges, value)].append(value)
        ends = (*edges, edges[-1])
        return Numeric(
            name=self._name,
            edges=edges,
            counts=tuple(map(len, bins)),
            centres=tuple(
                math.fsum(inside) / len(inside) if inside else end
                for inside, end in zip(bins, ends, strict=True)
            ),
            missing=round(self._missing * len(values) / self._seen),
            low=self._low,
            high=self._high,
            mean=self._mean,
            deviation=math.sqrt(self._squares / self._seen),
        )

    def _moments(self, found: Sequence[float]) -> None:
        """Mean and squared deviations of two parts together, by Chan, Golub and LeVeque."""
        count = len(found)
        mean = math.fsum(found) / count
        squares = math.fsum((value - mean) ** 2 for value in found)
        total = self._seen + count
        apart = mean - self._mean
        self._squares += squares + apart * apart * self._seen * count / total
        self._mean += apart * count / total

    def _keep(self, found: Sequence[float]) -> None:
        """Keep a sample of all values so far: Li's algorithm L, which skips what it leaves out."""
        room = self._most - len(self._kept)
        if room > 0:
            self._kept.extend(found[:room])
            if len(self._kept) == self._most:
                self._skip()
        while self._next < self._seen + len(found):
            self._kept[self._chance.randrange(self._most)] = found[self._next - self._seen]
            self._skip()
        self._seen += len(found)

    def _skip(self) -> None:
        self._weight *= self._chance.random() ** (1 / self._most)
        self._next += int(math.log(1 - self._chance.random()) / math.log1p(-self._weight)) + 1


class Words:
    """A categorical column."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tally: Tally[str] = Tally()
        self._other = self._missing = self.refused = 0

    def add(self, values: Values) -> None:
        """Count a batch."""
        tally, refused = counted_words(values)
        self.refused += refused
        self._missing += tally.pop(None, 0)
        for text, seen in tally.items():
            if text is not None and _can_be_named(text):
                self._tally[text] += seen
            else:
                self._other += seen
        if len(self._tally) > 2 * MOST_WORDS:
            kept = Tally(dict(_ranked(self._tally)[:MOST_WORDS]))
            self._other += self._tally.total() - kept.total()
            self._tally = kept

    def feature(self) -> Categorical | None:
        """The most frequent words, and all others as one."""
        if not self._tally and not self._other:
            return None
        named = _ranked(self._tally)[:MOST_NAMED]
        return Categorical(
            name=self._name,
            values=tuple(text for text, _ in named),
            counts=tuple(seen for _, seen in named),
            other=self._other + self._tally.total() - sum(seen for _, seen in named),
            missing=self._missing,
        )

    @property
    def different(self) -> int:
        """How many different words there are, as far as they were kept."""
        return len(self._tally)


def _can_be_named(text: str) -> bool:
    """Half of a surrogate pair is no character, and no label."""
    return (
        len(text) <= LONGEST_WORD
        and text != OTHER
        and not any("\ud800" <= one <= "\udfff" for one in text)
    )


def _ranked(tally: Tally[str]) -> list[tuple[str, int]]:
    return sorted(tally.items(), key=lambda entry: (-entry[1], entry[0]))
