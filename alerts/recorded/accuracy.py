"""Estimated accuracy: how many predictions should be right, by the scores that they have?

Each bin of a score weighs as much as it has predictions now, and counts as it was right in the
baseline. That sees shifts of what the model is asked; it is blind where scores lose their meaning.
"""

from alerts.recorded.windows import SLOW
from modelwatch.catalogue.accuracy import (
    ACCURACY_REFERENCE,
    ESTIMATED_ACCURACY,
    ESTIMATED_DROP,
    ESTIMATED_MARGIN,
    ESTIMATED_PRECISION,
    ESTIMATED_RECALL,
    ESTIMATED_SAMPLES,
    EXPECTED_OF,
    EXPECTED_RIGHT,
)
from modelwatch.catalogue.drift import DRIFT_BINS, FEATURE
from modelwatch.catalogue.labels import (
    BASELINE_ACCURACY,
    BASELINE_LABELS,
    CALIBRATED,
)
from modelwatch.catalogue.metric import MODEL, Metric
from modelwatch.catalogue.recorded import FLOOR_EVENTS
from modelwatch.promql import largest, on, select, total
from modelwatch.rules import Record, RecordGroup

_OF_BASELINE = (*MODEL, "baseline")
_ESTIMATE = ESTIMATED_SAMPLES.labels
_SCORED = tuple(label for label in FEATURE if label != "predicted")

KNOWN = "0.9"
"""Share of predictions whose score must have a meaning, or there is no estimate."""

_SHARES = largest(CALIBRATED, by=(*FEATURE, "bin"))
_OF_ALL = total(f"{DRIFT_BINS} and {on(*_SCORED)} {_SHARES}", by=_ESTIMATE)
_OF = total(EXPECTED_OF, by=_ESTIMATE)
_RIGHT = total(EXPECTED_RIGHT, by=_ESTIMATE)
_OF_TWO = f"({_OF} - {_RIGHT}) and count by ({', '.join(_ESTIMATE)}) ({EXPECTED_OF}) == 2"

ENOUGH = f"{on()} group_left () {select(FLOOR_EVENTS, signal='accuracy')}"


def margin(share: Metric, samples: Metric) -> str:
    """Half of the range around a share in which nineteen of twenty samples are."""
    return f"1.96 * sqrt({share} * (1 - {share}) / {samples})"


def drop(share: Metric, samples: Metric, *, reference: str, labels: str, join: str) -> str:
    """How far a share is below its reference, where one in a hundred is by chance.

    2.33 standard deviations of a difference of two shares: the reference has its own error.
    """
    return f"""
        (
          -({share} - {join} group_left () {reference})
            >
          2.33 * sqrt(
            (1 / {samples} + {join} group_left () (1 / {labels}))
              * {join} group_left () ({reference} * (1 - {reference}))
          )
        )
          and ({samples} >= {ENOUGH})
    """


GROUPS = (
    RecordGroup(
        name="modelwatch-accuracy-slow",
        interval=SLOW,
        records=(
            Record(
                metric=EXPECTED_OF,
                expr=total(
                    f"{DRIFT_BINS} and {on(*FEATURE, 'bin')} {_SHARES}", by=EXPECTED_OF.labels
                ),
            ),
            Record(
                metric=EXPECTED_RIGHT,
                expr=total(
                    f"{DRIFT_BINS} * {on(*FEATURE, 'bin')} group_left () {_SHARES}",
                    by=EXPECTED_RIGHT.labels,
                ),
            ),
            Record(metric=ESTIMATED_SAMPLES, expr=f"({_OF} > 0) >= {KNOWN} * {_OF_ALL}"),
            Record(metric=ESTIMATED_ACCURACY, expr=f"{_RIGHT} / {ESTIMATED_SAMPLES}"),
            Record(metric=ESTIMATED_MARGIN, expr=margin(ESTIMATED_ACCURACY, ESTIMATED_SAMPLES)),
            Record(metric=ESTIMATED_PRECISION, expr=f"{EXPECTED_RIGHT} / ({EXPECTED_OF} > 0)"),
            Record(
                metric=ESTIMATED_RECALL,
                # Of two classes, what is wrong in the one belongs to the other.
                expr=f"""
                    {EXPECTED_RIGHT} / (
                      2 * {EXPECTED_RIGHT} - {EXPECTED_OF}
                        + {on(*_ESTIMATE)} group_left () ({_OF_TWO})
                        > 0
                    )
                """,
            ),
            Record(metric=ACCURACY_REFERENCE, expr=largest(BASELINE_ACCURACY, by=_OF_BASELINE)),
            Record(
                metric=ESTIMATED_DROP,
                expr=drop(
                    ESTIMATED_ACCURACY,
                    ESTIMATED_SAMPLES,
                    reference=str(ACCURACY_REFERENCE),
                    labels=largest(BASELINE_LABELS, by=_OF_BASELINE),
                    join=on(*_OF_BASELINE),
                ),
            ),
        ),
    ),
)
