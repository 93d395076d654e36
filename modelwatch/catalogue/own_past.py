"""Own past: distributions of the last hour, kept so that later hours can be compared with them.

The distances themselves are the series of `drift`, with a reference of these as `baseline` and the
name of the distribution as `feature_name`.
"""

from modelwatch.catalogue.metric import MODEL, Layer, Metric
from modelwatch.catalogue.recorded import DISTRIBUTIONS, LENGTHS

SIGNALS = (*LENGTHS, *DISTRIBUTIONS)
"""Distributions of engines that can be compared with their own past."""
SCORES = "scores"
"""In the inventory: every score of the model, and those of its retrieval."""
RETRIEVAL_SCORES = ("retrieval_top_score", "reranker_score")
"""The distributions of the latter."""
SCORE_PREFIX = "score_"
"""Before the name of a score, so that it is not taken for a distribution of an engine."""

METHOD = "ks"
WINDOW = "1h"
WEEK_BEFORE = "week_before"
RECENT_DAYS = "recent_days"
REFERENCES = (WEEK_BEFORE, RECENT_DAYS)
"""Values of `baseline`: the same hour a week ago, and that of a usual day of the last seven."""
DAYS = 7
FEWEST_DAYS = 3
"""Days of the last seven that must have had enough values before one can be called usual."""

ENGINE_FEATURE = (*MODEL, "engine", "feature_name")
"""A distribution of one engine: each has boundaries of its own. A score has no engine."""


def _recorded(name: str, unit: str, text: str, *labels: str) -> Metric:
    return Metric(
        name=f"model:own_past{name}",
        help=text,
        unit=unit,
        labels=(*ENGINE_FEATURE, *labels),
        layer=Layer.MODEL,
    )


OWN_PAST_SAMPLES = _recorded("_samples:increase1h", "count", "Values of the last hour.")
OWN_PAST_CDF = _recorded(
    "_cdf:ratio1h",
    "ratio",
    "Share of the last hour's values up to a boundary, where there were enough values.",
    "le",
)
OWN_PAST_USUAL_SAMPLES = _recorded(
    "_usual_samples:increase1h",
    "count",
    "Fewest values of this hour on a day that the usual day is made of.",
)
OWN_PAST_USUAL = _recorded(
    "_usual_cdf:ratio1h",
    "ratio",
    "The same on a usual day: the median of this hour of the last seven days.",
    "le",
)
