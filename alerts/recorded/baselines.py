"""Baselines: what is usual at this hour of the week?

The last hour is recorded every four minutes; the past is read back from these samples, one per
week, so that weeks of history cost three samples.
"""

from collections.abc import Mapping

from alerts.recorded.windows import SLOW
from modelwatch.catalogue.recorded import (
    BASELINE,
    BASELINE_NOW,
    BASELINE_SPREAD,
    COST,
    QUANTILES,
    REQUESTS,
    TOKENS_PER_REQUEST,
)
from modelwatch.promql import largest, select
from modelwatch.rules import Record, RecordGroup

# Means of what was there, not sums: an hour in which nobody recorded is no hour without traffic.
SIGNALS: Mapping[str, str] = {
    "requests": f"avg_over_time({REQUESTS}[1h])",
    "request_duration": largest(
        f"avg_over_time({select(QUANTILES['request_duration'], quantile='0.95')}[1h])"
    ),
    "tokens_per_request": f"{TOKENS_PER_REQUEST}",
    "cost": f"avg_over_time({COST}[1h])",
}

_SIGNAL = ", ".join(BASELINE.labels)
_WEEKS = "\nor\n".join(
    f'label_replace({BASELINE_NOW} offset {week}w, "week", "{week}", "", "")' for week in (1, 2, 3)
)
_DIFFERENCE = f"(max by ({_SIGNAL}) ({_WEEKS}) - min by ({_SIGNAL}) ({_WEEKS}))"

GROUPS = (
    RecordGroup(
        name="modelwatch-baselines-slow",
        interval=SLOW,
        records=(
            *(
                Record(metric=BASELINE_NOW, expr=expr, labels={"signal": signal})
                for signal, expr in SIGNALS.items()
            ),
            Record(metric=BASELINE, expr=f"avg by ({_SIGNAL}) ({_WEEKS})"),
            Record(
                metric=BASELINE_SPREAD,
                # Three weeks can be alike by chance: a tenth of the baseline is never unusual.
                expr=f"{_DIFFERENCE} > 0.1 * {BASELINE} or 0.1 * {BASELINE}",
            ),
        ),
    ),
)
