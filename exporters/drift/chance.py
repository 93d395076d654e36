"""Noise floors: how far from its baseline chance alone brings a feature, once in a hundred times.

These are the floors that the recording rules record; derivations stand beside the rules.
"""

import math
from collections.abc import Sequence
from itertools import accumulate

from exporters.drift.statistics import SMALLEST_SHARE, shares

_ONE_SIDE = 2.326348
"""Deviations that a normal number passes once in a hundred times, upwards."""
_BOTH_SIDES = 2.575829
_KS = 1.63
"""What Kolmogorov's distribution passes once in a hundred times."""

_RAREST = 0.02
"""Rarer bins are empty too often for the next moments of chi-square."""


def floor(method: str, before: Sequence[int], now: int, widths: Sequence[float] = ()) -> float:
    """The floor of a distance for `now` values, by the baseline's counts."""
    precision = 1 / sum(before) + 1 / now
    if method == "ks":
        return _KS * math.sqrt(precision)
    if method == "wasserstein":
        return _BOTH_SIDES * math.sqrt(precision) * _spread(before, widths)
    filled = [share for share in shares(before) if share]
    chance = chi_square(max(2, len(filled)) - 1)
    rarity = math.fsum(1 / max(share, _RAREST) for share in filled) / len(filled)
    if method == "chi2":
        return math.sqrt(chance * precision * (1 + rarity / (2 * now)) / 4)
    noise = chance * precision * (1 + rarity / now)
    return noise + _cliffs(before, now) if method == "psi" else math.sqrt(noise / 8)


def rate_floor(then: float, before: int, seen: int, now: int) -> float:
    """The floor of a rate: `then` is the share of `before`, and now `seen` of `now` are.

    A share of zero has no deviation of its own, so that it is that of both counts together. Small
    counts are skewed and go by whole numbers: Cornish and Fisher's term and half a count mend it.
    """
    share = (then * before + seen) / (before + now)
    deviation = math.sqrt(share * (1 - share) * (1 / before + 1 / now))
    skewness = (_ONE_SIDE**2 - 1) / 6 * (1 - 2 * share)
    return _ONE_SIDE * deviation + (0.5 + skewness) / now


def chi_square(freedom: int) -> float:
    """The 0.99 quantile of chi-square by Wilson and Hilferty (1931)."""
    part = 2 / (9 * freedom)
    return float(freedom * (1 - part + _ONE_SIDE * math.sqrt(part)) ** 3)


def _cliffs(before: Sequence[int], now: int) -> float:
    """What bins add to the PSI that are empty by chance: their mean and their deviation."""
    mean = square = 0.0
    for then in shares(before):
        share = max(then, SMALLEST_SHARE)
        cliff = (share - SMALLEST_SHARE) * math.log(share / SMALLEST_SHARE)
        empty = math.exp(-now * share)
        mean += empty * cliff
        square += empty * cliff**2
    return mean + _ONE_SIDE * math.sqrt(square)


def _spread(before: Sequence[int], widths: Sequence[float]) -> float:
    """Between the sum of the boundaries' deviations, were all to move as one, and the largest."""
    upto = list(accumulate(shares(before)))[: len(widths)]
    parts = [
        width * math.sqrt(max(share * (1 - share), 0.0))
        for width, share in zip(widths, upto, strict=True)
    ]
    return 0.65 * math.fsum(parts) + 0.35 * math.hypot(*parts)
