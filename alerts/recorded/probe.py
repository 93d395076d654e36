"""Probes: do synthetic requests succeed, are their answers right and fast, do they come at all?"""

from alerts.recorded.windows import FAST, MID
from modelwatch.catalogue import QUANTILES
from modelwatch.catalogue.inventory import PROBE_INFO, RETIRES
from modelwatch.catalogue.metric import Metric
from modelwatch.catalogue.probe import (
    OF_PROBE,
    PROBE_BUCKETS,
    PROBE_CERTIFICATE_EXPIRY,
    PROBE_CERTIFICATE_LEFT,
    PROBE_DURATION,
    PROBE_FAILURES,
    PROBE_FIRST_TOKEN,
    PROBE_QUANTILES,
    PROBE_RAN,
    PROBE_RECENT_ANSWERS,
    PROBE_RECENT_FAILED,
    PROBE_RECENT_RUNS,
    PROBE_RECENT_WRONG,
    PROBE_REQUESTS_TOTAL,
    PROBE_SUCCESS_RATIO,
    PROBE_WRONG,
    RETIREMENT_LEFT,
)
from modelwatch.catalogue.stack import UP
from modelwatch.promql import largest, on, rate, ratio, seconds, select, total
from modelwatch.rules import Record, RecordGroup

BEYOND = 2
"""Runs that must lie beyond a quantile before it is believed: one slow run is no news."""
FEWEST = 5
"""Runs in an hour without which no quantile is believed at all."""
JOB = "modelwatch-probe"

_HISTOGRAMS = {
    "probe_duration": PROBE_DURATION,
    "probe_time_to_first_token": PROBE_FIRST_TOKEN,
}
_OF_PROMPT = (*OF_PROBE, "prompt")


def _share(part: Metric, whole: Metric, by: tuple[str, ...]) -> str:
    """Of the last few runs. Exporters in several places are one: their runs are added up."""
    return ratio(total(part, by=by), total(whole, by=by))


def _quantile(signal: str, quantile: str) -> Record:
    """Of the slowest probe of a model, where it ran often enough in an hour to have a quantile."""
    buckets = PROBE_BUCKETS[signal]
    fewest = max(FEWEST, round(BEYOND / (1 - float(quantile))))
    return Record(
        metric=PROBE_QUANTILES[signal],
        labels={"quantile": quantile},
        expr=f"""
            max by (model, environment) (
            histogram_quantile({quantile}, {buckets})
            and {on(*OF_PROBE)}
            {select(buckets, le="+Inf")} * {seconds("1h")} >= {fewest}
            )
        """,
    )


_SUCCEEDED = total(rate(PROBE_REQUESTS_TOTAL, where={"outcome": "success"}), by=OF_PROBE)
_BROUGHT = f"group by ({', '.join(OF_PROBE)}) ({PROBE_RECENT_RUNS})"
# One exporter that is down is told once, not once per probe.
_RAN = f"""
    {_BROUGHT}
    or
    0 * {largest(PROBE_INFO, by=OF_PROBE)}
    unless on ()
    (max({select(UP, job=JOB)}) == 0)
"""

GROUPS = (
    RecordGroup(
        name="modelwatch-probe",
        interval=FAST,
        records=(
            Record(
                metric=PROBE_SUCCESS_RATIO,
                expr=ratio(_SUCCEEDED, total(rate(PROBE_REQUESTS_TOTAL), by=OF_PROBE)),
            ),
            Record(
                metric=PROBE_FAILURES,
                expr=_share(PROBE_RECENT_FAILED, PROBE_RECENT_RUNS, OF_PROBE),
            ),
            Record(
                metric=PROBE_WRONG,
                expr=_share(PROBE_RECENT_WRONG, PROBE_RECENT_ANSWERS, _OF_PROMPT),
            ),
            Record(metric=PROBE_RAN, expr=_RAN),
        ),
    ),
    RecordGroup(
        name="modelwatch-probe-mid",
        interval=MID,
        records=(
            *(
                Record(
                    metric=PROBE_BUCKETS[signal],
                    expr=total(rate(histogram.bucket, over="1h"), by=(*OF_PROBE, "le")),
                )
                for signal, histogram in _HISTOGRAMS.items()
            ),
            *(_quantile(signal, quantile) for signal in _HISTOGRAMS for quantile in QUANTILES),
            Record(
                metric=PROBE_CERTIFICATE_LEFT,
                expr=f"min by ({', '.join(OF_PROBE)}) ({PROBE_CERTIFICATE_EXPIRY}) - time()",
            ),
            Record(metric=RETIREMENT_LEFT, expr=f"{largest(RETIRES)} - time()"),
        ),
    ),
)
