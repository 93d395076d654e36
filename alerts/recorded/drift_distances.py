"""Distances: how far is what the model sees from its baseline, by every statistic?

Each is recorded for each window at once, from the counts of `drift_counts.py`. Where a rule cannot
compute a statistic, whoever can exposes it, and it loses the labels of its source here.
"""

from alerts.recorded.drift_counts import at_edge
from modelwatch.catalogue.drift import (
    DRIFT,
    DRIFT_BASELINE_BIN,
    DRIFT_BASELINE_CDF,
    DRIFT_BASELINE_RATE,
    DRIFT_BASELINE_WIDTH,
    DRIFT_BINS,
    DRIFT_BUCKETS,
    DRIFT_OBSERVATIONS,
    DRIFT_RATES,
    DRIFT_SAMPLES,
    DRIFT_STATISTIC,
    FEATURE,
)
from modelwatch.promql import largest, on, total
from modelwatch.rules import Record

SMALLEST_SHARE = "1e-4"
"""An empty bin counts as this share in the PSI, as Evidently has it."""
_NOTHING = "1e-300"
"""In place of zero where zero would be divided by, or have its logarithm taken."""

WINDOW = (*FEATURE, "window")
_BIN = on(*FEATURE, "bin")
_LE = on(*FEATURE, "le")

NOW = f"({DRIFT_BINS} / {on(*WINDOW)} group_left () ({DRIFT_SAMPLES} > 0))"
"""Share of the window's values in each bin."""
THEN = largest(DRIFT_BASELINE_BIN, by=(*FEATURE, "bin"))
"""Share of the baseline's values in each bin."""


def _at_least(expr: str, least: str) -> str:
    return f"clamp_min({expr}, {least})"


_NOW_CLIPPED = _at_least(NOW, SMALLEST_SHARE)
_THEN_CLIPPED = f"{_BIN} group_left () {_at_least(THEN, SMALLEST_SHARE)}"
_PSI = total(
    f"({_NOW_CLIPPED} - {_THEN_CLIPPED}) * ln({_NOW_CLIPPED} / {_THEN_CLIPPED})", by=WINDOW
)

_BOTH = f"({NOW} + {_BIN} group_left () {THEN})"


def _against_both(share: str) -> str:
    """One half of the Jensen-Shannon divergence: zero times the logarithm of zero is zero."""
    ratio = f"2 * {share} / {_at_least(_BOTH, _NOTHING)}"
    return f"{share} * ln({_at_least(ratio, _NOTHING)})"


_JS = f"""
    sqrt({
    _at_least(
        total(f"{_against_both(NOW)} + {_against_both(f'({_BOTH} - {NOW})')}", by=WINDOW), "0"
    )
} / 2)
"""

# By shares and not by counts: Cramer's V of the counts shrinks with a baseline larger than the
# window, so that one limit would not do for both. With equally many values it is this.
_CHI2 = f"""
    sqrt(
      {
    total(f"({NOW} - {_BIN} group_left () {THEN}) ^ 2 / {_at_least(_BOTH, _NOTHING)}", by=WINDOW)
}
      / 2)
"""

_APART = f"""
    abs(
      {DRIFT_BUCKETS} / {on(*WINDOW)} group_left () ({DRIFT_SAMPLES} > 0)
        - {_LE} group_left ()
      {largest(at_edge(DRIFT_BASELINE_CDF), by=(*FEATURE, "le"))})
"""
AROUND = largest(at_edge(DRIFT_BASELINE_WIDTH), by=(*FEATURE, "le"))
"""From the mean of the values below a boundary to that of the values above it, bin by bin."""
_WASSERSTEIN = total(f"{_APART} * {_LE} group_left () {AROUND}", by=WINDOW)

_RATE = f"""
    {DRIFT_RATES} / {on(*WINDOW)} group_left () ({DRIFT_OBSERVATIONS} > 0)
      - {on(*FEATURE, "method")} group_left ()
    {largest(DRIFT_BASELINE_RATE, by=(*FEATURE, "method"))}
"""

RECORDS = (
    *(
        Record(metric=DRIFT, expr=expr, labels={"method": method})
        for method, expr in (
            ("psi", _PSI),
            ("ks", largest(_APART, by=WINDOW)),
            ("js", _JS),
            ("chi2", _CHI2),
            ("wasserstein", _WASSERSTEIN),
        )
    ),
    Record(metric=DRIFT, expr=f"{_RATE} or {largest(DRIFT_STATISTIC, by=DRIFT.labels)}"),
)
