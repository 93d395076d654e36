"""One baseline in the bins of another, so that two can be compared without their rows."""

from bisect import bisect_right
from itertools import pairwise

from exporters.drift.baseline import Categorical, Numeric
from exporters.drift.bins import Counts, counted


def rebinned(feature: Numeric | Categorical, into: Numeric | Categorical) -> Counts | None:
    """The feature's counts in the bins of `into`; None where one has numbers and one words.

    Numbers in other bins are taken to be spread evenly between boundaries, so that the counts are
    right within a bin's share. How many are out of range is not known.
    """
    if isinstance(feature, Categorical) and isinstance(into, Categorical):
        return _words(feature, into)
    if not isinstance(feature, Numeric) or not isinstance(into, Numeric):
        return None
    if feature.edges == into.edges:
        return counted(feature)
    upto = [_share(feature, edge) for edge in into.edges]
    total = sum(feature.counts)
    places = [0, *(round(share * total) for share in upto), total]
    bins = [after - before for before, after in pairwise(places)]
    return Counts(bins=bins, missing=feature.missing)


def _words(feature: Categorical, into: Categorical) -> Counts:
    places = {value: place for place, value in enumerate(into.values)}
    counts = Counts(bins=[0] * (len(places) + 1), missing=feature.missing)
    for value, count in (*zip(feature.values, feature.counts, strict=True), (None, feature.other)):
        place = places.get(value or "", -1)
        counts.bins[place] += count
        if place == -1 and not into.other:
            counts.unseen += count
    return counts


def _share(feature: Numeric, value: float) -> float:
    """The share of values up to one."""
    ends = (min(feature.low, feature.edges[0]), *feature.edges, feature.high)
    if value >= feature.high:
        return 1.0
    if value < feature.low:
        return 0.0
    place = bisect_right(ends, value) - 1
    total = sum(feature.counts)
    before = sum(feature.counts[:place])
    width = ends[place + 1] - ends[place]
    part = (value - ends[place]) / width if width > 0 else 1.0
    return (before + part * feature.counts[place]) / total
