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

QUALITY_SCORE = _exposed(
    "quality_score", "gauge", "score", "Mean of the named score over its last evaluation.", "score"
)
QUALITY_SAMPLES = _exposed(
    "quality_samples", "gauge", "count", "Answers behind the named score.", "score"
)
QUALITY_JUDGEMENTS_TOTAL = _exposed(
    "quality_judgements_total",
    "counter",
    "judgements",
    "Judged answers by verdict: good or bad.",
    "score",
    "verdict",
)
QUALITY_LAST_EVALUATION = _exposed(
    "quality_last_evaluation_timestamp_seconds",
    "gauge",
    "timestamp",
    "When the named score was last evaluated, in seconds since 1970.",
    "score",
)
FEEDBACK_TOTAL = _exposed(
    "feedback_total", "counter", "votes", "Votes of users by verdict: up or down.", "verdict"
)
ANSWER_FLAGS_TOTAL = _exposed(
    "answer_flags_total",
    "counter",
    "answers",
    "Answers flagged as refusal, guardrail, hallucination or toxicity.",
    "flag",
)
RETRIEVAL_QUERIES_TOTAL = _exposed(
    "retrieval_queries_total", "counter", "queries", "Retrievals by result: hit or empty.", "result"
)
RETRIEVAL_TOP_SCORE = _exposed(
    "retrieval_top_score", "histogram", "score", "Best similarity score of a retrieval."
)
RERANKER_SCORE = _exposed(
    "reranker_score", "histogram", "score", "Score that the reranker gave its best document."
)
RETRIEVAL_DURATION = _exposed(
    "retrieval_duration_seconds", "histogram", "seconds", "Time of a retrieval."
)
TOOL_CALLS_TOTAL = _exposed(
    "tool_calls_total", "counter", "calls", "Tool calls of agents by outcome.", "outcome"
)
AGENT_STEPS_TOTAL = _exposed("agent_steps_total", "counter", "steps", "Steps taken by agents.")
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
DRIFT_STATISTIC = _exposed(
    "drift_statistic",
    "gauge",
    "distance",
    "Distance of what the model sees now from its baseline.",
    "feature_name",
    "method",
)
DRIFT_NOISE_FLOOR = _exposed(
    "drift_noise_floor",
    "gauge",
    "distance",
    "Distance that chance alone would show with this many samples.",
    "feature_name",
    "method",
)
DRIFT_SAMPLES = _exposed(
    "drift_samples",
    "gauge",
    "count",
    "Observations behind the drift statistic.",
    "feature_name",
    "method",
)

_GPU = ("environment", "pool", "host", "gpu")


def _card(name: str, kind: str, unit: str, text: str, *labels: str) -> Metric:
    return Metric(
        name=f"modelwatch_gpu_{name}",
        help=text,
        unit=unit,
        labels=(*_GPU, *labels),
        layer=Layer.EXPOSED,
        kind=kind,
    )


GPU_EXPORTER_UTILIZATION = _card(
    "utilization_ratio", "gauge", "ratio", "Share of time the card was busy."
)
GPU_EXPORTER_MEMORY_USED = _card(
    "memory_used_bytes", "gauge", "bytes", "Memory of the card in use."
)
GPU_EXPORTER_MEMORY_TOTAL = _card("memory_total_bytes", "gauge", "bytes", "Memory of the card.")
GPU_EXPORTER_POWER = _card("power_watts", "gauge", "watts", "Power the card draws.")
GPU_EXPORTER_POWER_LIMIT = _card("power_limit_watts", "gauge", "watts", "Power limit of the card.")
GPU_EXPORTER_TEMPERATURE = _card(
    "temperature_celsius", "gauge", "celsius", "Temperature of the card."
)
GPU_EXPORTER_THROTTLED = _card(
    "throttled_ratio", "gauge", "ratio", "Share of time the clocks were held back by heat or power."
)
GPU_EXPORTER_XID_TOTAL = _card(
    "xid_errors_total", "counter", "errors", "XID errors of the driver by code.", "xid"
)
GPU_EXPORTER_ECC_TOTAL = _card(
    "ecc_uncorrected_total", "counter", "errors", "Memory errors that could not be corrected."
)
