"""What is usual at this hour of the week: medians of the same hour, and the band around them.

`signal` names what a series is of: requests, request_duration, tokens_per_request or cost.
"""

from modelwatch.catalogue.metric import MODEL, Layer, Metric


def _seasonal(name: str, unit: str, text: str) -> Metric:
    return Metric(
        name=f"model:seasonal:{name}",
        help=text,
        unit=unit,
        labels=(*MODEL, "signal"),
        layer=Layer.MODEL,
    )


BASELINE = _seasonal(
    "baseline",
    "value",
    "Median of the same hour in the four weeks before, of those that are known.",
)
BASELINE_WEEKS = _seasonal("weeks", "count", "How many of those four weeks are known.")
BASELINE_SPREAD = _seasonal(
    "spread",
    "value",
    "Scaled median distance of those weeks from the baseline, a tenth of it at least; nothing "
    "where fewer than two weeks are known.",
)
BASELINE_LOWER = _seasonal(
    "lower",
    "value",
    "The baseline less the spread times the limit of `anomaly`, zero at least.",
)
BASELINE_UPPER = _seasonal(
    "upper",
    "value",
    "The baseline plus the spread times the limit of `anomaly`.",
)
BASELINE_NOW = _seasonal("now", "value", "The same signal over the last hour.")
