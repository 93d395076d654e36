"""How often is a prediction with this score right? Learned from the labels of a baseline.

Per predicted class the bins of the score are pooled until their shares only rise, or only fall,
with the score (adjacent violators: isotonic regression, which keeps the mean), and until each pool
has enough labels. A class with fewer has no calibration: its predictions are not estimated.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from exporters.drift.baseline import Baseline, Score, ScoreOfClass

MINIMUM = 30
"""Labels of a pool: with fewer, a share of 0.9 is uncertain by more than a tenth (two sigma)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Of one score: the share that is right, by predicted class and bin; a class may have none.

    `accuracy` is the share of the baseline's labelled rows that was right, `labels` their number.
    """

    baseline: str
    feature: str
    edges: tuple[float, ...]
    shares: Mapping[str, tuple[float, ...]]
    accuracy: float
    labels: int

    def all_expected(self, scored: Iterable[tuple[float, str]]) -> list[float]:
        """The probability that each prediction is right, by its score and class.

        Those of which nothing is known are left out.
        """
        edges, of_any = self.edges, self.shares.get("")
        return [
            shares[bisect_left(edges, score)]
            for score, predicted in scored
            if (shares := of_any or self.shares.get(predicted))
        ]


def calibration(baseline: Baseline) -> Calibration | None:
    """The calibration of the baseline's score; None without a score or without labels."""
    score = next((one for one in baseline.features if isinstance(one, Score)), None)
    if score is None:
        return None
    labels = right = 0.0
    for known in score.classes:
        for count, share in _labelled(known):
            labels += count
            right += count * share
    if not labels:
        return None
    shares = {known.predicted: calibrated(known) for known in score.classes}
    return Calibration(
        baseline=baseline.identity,
        feature=score.name,
        edges=score.edges,
        shares={name: found for name, found in shares.items() if found},
        accuracy=right / labels,
        labels=round(labels),
    )


def calibrated(known: ScoreOfClass) -> tuple[float, ...]:
    """The share that is right for each bin; empty where there are too few labels."""
    labelled = _labelled(known)
    if sum(count for count, _ in labelled) < MINIMUM:
        return ()
    falls = _slope(labelled) < 0
    pools = [
        _Pool(first=place, last=place, count=count, right=count * share)
        for place, (count, share) in enumerate(labelled)
        if count
    ]
    pools = _pooled(pools, lambda left, here: (left.share < here.share) is falls)
    pools = _enough(pools)
    return tuple(_nearest(pools, place).share for place in range(len(labelled)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pool:
    """Neighbouring bins that have one share."""

    first: int
    last: int
    count: float
    right: float

    @property
    def share(self) -> float:
        return self.right / self.count

    def with_(self, other: "_Pool") -> "_Pool":
        return _Pool(
            first=min(self.first, other.first),
            last=max(self.last, other.last),
            count=self.count + other.count,
            right=self.right + other.right,
        )


def _labelled(known: ScoreOfClass) -> list[tuple[float, float]]:
    """Rows with a label and the share of them that was right, by bin."""
    return [
        (count, share) if count and share is not None else (0, 0.0)
        for count, share in zip(known.counts, known.correct, strict=True)
    ]


def _slope(labelled: Sequence[tuple[float, float]]) -> float:
    """Whether shares rise with the score: their covariance with the place of the bin."""
    total = sum(count for count, _ in labelled)
    middle = sum(place * count for place, (count, _) in enumerate(labelled)) / total
    return sum((place - middle) * count * share for place, (count, share) in enumerate(labelled))


def _pooled(pools: Sequence[_Pool], violate: Callable[[_Pool, _Pool], bool]) -> list[_Pool]:
    """Pools in which no neighbours are in the wrong order."""
    found: list[_Pool] = []
    for pool in pools:
        here = pool
        while found and found[-1].share != here.share and violate(found[-1], here):
            here = found.pop().with_(here)
        found.append(here)
    return found


def _enough(pools: list[_Pool]) -> list[_Pool]:
    """Pools that each have enough labels: a small one joins the neighbour that is most like it."""
    while len(pools) > 1:
        place = min(range(len(pools)), key=lambda at: pools[at].count)
        small = pools[place]
        if small.count >= MINIMUM:
            break
        beside = [at for at in (place - 1, place + 1) if 0 <= at < len(pools)]
        other = min(beside, key=lambda at: abs(pools[at].share - small.share))
        first = min(place, other)
        pools = [*pools[:first], small.with_(pools[other]), *pools[first + 2 :]]
    return pools


def _nearest(pools: Sequence[_Pool], place: int) -> _Pool:
    """The pool that the bin is in or nearest to."""
    return min(pools, key=lambda pool: max(pool.first - place, place - pool.last, 0))
