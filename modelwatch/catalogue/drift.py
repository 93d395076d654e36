"""Drift: what models see and say, counted into bins, beside what the baseline had in them.

The exporter counts; the statistics are recorded from its counts, so that replicas add up. Bins are
frozen with the baseline: another baseline is another value of the label `baseline`. `le` is written
as Prometheus 3 writes it, so that it is one text in every release.
"""

from modelwatch.catalogue.metric import MODEL, Layer, Metric

METHODS = ("psi", "ks", "js", "chi2", "wasserstein")
"""Distances between two distributions; one of them decides, all of them are drawn."""
RATES = ("missing", "unseen", "out_of_range")
"""How much larger a share is than in the baseline; always looked at."""
EMBEDDING_METHODS = ("cosine", "euclidean", "shifted", "mmd", "auc")
"""Distances between two clouds of vectors."""
WINDOWS = ("1h", "6h", "1d")
"""Windows that are compared with the baseline; drift is told when two neighbours agree."""

PREDICTED = "predicted"
"""The feature that is the predicted class."""

MOST_BINS = 21
"""Bins of a feature at the most: twenty categories or ranges, and one for all others."""

FEATURE = (*MODEL, "feature_name", "predicted", "baseline")
"""What is watched. `predicted` is there for scores: one distribution per predicted class."""


def _exposed(name: str, kind: str, unit: str, text: str, *labels: str) -> Metric:
    return Metric(
        name=f"modelwatch_drift_{name}",
        help=text,
        unit=unit,
        labels=labels,
        layer=Layer.EXPOSED,
        kind=kind,
    )


def _recorded(name: str, unit: str, text: str, *labels: str) -> Metric:
    return Metric(
        name=f"model:drift{name}",
        help=text,
        unit=unit,
        labels=(*FEATURE, *labels),
        layer=Layer.MODEL,
    )


# Counted by the exporter.

DRIFT_VALUES = _exposed(
    "values",
    "histogram",
    "value",
    "Values of a feature or score, in the baseline's bins.",
    *FEATURE,
)
DRIFT_CATEGORIES_TOTAL = _exposed(
    "categories_total",
    "counter",
    "observations",
    "Values of a categorical feature; those that the baseline does not name are other.",
    *FEATURE,
    "bin",
)
DRIFT_OBSERVATIONS_TOTAL = _exposed(
    "observations_total",
    "counter",
    "observations",
    "Observations of a feature, those without a value included.",
    *FEATURE,
)
DRIFT_MISSING_TOTAL = _exposed(
    "missing_total", "counter", "observations", "Observations without a value.", *FEATURE
)
DRIFT_UNSEEN_TOTAL = _exposed(
    "unseen_total",
    "counter",
    "observations",
    "Values of a categorical feature that the baseline does not have.",
    *FEATURE,
)
DRIFT_OUT_OF_RANGE_TOTAL = _exposed(
    "out_of_range_total",
    "counter",
    "observations",
    "Values of a numeric feature below the baseline's smallest or above its largest.",
    *FEATURE,
)
DRIFT_SAMPLING = _exposed(
    "sampling_ratio",
    "gauge",
    "ratio",
    "Share of predictions that is observed, as the sender last said.",
    *MODEL,
)
DRIFT_REJECTED_TOTAL = _exposed(
    "rejected_total",
    "counter",
    "observations",
    "Observations or values that were not counted, by reason; the model is other where the "
    "inventory has none of that name.",
    *MODEL,
    "reason",
)
DRIFT_STATE_WRITABLE = _exposed(
    "state_writable", "gauge", "bool", "1 while what is counted is kept over a restart."
)

# The baseline, as the exporter read it.

DRIFT_BASELINE_TROUBLE = _exposed(
    "baseline_trouble",
    "gauge",
    "bool",
    "1 while the file of the baseline is missing, damaged or of other_model; one that was read "
    "before stays in use.",
    *MODEL,
    "trouble",
)

DRIFT_BASELINE_INFO = _exposed(
    "baseline_info",
    "gauge",
    "info",
    "The baseline in use: the first digits of its SHA-256, and which version of the model it is "
    "of.",
    *MODEL,
    "baseline",
    "version",
)
DRIFT_BASELINE_CREATED = _exposed(
    "baseline_created_timestamp_seconds",
    "gauge",
    "timestamp",
    "When the baseline's last row was seen, in seconds since 1970.",
    *MODEL,
    "baseline",
)
DRIFT_BASELINE_SAMPLES = _exposed(
    "baseline_samples", "gauge", "count", "Values of the feature in the baseline.", *FEATURE
)
DRIFT_BASELINE_CDF = _exposed(
    "baseline_cdf_ratio",
    "gauge",
    "ratio",
    "Share of the baseline's values up to this boundary.",
    *FEATURE,
    "edge",
)
DRIFT_BASELINE_BIN = _exposed(
    "baseline_bin_ratio",
    "gauge",
    "ratio",
    "Share of the baseline's values in a bin: a category, or a range by its upper boundary.",
    *FEATURE,
    "bin",
)
DRIFT_BASELINE_PREVIOUS = _exposed(
    "baseline_bin_info",
    "gauge",
    "info",
    "Which boundary comes before another; of the first there is none.",
    *FEATURE,
    "edge",
    "previous_edge",
)
DRIFT_BASELINE_WIDTH = _exposed(
    "baseline_bin_width_ratio",
    "gauge",
    "ratio",
    "How far the mean of the bin's values is from that of the next bin's, in standard deviations.",
    *FEATURE,
    "edge",
)
DRIFT_BASELINE_RATE = _exposed(
    "baseline_rate_ratio",
    "gauge",
    "ratio",
    "Share of the baseline's observations that are missing, unseen or out_of_range.",
    *FEATURE,
    "method",
)
DRIFT_LEARNED = _exposed(
    "learned_ratio",
    "gauge",
    "ratio",
    "How much of a baseline is learned from live traffic, where the inventory says so; 1 when it "
    "is there.",
    *MODEL,
)
DRIFT_LEARNED_OBSERVATIONS = _exposed(
    "learned_observations",
    "gauge",
    "observations",
    "Observations that the baseline in the making is learned from so far.",
    *MODEL,
)

# Statistics that others compute: the exporter of embeddings, and other people's tools.

DRIFT_STATISTIC = _exposed(
    "statistic",
    "gauge",
    "distance",
    "Distance of what the model sees now from its baseline, where no rule can compute it.",
    *FEATURE,
    "method",
    "window",
)
DRIFT_NOISE_FLOOR = _exposed(
    "noise_floor",
    "gauge",
    "distance",
    "Distance that chance alone would show with this many samples.",
    *FEATURE,
    "method",
    "window",
)
DRIFT_SAMPLES_BEHIND = _exposed(
    "samples", "gauge", "count", "Observations behind the drift statistic.", *FEATURE, "window"
)

# Recorded.

DRIFT = _recorded(
    ":statistic", "distance", "Distance of a feature from its baseline.", "method", "window"
)
DRIFT_FLOOR = _recorded(
    ":noise_floor",
    "distance",
    "Distance that chance alone exceeds once in a hundred times with this many samples.",
    "method",
    "window",
)
DRIFT_SAMPLES = _recorded(":samples", "count", "Values of the feature within the window.", "window")
DRIFT_OBSERVATIONS = _recorded(
    ":observations",
    "count",
    "Observations of the feature within the window, those without a value included.",
    "window",
)
DRIFTED = _recorded(
    ":drifted",
    "bool",
    "1 when the distance is above its limit and above chance, and samples are enough.",
    "method",
    "window",
)
DRIFT_BUCKETS = _recorded(
    "_buckets:increase", "count", "Values up to a boundary within the window.", "le", "window"
)
DRIFT_BINS = _recorded(
    "_bins:increase", "count", "Values in a bin within the window.", "bin", "window"
)
DRIFT_RATES = _recorded(
    "_rates:increase",
    "count",
    "Observations within the window that are missing, unseen or out_of_range.",
    "method",
    "window",
)
DRIFT_FOUND = _recorded(
    ":found",
    "distance",
    "Distance of a feature that has drifted: a statistic that decides is over its limit and above "
    "chance in two neighbouring windows.",
    "method",
    "window",
)


def _of_model(name: str, unit: str, text: str, *labels: str) -> Metric:
    return Metric(
        name=f"model:drift{name}", help=text, unit=unit, labels=(*MODEL, *labels), layer=Layer.MODEL
    )


DRIFTED_FEATURES = _of_model(":features", "count", "Watched features that have drifted.")
DRIFTED_SHARE = _of_model(":share", "ratio", "Share of the watched features that have drifted.")
BASELINE_AGE = _of_model(
    "_baseline:age_seconds", "seconds", "Age of the baseline's last row.", "baseline"
)
