"""Metrics that applications, our exporters and our demo expose under canonical names."""

from modelwatch.catalogue.metric import MODEL, Layer, Metric


def _exposed(name: str, kind: str, unit: str, text: str, *labels: str) -> Metric:
    return Metric(
        name=f"modelwatch_{name}",
        help=text,
        unit=unit,
        labels=(*MODEL, *labels),
        layer=Layer.EXPOSED,
        kind=kind,
    )


REQUESTS_TOTAL = _exposed(
    "requests_total", "counter", "requests", "Finished requests by outcome.", "outcome", "version"
)
REQUEST_DURATION = _exposed(
    "request_duration_seconds", "histogram", "seconds", "Time from request to last byte.", "version"
)
TIME_TO_FIRST_TOKEN = _exposed(
    "time_to_first_token_seconds",
    "histogram",
    "seconds",
    "Time from request to first token.",
    "version",
)
INTER_TOKEN_LATENCY = _exposed(
    "inter_token_latency_seconds",
    "histogram",
    "seconds",
    "Gap between successive tokens.",
    "version",
)
QUEUE_DURATION = _exposed(
    "queue_duration_seconds", "histogram", "seconds", "Time a request waited.", "version"
)
REQUESTS_RUNNING = _exposed(
    "requests_running", "gauge", "requests", "Requests being served now.", "version"
)
REQUESTS_WAITING = _exposed(
    "requests_waiting", "gauge", "requests", "Requests queued now.", "version"
)
TOKENS_TOTAL = _exposed(
    "tokens_total",
    "counter",
    "tokens",
    "Tokens by kind: input, cached_input, output, reasoning; no kind contains another.",
    "kind",
    "version",
)
COST_TOTAL = _exposed("cost_usd_total", "counter", "USD", "Money spent.", "version")
IMAGES_TOTAL = _exposed("images_total", "counter", "images", "Images produced.", "version")
KV_CACHE_USAGE = _exposed(
    "kv_cache_usage_ratio", "gauge", "ratio", "Share of the KV cache in use.", "version"
)
PREEMPTIONS_TOTAL = _exposed(
    "preemptions_total", "counter", "preemptions", "Requests evicted from the batch.", "version"
)
BATCH_SIZE = _exposed("batch_size", "gauge", "requests", "Requests per engine step.", "version")

LAST_SUCCESS = _exposed(
    "last_success_timestamp_seconds",
    "gauge",
    "timestamp",
    "When a batch model, index or feature set was last refreshed, in seconds since 1970.",
)
KPI_EVENTS_TOTAL = _exposed(
    "kpi_events_total", "counter", "events", "Events that the KPI counts, such as clicks.", "kpi"
)
KPI_OPPORTUNITIES_TOTAL = _exposed(
    "kpi_opportunities_total",
    "counter",
    "events",
    "Events that the KPI is a share of, such as impressions.",
    "kpi",
)
KPI_VALUE = _exposed("kpi_value", "gauge", "value", "A KPI that is no share of anything.", "kpi")
