"""Realised accuracy: what do labels say of the predictions of each day?

A day is believed once it is over and its labels are as good as complete: labels that come early
are no fair sample. Where predictions are not observed nobody knows how many labels are missing,
and a day is believed when labels have had as long as the inventory gives them.
"""

from alerts.recorded.accuracy import drop, margin
from alerts.recorded.windows import SLOW
from modelwatch.catalogue.accuracy import (
    ACCURACY_CORRELATION,
    COHORT_ACCURACY,
    COHORT_AGE,
    COHORT_CONFUSION,
    COHORT_ESTIMATE,
    COHORT_FALSE_NEGATIVES,
    COHORT_LABELLED,
    COHORT_MATURE,
    COHORT_PRECISION,
    COHORT_RECALL,
    COHORTS,
    LABEL_DELAY_P90,
    LABELS_AGE,
    LABELS_MISSING,
    LAST_COHORTS,
    LAST_CONFUSION,
    REALISED_ACCURACY,
    REALISED_DROP,
    REALISED_FALSE_NEGATIVES,
    REALISED_MARGIN,
    REALISED_PRECISION,
    REALISED_RECALL,
    REALISED_SAMPLES,
)
from modelwatch.catalogue.labels import (
    BASELINE_ACCURACY,
    BASELINE_LABELS,
    COHORT_END,
    COHORT_EXPECTED,
    COHORT_LABELS,
    COHORT_PREDICTIONS,
    COHORT_SCORED,
    LABEL_DELAY,
    LABELS_NEWEST,
    LABELS_TOTAL,
)
from modelwatch.catalogue.metric import MODEL, Metric
from modelwatch.catalogue.recorded import FLOOR_EVENTS, LIMIT
from modelwatch.promql import largest, on, or_zero, select, total
from modelwatch.rules import Record, RecordGroup

DAY_S = "86400"
FEWEST_COHORTS = "8"
"""Fewer pairs say nothing of a correlation: at eight, 0.71 is the least that is no chance."""

_COHORT = COHORT_AGE.labels
_OF_COHORT = on(*_COHORT)
_LAST = REALISED_SAMPLES.labels
_LABELS = total(COHORT_CONFUSION, by=_COHORT)
_PREDICTIONS = f"({total(COHORT_PREDICTIONS, by=_COHORT)} > 0)"
_OF_MODEL = f"{on()} group_left ()"


def _strictest(signal: str) -> str:
    """The smallest limit of a model, whatever it is held for."""
    return f"min by ({', '.join(MODEL)}) ({select(LIMIT, signal=signal)})"


_DELAY, _MISSING = _strictest("label_delay"), _strictest("labels_missing")
_COMPLETE = f"({COHORT_AGE} >= 0 and {COHORT_LABELLED} >= {_OF_MODEL} (1 - {_MISSING}))"
_OLD_ENOUGH = f"""(
    ({COHORT_AGE} >= {_OF_MODEL} {_DELAY})
      unless ({COHORT_LABELLED} and {on()} {_MISSING})
)"""


def _right(confusion: Metric, *by: str) -> str:
    """Share that was right, of what is labelled."""
    labels = total(confusion, by=by)
    return f"{or_zero(total(select(confusion, verdict='right'), by=by), labels)} / ({labels} > 0)"


def _last(cohorts: str) -> tuple[Record, Record]:
    newest = f"topk by ({', '.join(MODEL)}) ({cohorts}, {COHORT_MATURE})"
    chosen = select(LAST_COHORTS, cohorts=cohorts)
    kept = [label for label in LAST_CONFUSION.labels if label != "cohorts"]
    return (
        Record(
            metric=LAST_COHORTS,
            labels={"cohorts": cohorts},
            expr=f"group by ({', '.join(_COHORT)}) ({newest})",
        ),
        Record(
            metric=LAST_CONFUSION,
            labels={"cohorts": cohorts},
            expr=total(f"{COHORT_CONFUSION} and {_OF_COHORT} {chosen}", by=kept),
        ),
    )


_ESTIMATES = f"({COHORT_ESTIMATE} and {COHORT_MATURE} and {COHORT_ACCURACY})"
_REALISED = f"({COHORT_ACCURACY} and {COHORT_MATURE} and {COHORT_ESTIMATE})"


def _of(function: str, values: str) -> str:
    return f"{function} by ({', '.join(MODEL)}) ({values})"


# Without any variation there is no correlation, and what rounding makes of it is none.
_PEARSON = f"""
    (
      {_of("avg", f"{_ESTIMATES} * {_REALISED}")}
        - {_of("avg", _ESTIMATES)} * {_of("avg", _REALISED)}
    )
      / ({_of("stddev", _ESTIMATES)} * {_of("stddev", _REALISED)} > 1e-9)
      and {_of("count", _ESTIMATES)} >= {FEWEST_COHORTS}
"""

# The newest day of which all labels should be there.
_DUE = f"({COHORT_AGE} >= {_OF_MODEL} {_DELAY}) < {_OF_MODEL} ({_DELAY} + 1)"

GROUPS = (
    RecordGroup(
        name="modelwatch-accuracy-cohorts-slow",
        interval=SLOW,
        records=(
            Record(metric=COHORT_CONFUSION, expr=total(COHORT_LABELS, by=COHORT_CONFUSION.labels)),
            Record(
                metric=COHORT_AGE,
                expr=f"(time() - {largest(COHORT_END, by=_COHORT)}) / {DAY_S}",
            ),
            Record(
                metric=COHORT_LABELLED,
                # Labels may bring predictions along that nobody had observed.
                expr=f"clamp_max({or_zero(_LABELS, _PREDICTIONS)} / {_PREDICTIONS}, 1)",
            ),
            Record(
                metric=COHORT_MATURE,
                expr=f"""
                    {largest(COHORT_END, by=_COHORT)}
                      and {_LABELS} > 0
                      and ({_COMPLETE} or {_OLD_ENOUGH})
                """,
            ),
            Record(metric=COHORT_ACCURACY, expr=_right(COHORT_CONFUSION, *_COHORT)),
            Record(
                metric=COHORT_ESTIMATE,
                expr=f"{total(COHORT_EXPECTED, by=_COHORT)} / "
                f"({total(COHORT_SCORED, by=_COHORT)} > 0)",
            ),
            Record(
                metric=COHORT_PRECISION, expr=_right(COHORT_CONFUSION, *COHORT_PRECISION.labels)
            ),
            Record(metric=COHORT_RECALL, expr=_right(COHORT_CONFUSION, *COHORT_RECALL.labels)),
            Record(metric=COHORT_FALSE_NEGATIVES, expr=f"1 - {COHORT_RECALL}"),
            *(record for cohorts in COHORTS for record in _last(cohorts)),
        ),
    ),
    RecordGroup(
        name="modelwatch-accuracy-realised-slow",
        interval=SLOW,
        records=(
            Record(metric=REALISED_SAMPLES, expr=total(LAST_CONFUSION, by=_LAST)),
            Record(metric=REALISED_ACCURACY, expr=_right(LAST_CONFUSION, *_LAST)),
            Record(metric=REALISED_MARGIN, expr=margin(REALISED_ACCURACY, REALISED_SAMPLES)),
            Record(
                metric=REALISED_PRECISION, expr=_right(LAST_CONFUSION, *REALISED_PRECISION.labels)
            ),
            Record(metric=REALISED_RECALL, expr=_right(LAST_CONFUSION, *REALISED_RECALL.labels)),
            Record(metric=REALISED_FALSE_NEGATIVES, expr=f"1 - {REALISED_RECALL}"),
            Record(
                metric=REALISED_DROP,
                expr=drop(
                    REALISED_ACCURACY,
                    REALISED_SAMPLES,
                    reference=largest(BASELINE_ACCURACY),
                    labels=largest(BASELINE_LABELS),
                    join=on(),
                ),
            ),
            Record(metric=ACCURACY_CORRELATION, expr=_PEARSON),
            Record(metric=LABELS_AGE, expr=f"(time() - {largest(LABELS_NEWEST)}) / {DAY_S}"),
            Record(
                metric=LABEL_DELAY_P90,
                # Of no labels the quantile is no number, which is not 0 or more.
                expr=f"""
                    histogram_quantile(
                      0.9,
                      {total(f"increase({LABEL_DELAY.bucket}[1d])", by=(*MODEL, "le"))}
                    ) >= 0
                """,
            ),
            Record(
                metric=LABELS_MISSING,
                # A model that never had a label is not waiting for any.
                expr=f"""
                    max by ({", ".join(MODEL)}) (
                      1 - {COHORT_LABELLED}
                        and {_OF_COHORT} ({_DUE})
                        and {_OF_COHORT}
                      ({_PREDICTIONS} >= {_OF_MODEL} {select(FLOOR_EVENTS, signal="accuracy")})
                    )
                      and {on()} {total(LABELS_TOTAL)} > 0
                """,
            ),
        ),
    ),
)
