"""Baselines: what is usual at this hour of the week, and how far from it is still usual?

The last hour is recorded every four minutes; the past is read back from these samples, one per
week, so that weeks of history cost four samples. Medians, so that one odd week moves nothing.
"""

from collections.abc import Mapping

from alerts.recorded.windows import SLOW
from modelwatch.catalogue.recorded import COST, LIMIT, QUANTILES, REQUESTS, TOKENS_PER_REQUEST
from modelwatch.catalogue.seasonal import (
    BASELINE,
    BASELINE_LOWER,
    BASELINE_NOW,
    BASELINE_SPREAD,
    BASELINE_UPPER,
    BASELINE_WEEKS,
)
from modelwatch.promql import largest, on, select
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

FEWEST = 2
"""Weeks without which there is no band: one week says nothing of how far weeks are apart."""

LEAST = 0.1
"""Spread, as a share of the baseline, that is assumed at least: few weeks can agree by chance."""

NORMAL = 1.4826
"""Median distances times this are standard deviations, where the weeks are normally spread."""

_IDS = ", ".join(BASELINE.labels)
_WEEKS = "\nor\n".join(
    f'label_replace({BASELINE_NOW} offset {week}w, "week", "{week}", "", "")'
    for week in (1, 2, 3, 4)
)
_DISTANCES = f"abs(({_WEEKS}) - {on(*BASELINE.labels)} group_left () {BASELINE})"
_KNOWN = f"{BASELINE} and {BASELINE_WEEKS} >= {FEWEST}"
_WIDTH = f"""(
    {BASELINE_SPREAD}
      * {on()} group_left ()
    {largest(select(LIMIT, signal="anomaly"))}
)"""

GROUPS = (
    RecordGroup(
        name="modelwatch-baselines-slow",
        interval=SLOW,
        records=(
            *(
                Record(metric=BASELINE_NOW, expr=expr, labels={"signal": signal})
                for signal, expr in SIGNALS.items()
            ),
            Record(metric=BASELINE, expr=f"quantile by ({_IDS}) (0.5, {_WEEKS})"),
            Record(metric=BASELINE_WEEKS, expr=f"count by ({_IDS}) ({_WEEKS})"),
            Record(
                metric=BASELINE_SPREAD,
                expr=f"""
                    {NORMAL} * quantile by ({_IDS}) (0.5, {_DISTANCES})
                      > {LEAST} * ({_KNOWN})
                      or
                    {LEAST} * ({_KNOWN})
                """,
            ),
            Record(metric=BASELINE_LOWER, expr=f"clamp_min({BASELINE} - {_WIDTH}, 0)"),
            Record(metric=BASELINE_UPPER, expr=f"{BASELINE} + {_WIDTH}"),
        ),
    ),
)
