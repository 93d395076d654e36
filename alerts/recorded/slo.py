"""SLO: which share of events breaks each promise, and how much of the error budget is left?

Bad and total events are recorded as rates; every longer window sums them, so that it is weighted
by events: a bad hour at night does not count like a bad hour at noon.
"""

from alerts.recorded.windows import FAST, MID, SLOW, events
from modelwatch.catalogue.exposed import LAST_SUCCESS
from modelwatch.catalogue.inventory import (
    MODEL_INFO,
    SLO_BUCKET,
    SLO_MAXIMUM_AGE,
    SLO_OBJECTIVE,
)
from modelwatch.catalogue.metric import Metric
from modelwatch.catalogue.recorded import (
    ENGINE_BUCKETS,
    ERRORS,
    JUDGEMENTS,
    LAST_SUCCESS_SEEN,
    REQUESTS_COUNTED,
    SLO_ALLOWED,
    SLO_BAD,
    SLO_BAD_EVENTS,
    SLO_BUDGET_LEFT,
    SLO_DAYS,
    SLO_ERROR,
    SLO_ERROR_PERIOD,
    SLO_SPENT,
    SLO_TOTAL,
)
from modelwatch.catalogue.steps import (
    SLO_BAD_PERIOD,
    SLO_BAD_SLOW,
    SLO_EXPECTED_PERIOD,
    SLO_GOOD,
    SLO_TOTAL_PERIOD,
    SLO_TOTAL_SLOW,
)
from modelwatch.promql import largest, on, or_zero, ratio, seconds, select, total
from modelwatch.rules import Record, RecordGroup

WINDOW_DAYS = (7, 28, 30, 90)
"""Windows that an objective can be promised over."""

LATENCIES = {
    "latency": "request_duration",
    "time_to_first_token": "time_to_first_token",
    "inter_token_latency": "inter_token_latency",
}

_ENGINE = ("model", "environment", "engine")
_SLO = ("model", "environment", "slo")


def _availability() -> tuple[Record, ...]:
    promised = select(SLO_OBJECTIVE, slo="availability")
    return _records(
        "availability",
        bad=f"{ERRORS} and {on()} {promised}",
        whole=f"{REQUESTS_COUNTED} and {on()} {promised}",
    )


def _latency(slo: str) -> tuple[Record, ...]:
    """Per engine: its buckets are its own. Engines without the boundary do not count at all.

    Bad is what is left of the same buckets, not of the recorded good ones: a ruler that reads its
    own results one round late would count every rise of traffic as bad.
    """
    buckets = ENGINE_BUCKETS[LATENCIES[slo]]
    boundary = (*_ENGINE, "le")
    wanted = largest(select(SLO_BUCKET, slo=slo), by=boundary)
    below = total(f"{buckets} * {on(*boundary)} group_left () {wanted}", by=_ENGINE)
    good = select(SLO_GOOD, slo=slo)
    whole = total(select(buckets, le="+Inf"), by=_ENGINE)
    return (
        Record(metric=SLO_GOOD, expr=below, labels={"slo": slo}),
        *_records(
            slo,
            bad=total(f"clamp_min({whole} - {on(*_ENGINE)} {below}, 0)"),
            whole=total(f"{whole} and {on(*_ENGINE)} {good}"),
        ),
    )


def _quality() -> tuple[Record, ...]:
    """Judgements of the score that the promise is about."""
    of_score = f"and {on('model', 'environment', 'score')} {select(SLO_OBJECTIVE, slo='quality')}"
    whole = total(f"{JUDGEMENTS} {of_score}")
    bad = total(f"{select(JUDGEMENTS, verdict='bad')} {of_score}")
    return _records("quality", bad=or_zero(bad, whole), whole=whole)


def _freshness() -> tuple[Record, ...]:
    """Every second is an event: bad while the newest refresh is too old."""
    limit = largest(SLO_MAXIMUM_AGE)
    return _records(
        "freshness",
        bad=f"time() - {LAST_SUCCESS_SEEN} > bool {on()} {limit}",
        whole=f"group by (model, environment) ({LAST_SUCCESS_SEEN} and {on()} {limit})",
    )


def _records(slo: str, *, bad: str, whole: str) -> tuple[Record, ...]:
    labels = {"slo": slo}
    return (
        Record(metric=SLO_BAD, expr=bad, labels=labels),
        Record(metric=SLO_TOTAL, expr=whole, labels=labels),
    )


# A timestamp stays true when whoever tells it falls silent: a dead job must not look fresh.
_SEEN = Record(
    metric=LAST_SUCCESS_SEEN,
    expr=f"""
        {largest(LAST_SUCCESS)}
        or
        ({LAST_SUCCESS_SEEN} and {on()} {MODEL_INFO})
    """,
)


def _recent(window: str) -> Record:
    return Record(
        metric=SLO_ERROR[window],
        expr=ratio(f"sum_over_time({SLO_BAD}[{window}])", f"sum_over_time({SLO_TOTAL}[{window}])"),
    )


def _long(window: str) -> Record:
    bad, whole = (
        f"sum_over_time({SLO_BAD_SLOW}[{window}])",
        f"sum_over_time({SLO_TOTAL_SLOW}[{window}])",
    )
    return Record(metric=SLO_ERROR[window], expr=ratio(bad, whole))


# The error budget is that of a whole window: where only its first hours were seen, the rest is
# expected to bring as many events, or a handful of errors would spend a month's allowance.
_BUDGET = total(
    f"{SLO_ALLOWED} * {on(*_SLO)} group_left () {total(SLO_EXPECTED_PERIOD, by=_SLO)} > 0",
    by=_SLO,
)


def _spent(window: str) -> Record:
    """Absolute: a few bad events at night are little of a month's allowance."""
    return Record(
        metric=SLO_SPENT[window], expr=f"{SLO_BAD_EVENTS[window]} / {on(*_SLO)} {_BUDGET}"
    )


def _over_period(metric: Metric, counted: str, days: int) -> Record:
    """Events of the whole window, of the objectives that have this window."""
    return Record(
        metric=metric,
        labels={"window": f"{days}d"},
        window_days=days,
        expr=f"{counted} and {on(*_SLO)} {SLO_DAYS} == {days}",
    )


def _period(days: int) -> tuple[Record, ...]:
    over = f"{days}d"
    bad, seen = (
        events(samples, over=over, every=SLOW) for samples in (SLO_BAD_SLOW, SLO_TOTAL_SLOW)
    )
    expected = f"avg_over_time({SLO_TOTAL_SLOW}[{over}]) * {seconds(over)}"
    return (
        _over_period(SLO_BAD_PERIOD, bad, days),
        _over_period(SLO_TOTAL_PERIOD, seen, days),
        _over_period(SLO_EXPECTED_PERIOD, expected, days),
    )


GROUPS = (
    RecordGroup(
        name="modelwatch-slo",
        interval=FAST,
        records=(
            *_availability(),
            *(record for slo in LATENCIES for record in _latency(slo)),
            *_quality(),
            _SEEN,
            *_freshness(),
            Record(metric=SLO_ERROR["5m"], expr=ratio(f"{SLO_BAD}", f"{SLO_TOTAL}")),
        ),
    ),
    RecordGroup(
        name="modelwatch-slo-mid",
        interval=MID,
        records=(
            *(_recent(window) for window in ("30m", "1h", "2h", "6h")),
            *(
                Record(metric=SLO_BAD_EVENTS[window], expr=events(SLO_BAD, over=window))
                for window in ("1h", "6h")
            ),
            *(_spent(window) for window in ("1h", "6h")),
        ),
    ),
    RecordGroup(
        name="modelwatch-slo-slow",
        interval=SLOW,
        records=(
            Record(metric=SLO_BAD_SLOW, expr=f"{SLO_BAD}"),
            Record(metric=SLO_TOTAL_SLOW, expr=f"{SLO_TOTAL}"),
            *(_long(window) for window in ("1d", "3d")),
            *(
                Record(
                    metric=SLO_BAD_EVENTS[window],
                    expr=events(SLO_BAD_SLOW, over=window, every=SLOW),
                )
                for window in ("1d", "3d")
            ),
            *(_spent(window) for window in ("1d", "3d")),
        ),
    ),
    RecordGroup(
        name="modelwatch-slo-period-slow",
        interval=SLOW,
        records=(
            *(record for days in WINDOW_DAYS for record in _period(days)),
            Record(
                metric=SLO_ERROR_PERIOD,
                expr=ratio(total(SLO_BAD_PERIOD, by=_SLO), total(SLO_TOTAL_PERIOD, by=_SLO)),
            ),
            Record(
                metric=SLO_BUDGET_LEFT,
                expr=f"1 - {total(SLO_BAD_PERIOD, by=_SLO)} / {on(*_SLO)} {_BUDGET}",
            ),
        ),
    ),
)
