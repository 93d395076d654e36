"""Counting values into the bins of a baseline. Counts add up, over batches and over replicas.

What cannot be counted as the feature's kind is `refused` and no observation: text or an infinite
number where a number belongs, a list where a word does. None and NaN are missing, and empty words.
numpy counts when it is there; without it the counts are the same, and take longer.
"""

import json
import math
from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from operator import mul
from types import NoneType
from typing import Any, Protocol, TypeVar

from exporters.drift.baseline import Categorical, Numeric, Score, ScoreOfClass

OTHER = "other"
"""The last bin of a categorical feature: every value that the baseline does not name."""

Values = Sequence[object]
"""A column: one value per observation. A numpy array will do."""

_Read = TypeVar("_Read")
_NUMBERS = frozenset((int, float, NoneType))
_WORDS = frozenset((str, NoneType))


@dataclass(slots=True, kw_only=True)
class Counts:
    """What was seen of one feature. `out_of_range` and `unseen` are in a bin as well."""

    bins: list[int]
    missing: int = 0
    unseen: int = 0
    out_of_range: int = 0
    refused: int = 0

    @property
    def samples(self) -> int:
        """Values that are in a bin."""
        return sum(self.bins)

    @property
    def observations(self) -> int:
        """Values, and those that are missing."""
        return self.samples + self.missing

    def __add__(self, more: "Counts") -> "Counts":
        return Counts(
            bins=[ours + theirs for ours, theirs in zip(self.bins, more.bins, strict=True)],
            missing=self.missing + more.missing,
            unseen=self.unseen + more.unseen,
            out_of_range=self.out_of_range + more.out_of_range,
            refused=self.refused + more.refused,
        )


class Counter(Protocol):
    """Counts columns of one feature."""

    def empty(self) -> Counts:
        """Nothing counted yet."""
        ...

    def count(self, counts: Counts, values: Values) -> None:
        """Add a column of values to the counts."""
        ...


def counter_of(feature: Numeric | Categorical | Score, *, fast: bool = True) -> Counter:
    """What counts the values of a feature; without `fast` it leaves numpy alone.

    Of a score it counts those of one predicted class: see `by_class`.
    """
    if isinstance(feature, Categorical):
        return _Words(
            places={value: place for place, value in enumerate(feature.values)},
            closed=not feature.other,
        )
    inside = (feature.low, feature.high) if isinstance(feature, Numeric) else (0.0, 1.0)
    return _Numbers(
        edges=feature.edges, low=inside[0], high=inside[1], numpy=_numpy() if fast else None
    )


def counted(feature: Numeric | Categorical) -> Counts:
    """What the baseline itself counted; its values are all seen, and all in range."""
    if isinstance(feature, Categorical):
        return Counts(bins=[*feature.counts, feature.other], missing=feature.missing)
    return Counts(bins=list(feature.counts), missing=feature.missing)


def of_class(score: Score, known: ScoreOfClass) -> Numeric:
    """The scores of one class as a feature; each lies in the middle of its bin."""
    edges = (0.0, *score.edges)
    centres = (*((low + high) / 2 for low, high in pairwise(edges)), edges[-1])
    total = sum(known.counts) or 1
    mean = math.fsum(map(mul, centres, known.counts)) / total
    squares = ((at - mean) ** 2 for at in centres)
    variance = math.fsum(map(mul, squares, known.counts)) / total
    return Numeric(
        name=score.name,
        edges=score.edges,
        counts=known.counts,
        centres=centres,
        missing=0,
        low=0.0,
        high=1.0,
        mean=mean,
        deviation=math.sqrt(variance),
    )


def by_class(score: Score, scores: Values, predicted: Values) -> dict[str, list[object]]:
    """The scores of each predicted class that the baseline knows; those of others are left out.

    A baseline without classes has one that is named "", for all.
    """
    classes: dict[str, list[object]] = {known.predicted: [] for known in score.classes}
    if list(classes) == [""]:
        return {"": list(scores)}
    for value, said in zip(scores, predicted, strict=True):
        try:
            found = classes.get(word(said) or "")
        except ValueError:
            continue
        if found is not None:
            found.append(value)
    return classes


def word(value: object) -> str | None:
    """A value of a categorical feature as text, None where it is missing.

    Raises:
        ValueError: it is no word, number or boolean.
    """
    if isinstance(value, str):
        return value or None
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, int | float) and (isinstance(value, int) or math.isfinite(value)):
        return json.dumps(value)
    raise ValueError("is no word")


def number(value: object) -> float | None:
    """A value of a numeric feature, None where it is missing.

    Raises:
        ValueError: it is no finite number.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("is no number")  # noqa: TRY004  # one kind for all
    try:
        found = float(value)
    except OverflowError:
        raise ValueError("is too large") from None
    if math.isinf(found):
        raise ValueError("is infinite")
    return None if math.isnan(found) else found


def accepted(read: Callable[[object], _Read], values: Values) -> tuple[list[_Read], int]:
    """The values as read, and how many could not be."""
    found, refused = [], 0
    for row in _rows(values):
        try:
            found.append(read(row))
        except ValueError:
            refused += 1
    return found, refused


def counted_words(values: Values) -> tuple[Tally[str | None], int]:
    """How often each word is in a column, None for missing ones; and how many are no words."""
    rows = _rows(values)
    if not set(map(type, rows)) <= _WORDS:
        words, refused = accepted(word, rows)
        return Tally(words), refused
    tally: Tally[str | None] = Tally(rows)
    if "" in tally:
        tally[None] += tally.pop("")
    return tally, 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """Counts words. `closed`: the baseline named all that it saw."""

    places: Mapping[str, int]
    closed: bool

    def empty(self) -> Counts:
        return Counts(bins=[0] * (len(self.places) + 1))

    def count(self, counts: Counts, values: Values) -> None:
        tally, refused = counted_words(values)
        counts.refused += refused
        counts.missing += tally.pop(None, 0)
        for text, seen in tally.items():
            place = self.places.get(text or "")
            if place is None:
                counts.bins[-1] += seen
                counts.unseen += seen if self.closed else 0
            else:
                counts.bins[place] += seen


@dataclass(frozen=True, slots=True, kw_only=True)
class _Numbers:
    """Counts numbers."""

    edges: Sequence[float]
    low: float
    high: float
    numpy: Any = None
    edges_array: Any = field(default=None, init=False)

    def __post_init__(self) -> None:
        if self.numpy is not None:
            object.__setattr__(self, "edges_array", self.numpy.asarray(self.edges, dtype=float))

    def empty(self) -> Counts:
        return Counts(bins=[0] * (len(self.edges) + 1))

    def count(self, counts: Counts, values: Values) -> None:
        array = None if self.numpy is None else self._array(values)
        if array is None:
            self._count(counts, values)
        else:
            self._count_array(counts, array)

    def _count(self, counts: Counts, values: Values) -> None:
        found, refused = accepted(number, values)
        edges, low, high, bins = self.edges, self.low, self.high, counts.bins
        counts.refused += refused
        for value in found:
            if value is None:
                counts.missing += 1
                continue
            bins[bisect_left(edges, value)] += 1
            if not low <= value <= high:
                counts.out_of_range += 1

    def _array(self, values: Any) -> Any:
        """The values as an array of floats, None where they must be looked at one by one."""
        numpy = self.numpy
        if isinstance(values, numpy.ndarray):
            return values.astype(float, copy=False) if values.dtype.kind in "fiu" else None
        if not set(map(type, values)) <= _NUMBERS:
            return None
        try:
            return numpy.array(values, dtype=float)
        except OverflowError:
            return None

    def _count_array(self, counts: Counts, array: Any) -> None:
        numpy = self.numpy
        finite = numpy.isfinite(array)
        if not finite.all():
            missing = int(numpy.isnan(array).sum())
            counts.missing += missing
            counts.refused += int((~finite).sum()) - missing
            array = array[finite]
        places = numpy.searchsorted(self.edges_array, array, side="left")
        for place, seen in enumerate(numpy.bincount(places, minlength=len(counts.bins)).tolist()):
            counts.bins[place] += seen
        counts.out_of_range += int(((array < self.low) | (array > self.high)).sum())


def _rows(values: Any) -> list[Any]:
    """The column as a list of Python's own values."""
    return values.tolist() if hasattr(values, "tolist") else values  # type: ignore[no-any-return]


@cache
def _numpy() -> Any:
    try:
        import numpy as np  # noqa: PLC0415  # an extra, and a tenth of a second
    except ImportError:
        return None
    return np
