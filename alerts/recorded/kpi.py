"""KPI: how do the figures go that the business counts on?

Counters are sampled every four minutes, so that a day is 360 samples instead of thousands.
"""

from alerts.recorded.windows import SLOW, events, per_second
from modelwatch.catalogue.exposed import KPI_EVENTS_TOTAL, KPI_OPPORTUNITIES_TOTAL, KPI_VALUE
from modelwatch.catalogue.metric import MODEL, Metric
from modelwatch.catalogue.recorded import (
    KPI,
    KPI_VOLUME,
)
from modelwatch.catalogue.steps import (
    KPI_EVENTS_SAMPLES,
    KPI_OPPORTUNITIES_SAMPLES,
)
from modelwatch.promql import rate, ratio, total
from modelwatch.rules import Record, RecordGroup

_KPI = (*MODEL, "kpi")


def _of_a_day(samples: Metric) -> str:
    return events(samples, over="1d", every=SLOW)


_SHARE = ratio(_of_a_day(KPI_EVENTS_SAMPLES), _of_a_day(KPI_OPPORTUNITIES_SAMPLES))
_GAUGE = f"avg by ({', '.join(_KPI)}) (avg_over_time({KPI_VALUE}[1d]))"

GROUPS = (
    RecordGroup(
        name="modelwatch-kpi-slow",
        interval=SLOW,
        records=(
            Record(metric=KPI_EVENTS_SAMPLES, expr=total(rate(KPI_EVENTS_TOTAL), by=_KPI)),
            Record(
                metric=KPI_OPPORTUNITIES_SAMPLES,
                expr=total(rate(KPI_OPPORTUNITIES_TOTAL), by=_KPI),
            ),
            Record(metric=KPI, expr=f"{_SHARE}\nor\n{_GAUGE}"),
            Record(
                metric=KPI_VOLUME,
                expr=per_second(KPI_OPPORTUNITIES_SAMPLES, over="1d", every=SLOW),
            ),
        ),
    ),
)
