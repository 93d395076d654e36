"""Late labels: what became of predictions, and how many should be right by their scores.

A cohort is a UTC day of predictions: a label counts for the day of its prediction, however late it
comes. Gauges by cohort add up over replicas, because each label is kept by one of them.
"""

from modelwatch.catalogue.drift import FEATURE
from modelwatch.catalogue.metric import MODEL, Layer, Metric

MOST_COHORTS = 35
"""Days of predictions that are kept: a label that comes later is refused."""
MOST_CLASSES = 11
"""Classes of a model at the most, `other` included."""
FEW_CLASSES = 3
"""As many are expected of a model that does not watch which it predicts: two, and `other`."""

COHORT = (*MODEL, "cohort")
CONFUSION = ("predicted", "label", "verdict")
"""Labels of what is counted by prediction, label, and whether these agree: others do not show."""


def _exposed(name: str, kind: str, unit: str, text: str, *labels: str) -> Metric:
    return Metric(
        name=f"modelwatch_{name}",
        help=text,
        unit=unit,
        labels=labels,
        layer=Layer.EXPOSED,
        kind=kind,
    )


# What the baseline lets one expect of a score.

CALIBRATED = _exposed(
    "accuracy_calibrated_ratio",
    "gauge",
    "ratio",
    "Share of the baseline's predictions of a class that were right, by the bin of their score.",
    *FEATURE,
    "bin",
)
BASELINE_ACCURACY = _exposed(
    "accuracy_baseline_ratio",
    "gauge",
    "ratio",
    "Share of the baseline's predictions that were right.",
    *MODEL,
    "baseline",
)
BASELINE_LABELS = _exposed(
    "accuracy_baseline_samples",
    "gauge",
    "count",
    "Predictions of the baseline whose label was known.",
    *MODEL,
    "baseline",
)

# What came in.

LABELS_TOTAL = _exposed(
    "labels_total",
    "counter",
    "labels",
    "Predictions that a label found right or wrong, as labels came; corrections are not in it.",
    *MODEL,
    "verdict",
)
LABELS_CORRECTED_TOTAL = _exposed(
    "labels_corrected_total",
    "counter",
    "labels",
    "Labels that took the place of another one of the same prediction.",
    *MODEL,
)
LABELS_DUPLICATES_TOTAL = _exposed(
    "labels_duplicates_total",
    "counter",
    "labels",
    "Labels that had come before; they are counted once.",
    *MODEL,
)
LABELS_REJECTED_TOTAL = _exposed(
    "labels_rejected_total",
    "counter",
    "labels",
    "Labels that were not counted, by reason; unmatched ones name a prediction that is not "
    "remembered. The model is other where the label names none that is known.",
    *MODEL,
    "reason",
)
LABEL_DELAY = _exposed(
    "label_delay_seconds",
    "histogram",
    "seconds",
    "Time from a prediction to its first label.",
    *MODEL,
)
LABELS_NEWEST = _exposed(
    "labels_newest_prediction_timestamp_seconds",
    "gauge",
    "timestamp",
    "When the newest prediction was made that has a label, in seconds since 1970.",
    *MODEL,
)
PREDICTIONS_REMEMBERED = _exposed(
    "labels_remembered_predictions",
    "gauge",
    "count",
    "Predictions with an id that a label can still be joined to.",
)
PREDICTIONS_FORGOTTEN_TOTAL = _exposed(
    "labels_forgotten_predictions_total",
    "counter",
    "predictions",
    "Predictions that made room for newer ones before a label came.",
)
LABELS_WRITABLE = _exposed(
    "labels_state_writable",
    "gauge",
    "bool",
    "0 while labels cannot be kept on disk: they are refused, and nothing is lost but time.",
)

# By cohort.

COHORT_END = _exposed(
    "labels_cohort_end_timestamp_seconds",
    "gauge",
    "timestamp",
    "When the cohort's day ended or ends, in seconds since 1970.",
    *COHORT,
)
COHORT_LABELS = _exposed(
    "labels_cohort_labels",
    "gauge",
    "count",
    "Labelled predictions of a cohort; classes beyond the baseline's are other.",
    *COHORT,
    *CONFUSION,
)
COHORT_PREDICTIONS = _exposed(
    "labels_cohort_predictions",
    "gauge",
    "count",
    "Predictions of a cohort that were observed, labelled or not.",
    *COHORT,
)
COHORT_EXPECTED = _exposed(
    "labels_cohort_expected_right",
    "gauge",
    "count",
    "Predictions of a cohort that are right if scores mean what they meant in the baseline.",
    *COHORT,
)
COHORT_SCORED = _exposed(
    "labels_cohort_scored",
    "gauge",
    "count",
    "Predictions of a cohort whose score has a meaning in the baseline.",
    *COHORT,
)
