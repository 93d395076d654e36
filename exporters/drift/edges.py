"""Where a numeric feature is parted into bins."""

import math
from collections.abc import Sequence
from itertools import groupby, pairwise

BINS = 10
MOST_EDGES = 20
"""So many different values each get a boundary."""


def edges_of(values: Sequence[float]) -> tuple[float, ...]:
    """Where sorted values are parted: at each of a few different ones, else at their deciles.

    Deciles are rounded to what tells them apart, since people read them.
    """
    different = [value for value, _ in groupby(values)]
    if len(different) <= MOST_EDGES:
        return tuple(value + 0.0 for value in different)
    edges = [_quantile(values, step / BINS) for step in range(1, BINS)]
    if len(set(edges)) < len(edges):
        return _around_heavy(values)
    gap = min(after - before for before, after in pairwise(edges))
    digits = max(0, 2 - math.floor(math.log10(gap)))
    rounded = tuple(round(edge, digits) + 0.0 for edge in edges)
    return rounded if len(set(rounded)) == len(edges) else tuple(edges)


def _quantile(sorted_values: Sequence[float], share: float) -> float:
    """As numpy has it by default: between two neighbours in proportion."""
    at = (len(sorted_values) - 1) * share
    low = math.floor(at)
    below, above = sorted_values[low], sorted_values[min(low + 1, len(sorted_values) - 1)]
    return below + (above - below) * (at - low)


def _around_heavy(sorted_values: Sequence[float]) -> tuple[float, ...]:
    """Boundaries where some values are so frequent that deciles meet: each of those ends a bin.

    A bin has no fewer values than a quarter of its share of what is left.
    """
    edges: list[float] = []
    counted = inside = 0
    room = len(sorted_values) / BINS
    before = sorted_values[0]
    for value, group in groupby(sorted_values):
        heavy = sum(1 for _ in group)
        if inside >= room / 4 and inside + heavy > room:
            edges.append(before)
            counted, inside = counted + inside, 0
            room = (len(sorted_values) - counted) / max(1, BINS - len(edges))
        inside, before = inside + heavy, value
        if len(edges) == BINS - 1:
            break
    return tuple(edge + 0.0 for edge in edges) or (sorted_values[0],)
