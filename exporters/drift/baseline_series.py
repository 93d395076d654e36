"""The baseline in use as series: shares of its bins, how far they are apart, how old it is."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, pairwise

from exporters.base.families import Family
from exporters.drift.baseline import Baseline, Categorical, Numeric, Score
from exporters.drift.counting import Counting, Key, Shape
from exporters.drift.statistics import widths
from modelwatch.buckets import le
from modelwatch.catalogue import drift
from modelwatch.catalogue.metric import Metric

Families = Mapping[Metric, Family]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What the baseline has in the bins of one feature, or of one class of a score.

    `widths` are from each bin to the next, in standard deviations.
    """

    shape: Shape
    counts: Sequence[int]
    missing: int
    widths: Sequence[float] = ()

    @property
    def samples(self) -> int:
        return sum(self.counts)


def put(families: Families, key: tuple[str, str], counting: Counting) -> None:
    """Put the baseline on the page."""
    baseline = counting.baseline
    identity = baseline.identity
    families[drift.DRIFT_BASELINE_INFO].add(1.0, *key, identity, baseline.version)
    newest = datetime.fromisoformat(baseline.newest).timestamp()
    families[drift.DRIFT_BASELINE_CREATED].add(newest, *key, identity)
    for (name, predicted), seen in _seen(baseline, counting.shapes).items():
        _put(families, (*key, name, predicted, identity), seen)


def _put(families: Families, labels: tuple[str, ...], seen: _Seen) -> None:
    families[drift.DRIFT_BASELINE_SAMPLES].add(float(seen.samples), *labels)
    observations = seen.samples + seen.missing
    rates = {"missing": seen.missing / observations if observations else 0.0}
    rates["unseen" if seen.shape.edges is None else "out_of_range"] = 0.0
    for method, rate in rates.items():
        families[drift.DRIFT_BASELINE_RATE].add(rate, *labels, method)
    for name, count in seen.shape.by_bin(seen.counts).items():
        share = count / seen.samples if seen.samples else 0.0
        families[drift.DRIFT_BASELINE_BIN].add(share, *labels, name)
    if seen.shape.edges is not None:
        _put_boundaries(families, labels, seen, seen.shape.edges)


def _put_boundaries(
    families: Families, labels: tuple[str, ...], seen: _Seen, edges: Sequence[float]
) -> None:
    names = [le(edge) for edge in (*edges, math.inf)]
    for name, count in zip(names, accumulate(seen.counts), strict=True):
        share = count / seen.samples if seen.samples else 0.0
        families[drift.DRIFT_BASELINE_CDF].add(share, *labels, name)
    for before, name in pairwise(names):
        families[drift.DRIFT_BASELINE_PREVIOUS].add(1.0, *labels, name, before)
    for name, width in zip(names[:-1], seen.widths, strict=True):
        families[drift.DRIFT_BASELINE_WIDTH].add(width, *labels, name)


def _seen(baseline: Baseline, shapes: Mapping[Key, Shape]) -> dict[Key, _Seen]:
    found: dict[Key, _Seen] = {}
    for one in baseline.features:
        if isinstance(one, Numeric) and (one.name, "") in shapes:
            found[one.name, ""] = _Seen(
                shape=shapes[one.name, ""],
                counts=one.counts,
                missing=one.missing,
                widths=widths(one),
            )
        elif isinstance(one, Categorical) and (one.name, "") in shapes:
            counts = (*one.counts, one.other)
            shape = shapes[one.name, ""]
            found[one.name, ""] = _Seen(shape=shape, counts=counts, missing=one.missing)
        elif isinstance(one, Score):
            found |= _classes(one, shapes)
    return found


def _classes(score: Score, shapes: Mapping[Key, Shape]) -> dict[Key, _Seen]:
    """Rows without a score have a class as well, but the file does not say which: none is told."""
    only = len(score.classes) == 1
    return {
        (score.name, one.predicted): _Seen(
            shape=shapes[score.name, one.predicted],
            counts=one.counts,
            missing=score.missing if only else 0,
            widths=_widths(score.edges, one.counts),
        )
        for one in score.classes
        if (score.name, one.predicted) in shapes
    }


def _widths(edges: Sequence[float], counts: Sequence[int]) -> list[float]:
    """Of scores as if each lay in the middle of its bin: the file holds no other."""
    middles = [(low + high) / 2 for low, high in pairwise((0.0, *edges, 1.0))]
    pairs = list(zip(middles, counts, strict=True))
    total = sum(counts) or 1
    mean = math.fsum(middle * count for middle, count in pairs) / total
    spread = math.fsum(count * (middle - mean) ** 2 for middle, count in pairs) / total
    apart = [after - here for here, after in pairwise(middles)]
    return [step / math.sqrt(spread) if spread else 0.0 for step in apart]
