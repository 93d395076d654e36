"""Counts what a model sees and says into the bins of its baseline."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from exporters.base.receipts import Refused
from exporters.drift.baseline import Baseline, Categorical, Embedding, Numeric, Score
from exporters.drift.bins import OTHER, Counter, Counts, by_class, counter_of
from exporters.drift.observations import Batch, Binned, Values, Watched
from modelwatch.buckets import le
from modelwatch.catalogue.drift import PREDICTED

Key = tuple[str, str]
"""A feature, and the predicted class where it is a score."""

MOST_COUNT = 1 << 53
"""Beyond it a sample of Prometheus is not exact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The bins of a feature: by their upper boundaries, or by the words that they count."""

    edges: tuple[float, ...] | None = None
    words: tuple[str, ...] = ()

    @property
    def bins(self) -> int:
        """How many there are, the one for everything else included."""
        return len(self.words if self.edges is None else self.edges) + 1

    def by_bin(self, numbers: Sequence[int]) -> dict[str, int]:
        """One number for each bin, by how the bin is called on the page.

        A category that is itself called other is with all others.
        """
        if self.edges is None:
            names = [*self.words, OTHER]
        else:
            names = [le(edge) for edge in (*self.edges, math.inf)]
        found = dict.fromkeys(names, 0)
        for name, number in zip(names, numbers, strict=True):
            found[name] += number
        return found


@dataclass(slots=True, kw_only=True, eq=False)
class Tally:
    """What was counted against one baseline; `retired_s` is since when another one is in use."""

    identity: str
    shapes: Mapping[Key, Shape]
    counts: dict[Key, Counts]
    retired_s: float | None = None

    def add(self, more: Mapping[Key, Counts]) -> None:
        """Count what was counted elsewhere as well."""
        for key, counts in more.items():
            self.counts[key] += counts


@dataclass(slots=True, kw_only=True)
class Counted:
    """The counts of a batch, and what of it was not counted: reason, values, why."""

    counts: dict[Key, Counts] = field(default_factory=dict)
    refused: list[tuple[str, int, str]] = field(default_factory=list)


class Counting:
    """How the values of one model are counted against one baseline."""

    def __init__(self, watched: Watched, baseline: Baseline) -> None:
        self.watched, self.baseline = watched, baseline
        found = {one.name: one for one in baseline.features if one.name in watched.features}
        self.embeddings = frozenset(n for n, one in found.items() if isinstance(one, Embedding))
        self._scores = {n: one for n, one in found.items() if isinstance(one, Score)}
        binned = {n: one for n, one in found.items() if not isinstance(one, Embedding)}
        self._counters: dict[str, Counter] = {n: counter_of(one) for n, one in binned.items()}
        self._names = binned.keys() - self._scores.keys() - {PREDICTED}
        self._known = frozenset(one.name for one in baseline.features)
        self.shapes: dict[Key, Shape] = {}
        for name, one in binned.items():
            for predicted in _classes(one):
                self.shapes[name, predicted] = _shape(one)

    @property
    def absent(self) -> list[str]:
        """Watched features that the baseline does not have."""
        return [name for name in self.watched.features if name not in self._known]

    def empty(self) -> Tally:
        """Nothing counted yet: every bin at zero."""
        counts = {key: self._counters[key[0]].empty() for key in self.shapes}
        return Tally(identity=self.baseline.identity, shapes=self.shapes, counts=counts)

    def count(self, batch: Batch) -> Counted:
        """Count all that is watched of a batch."""
        counted = Counted()
        if batch.features is not None:
            for name in self._names:
                self._count(counted, (name, ""), batch.features.column(name))
            amount, name = batch.features.beside(self._known)
            if amount:
                message = f"{self.watched.model!r} has no feature {name[:80]!r} in its baseline"
                counted.refused.append(("unknown_feature", amount, message))
        if batch.predicted is not None and PREDICTED in self._counters:
            self._count(counted, (PREDICTED, ""), batch.predicted)
        if batch.scores is not None:
            for name, score in self._scores.items():
                classes = by_class(score, batch.scores, batch.predicted or [None] * batch.length)
                for predicted, values in classes.items():
                    self._count(counted, (name, predicted), values)
        return counted

    def _count(self, counted: Counted, key: Key, values: Values) -> None:
        counter = self._counters[key[0]]
        counts = counted.counts[key] = counter.empty()
        counter.count(counts, values)
        if counts.refused:
            wanted = "words" if self.shapes[key].edges is None else "finite numbers"
            message = f"values of {key[0]!r} that are no {wanted}: {counts.refused}"
            counted.refused.append(("number", counts.refused, message))

    def binned(self, binned: Binned) -> Counted:
        """Take counts that were made elsewhere.

        Raises:
            Refused: they do not fit the baseline.
        """
        if binned.baseline != self.baseline.identity:
            raise Refused(
                "other_baseline",
                f"they are in the bins of {binned.baseline[:40]!r}, "
                f"but {self.baseline.identity!r} is in use",
            )
        counted = Counted()
        for key, found in binned.bins.items():
            if key in self.shapes:
                counted.counts[key] = _counts(key[0], found, self.shapes[key].bins)
            elif key[0] not in self._known:
                message = f"{self.watched.model!r} has no feature {key[0][:80]!r} in its baseline"
                counted.refused.append(("unknown_feature", 1, message))
        return counted


def _classes(feature: Numeric | Categorical | Score) -> Sequence[str]:
    return [one.predicted for one in feature.classes] if isinstance(feature, Score) else [""]


def _shape(feature: Numeric | Categorical | Score) -> Shape:
    if isinstance(feature, Categorical):
        return Shape(words=feature.values)
    return Shape(edges=feature.edges)


def _counts(name: str, found: Mapping[str, object], bins: int) -> Counts:
    numbers = found.get("bins")
    if type(numbers) is not list or len(numbers) != bins:
        raise Refused("wrong_type", f"`bins` of {name!r} is a list of {bins} counts")
    beside = [found.get(key, 0) for key in ("missing", "unseen", "out_of_range")]
    for one in (*numbers, *beside):
        if type(one) is not int or not 0 <= one < MOST_COUNT:
            raise Refused("number", f"a count of {name!r} is no whole number from 0 up")
    missing, unseen, out_of_range = beside
    return Counts(
        bins=numbers,
        missing=missing,  # type: ignore[arg-type]  # as was just asked
        unseen=unseen,  # type: ignore[arg-type]
        out_of_range=out_of_range,  # type: ignore[arg-type]
    )
