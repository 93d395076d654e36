"""Noise floors: how far away would chance alone be, once in a hundred times, with these counts?

`n` is the window's count and `m` the baseline's; both are samples, so that both vary. Derivations
and how often the floors are passed without drift: docs/drift-statistics.md.
"""

from alerts.recorded.drift_counts import at_edge
from alerts.recorded.drift_distances import (
    AROUND,
    SMALLEST_SHARE,
    THEN,
    WINDOW,
)
from modelwatch.catalogue.drift import (
    DRIFT_BASELINE_CDF,
    DRIFT_BASELINE_RATE,
    DRIFT_BASELINE_SAMPLES,
    DRIFT_BINS,
    DRIFT_FLOOR,
    DRIFT_NOISE_FLOOR,
    DRIFT_OBSERVATIONS,
    DRIFT_RATES,
    DRIFT_SAMPLES,
    FEATURE,
)
from modelwatch.promql import largest, on, total
from modelwatch.rules import Record

ONE_SIDE = "2.326348"
"""Deviations that a normal number passes once in a hundred times, upwards."""
BOTH_SIDES = "2.575829"
"""The same, upwards or downwards."""

_OF_FEATURE = f"{on(*FEATURE)} group_left ()"
_SAMPLES = f"({DRIFT_SAMPLES} > 0)"
_COUNT_THEN = f"({largest(DRIFT_BASELINE_SAMPLES, by=FEATURE)} > 0)"
_PRECISION = f"(1 / {_SAMPLES} + {_OF_FEATURE} 1 / {_COUNT_THEN})"
"""`1/n + 1/m`: how much both counts together leave to chance."""

# Bins of which the baseline has something; a feature that never varied is treated as having two.
_BINS = f"clamp_min(count by ({', '.join(FEATURE)}) ({THEN} > 0), 2)"
_FREEDOM = f"({_BINS} - 1)"
# The 0.99 quantile of chi-square by Wilson and Hilferty (1931).
_CHI2 = f"({_FREEDOM} * (1 - 2 / (9 * {_FREEDOM}) + {ONE_SIDE} * sqrt(2 / (9 * {_FREEDOM}))) ^ 3)"
# Chi-square is what PSI and eight times the Jensen-Shannon divergence become with many values. With
# few, their next moments go by the mean of 1/(n p): half of it for the mean, as much again for the
# tail. Bins with less than 2 % are empty too often to have such moments.
_RARITY = f"avg by ({', '.join(FEATURE)}) (1 / clamp_min({THEN} > 0, 0.02))"


def _noise(part: str) -> str:
    few = f"{part} / {_SAMPLES} * {_OF_FEATURE} {_RARITY}"
    return f"{_PRECISION} * {_OF_FEATURE} {_CHI2} * (1 + {few})"


_NOISE = _noise("1")

# The PSI has a cliff: a bin that is empty by chance, which is so with probability exp(-n p), adds
# far more than chi-square knows of. Mean and deviation of all that empty bins add.
_SHARE = f"clamp_min({THEN}, {SMALLEST_SHARE})"
_CLIFF = f"(({_SHARE} - {SMALLEST_SHARE}) * ln({_SHARE} / {SMALLEST_SHARE}))"
_EMPTY = f"""
    exp(-1
      * (0 * {DRIFT_BINS} + {on(*WINDOW)} group_left () {_SAMPLES})
      * {on(*FEATURE, "bin")} group_left () {_SHARE})
      * {on(*FEATURE, "bin")} group_left ()
"""
_CLIFFS = f"""
    {total(f"{_EMPTY} {_CLIFF}", by=WINDOW)}
      + {ONE_SIDE} * sqrt({total(f"{_EMPTY} {_CLIFF} ^ 2", by=WINDOW)})
"""

# Kolmogorov's distribution passes 1.63 once in a hundred times; with bins it does so more seldom.
_KS = f"1.63 * sqrt({_PRECISION})"

# Without drift q - p varies by p (1/n + 1/m) and q + p is 2 p: the sum of (q - p)^2 / (q + p) is
# half of (1/n + 1/m) chi-square, and the statistic is the root of half the sum. Its mean goes by a
# quarter of the mean of 1/(n p), half of what those of the other two do.
_BALANCED = f"sqrt({_noise('0.5')} / 4)"

# At each boundary the difference is normal. Moved all boundaries as one, their sum would go by the
# sum of deviations; with one that outweighs the others, it goes by that one. In between: 0.65 is
# the least for which normal, uniform, exponential and lognormal values stay at one in a hundred.
_CDF = largest(at_edge(DRIFT_BASELINE_CDF), by=(*FEATURE, "le"))
_DEVIATION = f"""
    {AROUND} * {on(*FEATURE, "le")} sqrt(clamp_min({_CDF} * (1 - {_CDF}), 0))
"""
_WASSERSTEIN = f"""
    {BOTH_SIDES} * sqrt({_PRECISION}) * {_OF_FEATURE}
    (0.65 * {total(_DEVIATION, by=FEATURE)}
      + 0.35 * sqrt({total(f"({_DEVIATION}) ^ 2", by=FEATURE)}))
"""

# A difference of two shares, both estimated. A share of zero has no deviation of its own, so that
# it is that of both counts taken together. Small counts are skewed and go by whole numbers: half a
# count more, and as many as Cornish and Fisher have for the skewness, (z^2 - 1) / 6 * (1 - 2 p).
_RATE_THEN = largest(DRIFT_BASELINE_RATE, by=(*FEATURE, "method"))
_OBSERVED = f"({DRIFT_OBSERVATIONS} > 0)"
_TOGETHER = f"""
    (
      ({DRIFT_RATES} + {on(*FEATURE, "method")} group_left ()
        ({_RATE_THEN} * {_OF_FEATURE} {_COUNT_THEN}))
        / {on(*WINDOW)} group_left ()
      ({_OBSERVED} + {_OF_FEATURE} {_COUNT_THEN}))
"""
_RATE = f"""
    {ONE_SIDE} * sqrt(
      {_TOGETHER} * (1 - {_TOGETHER})
        * {on(*WINDOW)} group_left ()
      (1 / {_OBSERVED} + {_OF_FEATURE} 1 / {_COUNT_THEN}))
      + (1.235316 - 1.470632 * {_TOGETHER}) / {on(*WINDOW)} group_left () {_OBSERVED}
"""

RECORDS = (
    *(
        Record(metric=DRIFT_FLOOR, expr=expr, labels={"method": method})
        for method, expr in (
            ("psi", f"{_NOISE} + {_CLIFFS}"),
            ("ks", _KS),
            ("js", f"sqrt({_NOISE} / 8)"),
            ("chi2", _BALANCED),
            ("wasserstein", _WASSERSTEIN),
        )
    ),
    Record(
        metric=DRIFT_FLOOR,
        expr=f"{_RATE} or {largest(DRIFT_NOISE_FLOOR, by=DRIFT_FLOOR.labels)}",
    ),
)
