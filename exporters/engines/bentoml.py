"""BentoML: version 1.4; a bento is one process per service, and each service is a model to us."""

from modelwatch.engine import Counter, Engine, Expression, Gauge, Histogram, Page, boundaries

_DURATION = boundaries("0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 30 60 120 180")
_NO_PROBES = {"endpoint": "!~.*/(health|healthz|livez|readyz)"}
_NO_TOKENS = "BentoML measures requests, not tokens"

ENGINE = Engine(
    name="bentoml",
    title="BentoML",
    versions=("1.4.40",),
    port=3000,
    model_label="runner_name or service_name",
    in_front=True,
    version_label="service_version",
    rows=(
        Counter(
            signal="requests",
            names=("bentoml_service_request_total",),
            label="http_response_code",
            values={
                "success": "[123]..",
                "rate_limited": "429",
                "timeout": "408|504",
                "cancelled": "499",
                "client_error": "4..",
                "server_error": "5..",
            },
            rest="server_error",
            where=_NO_PROBES,
        ),
        Histogram(
            signal="request_duration",
            names=('bentoml_service_request_duration_seconds{http_response_code=~"[123].."}',),
            buckets=_DURATION,
            where=_NO_PROBES,
        ),
        Gauge(
            signal="requests_running",
            names=("bentoml_service_request_in_progress",),
            where=_NO_PROBES,
        ),
        Expression(
            signal="batch_size",
            expr="""
                sum by (job, instance, runner_name, service_version) (
                  rate(bentoml_service_adaptive_batch_size_sum[5m])
                )
                / (sum by (job, instance, runner_name, service_version) (
                  rate(bentoml_service_adaptive_batch_size_count[5m])
                ) > 0)
            """,
            metrics=(
                "bentoml_service_adaptive_batch_size_sum",
                "bentoml_service_adaptive_batch_size_count",
            ),
            across="avg",
            opt_in="declare the method `batchable`",
        ),
    ),
    unavailable={
        "prompt_length": f"{_NO_TOKENS}; use a gateway, or scrape the engine inside the bento",
        "output_length": f"{_NO_TOKENS}; use a gateway, or scrape the engine inside the bento",
        "time_to_first_token": f"{_NO_TOKENS}; use a probe, or scrape the engine inside the bento",
        "inter_token_latency": f"{_NO_TOKENS}; use a probe, or scrape the engine inside the bento",
        "queue_duration": "BentoML exposes no time in its queue; watch requests in progress",
        "requests_waiting": "BentoML counts waiting and running requests together, as running",
        "tokens": f"{_NO_TOKENS}; use a gateway, or scrape the engine inside the bento",
        "cost": "BentoML knows no prices; declare the hourly price of its cards",
        "kv_cache_usage": "only an engine inside the bento has a KV cache; scrape that engine",
        "preemptions": "only an engine inside the bento evicts requests; scrape that engine",
    },
    first_checks={
        "requests": (
            "Tell 429 (more requests than `max_concurrency`) from 5xx (an exception) by outcome.",
            "Read the log of the service for the exception.",
        ),
        "request_duration": (
            "Compare requests in progress with the number of workers: a queue or slow work?",
            "A large batch size beside slow answers asks for a lower `max_latency_ms`.",
        ),
        "requests_running": ("Compare with `max_concurrency` and the number of workers.",),
    },
    notes=(
        "A model is a service of the bento by its class name; a legacy service, which has none, "
        "is known by the name of the bento.",
        "Services that call one another count each call: declare the one that users reach.",
        "Durations are of successful requests only, up to 180 s; `metrics.duration` of the "
        "configuration sets other boundaries.",
        "Health checks are not counted as requests.",
        "Batch size is the mean number of calls that one execution took together.",
        "Another `metrics.namespace` renames every metric; keep the default.",
    ),
    pages=(
        Page(file="bentoml-1.4.prom", version="1.4.40"),
        Page(file="bentoml-1.4-legacy.prom", version="1.4.40, legacy service"),
    ),
)
