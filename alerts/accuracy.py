"""Accuracy: are predictions still as right as they were when the model was well?

Scores let one expect it at once, and are a proxy; labels say it, late. Each alone opens a ticket at
the most; both together page (see `correlated.py`). A day of which labels are missing says nothing.
"""

from alerts.limits import limit
from alerts.told import unless_told
from modelwatch.catalogue.accuracy import (
    COHORT_LABELLED,
    ESTIMATED_DROP,
    LABELS_AGE,
    LABELS_MISSING,
    REALISED_DROP,
    STREAM_BOUND,
    STREAM_CHANGE,
)
from modelwatch.catalogue.metric import Metric
from modelwatch.catalogue.recorded import LIMIT
from modelwatch.promql import on, select
from modelwatch.rules import HOLD, Alert, Given, Proof, SignalClass, Urgency

_SAME_BASELINE = on("model", "environment", "baseline")
_STREAM = on("model", "environment", "stream", "score")


def _far_below(window: str) -> str:
    return f"({select(ESTIMATED_DROP, window=window)} > {on()} group_left (limit) {_DROP})"


_DROP = limit("accuracy_drop")
_MOST = "max by (model, environment, limit)"
_LABELS_LATER = "Where do labels come from, and did their definition change at that time?"


def _above(metric: Metric, **labels: str) -> Given:
    return Given(
        metric=metric,
        labels=labels,
        fires=lambda facts: 2 * facts.limit,
        below=lambda facts: 0.99 * facts.limit,
    )


def _proof(signal: str, *given: Given, has_quiet: bool = False, **labels: str) -> Proof:
    """How an alert on a share is proved: where there are too few events it is not recorded."""
    return Proof(
        row=LIMIT,
        where={"signal": signal},
        labels=labels,
        has_quiet=has_quiet,
        reachable=lambda facts: signal == "label_delay" or 2 * facts.limit <= 1,
        given=given,
    )


ALERTS = [
    Alert(
        name="ModelEstimatedAccuracyLow",
        signal="estimated_accuracy",
        signal_class=SignalClass.QUALITY,
        urgency=Urgency.WATCH,
        # Two neighbouring windows agree: neither one odd hour, nor what ended hours ago.
        condition=f"""
            {_MOST} (
              {_far_below("6h")} and {_SAME_BASELINE} {_far_below("1h")}
              or
              {_far_below("1d")} and {_SAME_BASELINE} {_far_below("6h")}
            )
        """,
        labels=("limit",),
        hold=HOLD,
        keep_firing="30m",
        summary="By its scores {{ $labels.model }} should be right less often: accuracy is "
        "estimated {{ $value | humanizePercentage }} below its baseline's, over its limit of "
        "{{ $labels.limit }}.",
        description="The scores of today's predictions are those that were wrong more often in "
        "the baseline, by more than chance with this many predictions.",
        action=(
            "On the drift board see which features moved with the score, and since when.",
            "Is a source of these features broken, or are the users others? Repair the former.",
            "Compare with the realised accuracy of the days of which labels are there: did the "
            "estimate follow it so far?",
        ),
        lies="It sees that harder questions come, and is blind when the answers to the same "
        "questions change. Scores of a new version mean something else: build its baseline.",
        board="modelwatch-drift",
        proof=_proof(
            "accuracy_drop",
            *(_above(ESTIMATED_DROP, baseline="aaa", window=window) for window in ("1h", "6h")),
        ),
    ),
    Alert(
        name="ModelRealisedAccuracyLow",
        signal="realised_accuracy",
        signal_class=SignalClass.QUALITY,
        urgency=Urgency.SOON,
        condition=f"{_MOST} ({REALISED_DROP} > {on()} group_left (limit) {_DROP})",
        labels=("limit",),
        hold=HOLD,
        keep_firing="30m",
        summary="{{ $labels.model }} is right less often, say its labels: accuracy is "
        "{{ $value | humanizePercentage }} below its baseline's, over its limit of "
        "{{ $labels.limit }}.",
        description="Of the newest day whose labels are complete, or of the last seven, fewer "
        "predictions were right than in the baseline, by more than chance.",
        action=(
            "See which class lost precision or recall, and since which day.",
            _LABELS_LATER,
            "Did scores or features drift? Then look for their cause; otherwise the world has "
            "changed: plan a retraining.",
        ),
        lies="Labels are of predictions days ago. Where only doubtful predictions are labelled, "
        "accuracy is that of the doubtful ones.",
        board="modelwatch-drift",
        proof=_proof("accuracy_drop", _above(REALISED_DROP, cohorts="1")),
    ),
    Alert(
        name="ModelConceptDrift",
        signal="concept_drift",
        signal_class=SignalClass.QUALITY,
        urgency=Urgency.SOON,
        # Where the drop itself is told, or the score that judges give, this is no news.
        condition=f"""
            (({STREAM_CHANGE} > {_STREAM} {STREAM_BOUND})
              > {on()} group_left (limit)
            {limit("concept_drift")})
            {
            unless_told(
                "ModelRealisedAccuracyLow",
                "ModelScoreLow",
                "ModelScoreHigh",
                "ModelQualityBurn1d",
                "ModelQualityBurn3d",
                over="1d",
                own="ModelConceptDrift",
            )
        }
        """,
        labels=("stream", "score", "limit"),
        hold=HOLD,
        keep_firing="30m",
        summary="{{ $labels.model }} is wrong more often than in the week before: by "
        "{{ $labels.stream }} of the last day the share rose by {{ $value | humanizePercentage }}, "
        "over its limit of {{ $labels.limit }}.",
        description="The share of wrong answers within the last day is larger than in the week "
        "before it, by more than chance for any distribution (Hoeffding, two windows, one in a "
        "thousand).",
        action=(
            "Did the scores drift as well? Then the questions are others; if not, the right "
            "answers are, and only a retraining helps.",
            _LABELS_LATER,
            "Look for a new version, prompt or index at the time it began.",
        ),
        lies="Labels count on the day they come: a late batch of hard cases looks like a change. "
        "After a week of it the change is the past it is compared with.",
        board="modelwatch-drift",
        proof=_proof(
            "concept_drift",
            _above(STREAM_CHANGE, stream="labels"),
            # With few labels chance reaches further.
            Given(
                metric=STREAM_BOUND,
                labels={"stream": "labels"},
                fires=lambda facts: 0.5 * facts.limit,
                quiet=lambda facts: 3 * facts.limit,
            ),
            has_quiet=True,
            stream="labels",
        ),
    ),
    Alert(
        name="ModelLabelsMissing",
        signal="labels_missing",
        signal_class=SignalClass.META,
        urgency=Urgency.SOON,
        condition=f"{LABELS_MISSING} > {on()} group_left (limit) {limit('labels_missing')}",
        labels=("limit",),
        hold=HOLD,
        summary="{{ $value | humanizePercentage }} of the predictions of {{ $labels.model }} have "
        "no label though all should be there, over its limit of {{ $labels.limit }}.",
        description="The newest day of which labels should be complete is not: its accuracy is "
        "not believed, and the alert on it cannot fire.",
        action=(
            "Did the job run that sends labels, and what did the exporter answer?",
            "Do the ids of labels name predictions? See the unmatched ones at the drift exporter.",
            "Where only a sample is ever labelled, say so: set `labels_missing`, or `off`.",
        ),
        lies="Where labels take longer than the inventory says, this is told of every day.",
        board="modelwatch-drift",
        proof=_proof("labels_missing", _above(LABELS_MISSING)),
    ),
    Alert(
        name="ModelLabelsLate",
        signal="label_delay",
        signal_class=SignalClass.META,
        urgency=Urgency.SOON,
        # Where predictions are observed, those without a label are counted instead.
        condition=f"""
            ({LABELS_AGE} > {on()} group_left (limit) {limit("label_delay")})
              unless {on()}
            {COHORT_LABELLED}
        """,
        labels=("limit",),
        hold=HOLD,
        summary="The newest labelled prediction of {{ $labels.model }} is "
        '{{ $value | printf "%.1f" }} days old, over its limit of {{ $labels.limit }} days.',
        description="Labels have stopped, or come later than the inventory says: the accuracy on "
        "the boards is old, and the alert on it cannot fire.",
        action=(
            "Did the job run that sends labels, and what did the exporter answer?",
            "Does what it reads from have labels of the last days?",
            "If labels take so long, set `label_delay` to it.",
        ),
        lies="A model that nobody asks for a week has no labels of that week.",
        board="modelwatch-drift",
        proof=_proof("label_delay", _above(LABELS_AGE)),
    ),
]
