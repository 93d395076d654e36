"""Distances between two distributions that were counted into the same bins.

Plain Python on counts: what the recording rules compute, and what is checked against other tools.
The first counts are the baseline's; neither may be empty. What chance does is in `chance.py`.
"""

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise

from exporters.drift.baseline import Numeric

SMALLEST_SHARE = 1e-4
"""Shares are raised to this for the PSI, as in Evidently, so that an empty bin has a logarithm."""


def psi(before: Sequence[int], now: Sequence[int]) -> float:
    """The population stability index, with natural logarithms."""
    pairs = [
        (max(then, SMALLEST_SHARE), max(seen, SMALLEST_SHARE))
        for then, seen in zip(shares(before), shares(now), strict=True)
    ]
    return math.fsum((seen - then) * math.log(seen / then) for then, seen in pairs)


def ks(before: Sequence[int], now: Sequence[int]) -> float:
    """Kolmogorov and Smirnov's distance, at the boundaries of bins.

    The exact one is larger by the largest bin's share at the most.
    """
    return max(_apart(before, now))


def js(before: Sequence[int], now: Sequence[int]) -> float:
    """The root of Jensen and Shannon's divergence, natural logarithm: 0.8326 at the most."""
    parts = [
        share * math.log(2 * share / (then + seen))
        for then, seen in zip(shares(before), shares(now), strict=True)
        for share in (then, seen)
        if share
    ]
    return math.sqrt(max(math.fsum(parts), 0.0) / 2)


def chi2(before: Sequence[int], now: Sequence[int]) -> float:
    """Cramer's V of the table of both counts, as though both had equally many values.

    That of the counts themselves shrinks with a baseline larger than what is compared.
    """
    parts = [
        (seen - then) ** 2 / (seen + then)
        for then, seen in zip(shares(before), shares(now), strict=True)
        if then + seen
    ]
    return math.sqrt(math.fsum(parts) / 2)


def wasserstein(before: Sequence[int], now: Sequence[int], widths: Sequence[float]) -> float:
    """The first Wasserstein distance over the baseline's standard deviation.

    Every value is taken to lie where the baseline's values of its bin lie on average. How far
    beyond its outer bins a value is does not show, so that large shifts are larger than told.
    """
    apart = _apart(before, now)[: len(widths)]
    return math.fsum(step * width for step, width in zip(apart, widths, strict=True))


def widths(feature: Numeric) -> tuple[float, ...]:
    """From the mean of each bin's values to that of the next bin's, in standard deviations.

    One for each finite boundary; all are 0 where there was but one value.
    """
    deviation = feature.deviation
    return tuple(
        (after - centre) / deviation if deviation else 0.0
        for centre, after in pairwise(feature.centres)
    )


def shares(counts: Sequence[int]) -> list[float]:
    """Each count's part of all."""
    total = sum(counts)
    return [count / total for count in counts]


def _apart(before: Sequence[int], now: Sequence[int]) -> list[float]:
    """How far the shares up to each boundary are apart."""
    then_all, now_all = sum(before), sum(now)
    return [
        abs(then / then_all - seen / now_all)
        for then, seen in zip(accumulate(before), accumulate(now), strict=True)
    ]
