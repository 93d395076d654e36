"""Accuracy, as recorded: estimated from scores before labels come, and realised by labels.

A cohort is a UTC day of predictions.
"""

from modelwatch.catalogue.labels import COHORT, CONFUSION
from modelwatch.catalogue.metric import MODEL, Layer, Metric

COHORTS = ("1", "7")
"""Over how many of the newest mature cohorts accuracy is taken together."""

_LAST = (*MODEL, "cohorts")
_STREAM = (*MODEL, "stream", "score")


def _recorded(name: str, unit: str, text: str, *labels: str) -> Metric:
    return Metric(name=f"model:{name}", help=text, unit=unit, labels=labels, layer=Layer.MODEL)


# The estimate, before labels come.

_ESTIMATE = (*MODEL, "baseline")

EXPECTED_RIGHT = _recorded(
    "expected_right:increase",
    "count",
    "Predictions within the window that are right if scores mean what they meant in the baseline.",
    *_ESTIMATE,
    "predicted",
    "window",
)
EXPECTED_OF = _recorded(
    "expected_of:increase",
    "count",
    "Predictions within the window whose score has a meaning in the baseline.",
    *_ESTIMATE,
    "predicted",
    "window",
)
ESTIMATED_SAMPLES = _recorded(
    "estimated_accuracy:samples",
    "count",
    "Predictions behind the estimate; none where a tenth of all has no meaning in the baseline.",
    *_ESTIMATE,
    "window",
)
ESTIMATED_ACCURACY = _recorded(
    "estimated_accuracy:ratio",
    "ratio",
    "Share of predictions that should be right, by their scores.",
    *_ESTIMATE,
    "window",
)
ESTIMATED_MARGIN = _recorded(
    "estimated_accuracy:margin",
    "ratio",
    "What chance adds to or takes from the estimate, at 95 %.",
    *_ESTIMATE,
    "window",
)
ESTIMATED_PRECISION = _recorded(
    "estimated_precision:ratio",
    "ratio",
    "Share of the predictions of a class that should be right.",
    *_ESTIMATE,
    "predicted",
    "window",
)
ESTIMATED_RECALL = _recorded(
    "estimated_recall:ratio",
    "ratio",
    "Share of a class that should be recognised, where there are two classes.",
    *_ESTIMATE,
    "predicted",
    "window",
)
ACCURACY_REFERENCE = _recorded(
    "accuracy_baseline:ratio",
    "ratio",
    "Share of the baseline's predictions that were right.",
    *_ESTIMATE,
)
ESTIMATED_DROP = _recorded(
    "estimated_accuracy:drop",
    "ratio",
    "How far the estimate is below the baseline's accuracy, where that is more than chance.",
    *_ESTIMATE,
    "window",
)

# What labels say.

COHORT_CONFUSION = _recorded(
    "cohort_labels:count", "count", "Labelled predictions of a cohort.", *COHORT, *CONFUSION
)
COHORT_LABELLED = _recorded(
    "cohort_labelled:ratio",
    "ratio",
    "Share of a cohort's predictions that have a label.",
    *COHORT,
)
COHORT_AGE = _recorded(
    "cohort_age:days", "days", "Days since the cohort's day ended; below 0 until then.", *COHORT
)
COHORT_MATURE = _recorded(
    "cohort_mature:timestamp",
    "timestamp",
    "Cohorts whose labels are believed, with the moment their day ended: it is over, and labels "
    "are as good as complete.",
    *COHORT,
)
COHORT_ACCURACY = _recorded(
    "cohort_accuracy:ratio", "ratio", "Share of labelled predictions that were right.", *COHORT
)
COHORT_ESTIMATE = _recorded(
    "cohort_estimated_accuracy:ratio",
    "ratio",
    "Share of the cohort's predictions that should be right, by their scores.",
    *COHORT,
)
COHORT_PRECISION = _recorded(
    "cohort_precision:ratio",
    "ratio",
    "Share of the predictions of a class that were right.",
    *COHORT,
    "predicted",
)
COHORT_RECALL = _recorded(
    "cohort_recall:ratio",
    "ratio",
    "Share of a class, by its label, that was recognised.",
    *COHORT,
    "label",
)
COHORT_FALSE_NEGATIVES = _recorded(
    "cohort_false_negatives:ratio",
    "ratio",
    "Share of a class, by its label, that was taken for another one.",
    *COHORT,
    "label",
)
LAST_COHORTS = _recorded(
    "last_cohorts:info",
    "info",
    "Which cohorts are the newest mature ones.",
    *COHORT,
    "cohorts",
)
LAST_CONFUSION = _recorded(
    "last_cohorts_labels:count",
    "count",
    "Labelled predictions of the newest mature cohorts.",
    *_LAST,
    *CONFUSION,
)
REALISED_SAMPLES = _recorded(
    "realised_accuracy:samples", "count", "Labels behind the realised accuracy.", *_LAST
)
REALISED_ACCURACY = _recorded(
    "realised_accuracy:ratio",
    "ratio",
    "Share of the newest mature cohorts' predictions that were right.",
    *_LAST,
)
REALISED_MARGIN = _recorded(
    "realised_accuracy:margin",
    "ratio",
    "What chance adds to or takes from the realised accuracy, at 95 %.",
    *_LAST,
)
REALISED_PRECISION = _recorded(
    "realised_precision:ratio",
    "ratio",
    "Share of the predictions of a class that were right.",
    *_LAST,
    "predicted",
)
REALISED_RECALL = _recorded(
    "realised_recall:ratio",
    "ratio",
    "Share of a class, by its label, that was recognised.",
    *_LAST,
    "label",
)
REALISED_FALSE_NEGATIVES = _recorded(
    "realised_false_negatives:ratio",
    "ratio",
    "Share of a class, by its label, that was taken for another one.",
    *_LAST,
    "label",
)
REALISED_DROP = _recorded(
    "realised_accuracy:drop",
    "ratio",
    "How far the realised accuracy is below the baseline's, where that is more than chance.",
    *_LAST,
)
ACCURACY_CORRELATION = _recorded(
    "accuracy:correlation",
    "correlation",
    "Pearson correlation of estimated and realised accuracy over the mature cohorts, eight at "
    "least: whether the estimate may be trusted.",
    *MODEL,
)
LABELS_AGE = _recorded(
    "labels_age:days", "days", "Age of the newest prediction that has a label.", *MODEL
)
LABELS_MISSING = _recorded(
    "labels_missing:ratio",
    "ratio",
    "Share of predictions without a label, of the newest day of which all should have come.",
    *MODEL,
)
LABEL_DELAY_P90 = _recorded(
    "label_delay:p90_1d", "seconds", "Nine of ten labels of the last day came within it.", *MODEL
)

# Has the share of wrong answers changed?

STREAM = _recorded(
    "stream:rate1h",
    "events/s",
    "Answers found right or wrong, of a stream of labels or judgements.",
    *_STREAM,
    "verdict",
)
STREAM_EVENTS = _recorded(
    "stream:events",
    "count",
    "Answers of the last day, and of the week before it, that were found right or wrong.",
    *_STREAM,
    "verdict",
    "window",
)
STREAM_WRONG = _recorded(
    "stream_wrong:ratio",
    "ratio",
    "Share of them that was wrong.",
    *_STREAM,
    "window",
)
STREAM_BOUND = _recorded(
    "stream_change:bound",
    "ratio",
    "Difference of the two shares that chance alone does not reach (Hoeffding).",
    *_STREAM,
)
STREAM_CHANGE = _recorded(
    "stream_change:difference",
    "ratio",
    "How much larger the share of wrong answers was within the last day than in the week before.",
    *_STREAM,
)
