"""MLServer: outcomes and mean durations by model, percentiles of its REST server."""

from modelwatch.engine import Counter, Engine, Gauge, Histogram, Mean, Page, boundaries

_REST = boundaries("0.005 0.01 0.025 0.05 0.075 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10")
_OF_SERVER = "calls over REST only, where the server is the source of one model"
_NO_TOKENS = "MLServer counts requests, not tokens; use a gateway that counts them"
_NO_QUEUE = "MLServer shows how long its queue was, not how long a request waits; use a gateway"

ENGINE = Engine(
    name="mlserver",
    title="MLServer",
    versions=("1.7.1",),
    port=8082,
    model_label="model",
    rows=(
        Counter(signal="requests", names=("model_infer_request_success_total",), value="success"),
        Counter(
            signal="requests", names=("model_infer_request_failure_total",), value="server_error"
        ),
        Mean(
            signal="request_duration",
            sums=("model_infer_request_duration_sum",),
            counts=("model_infer_request_duration_count",),
        ),
        Histogram(
            signal="request_duration",
            names=("rest_server_request_duration_seconds",),
            buckets=_REST,
            where={"path": "~.*/(infer|generate)(_stream)?", "status_code": "~2.."},
            model_label="",
            opt_in=_OF_SERVER,
        ),
        Gauge(
            signal="requests_running",
            names=("rest_server_requests_in_progress",),
            where={"method": "POST"},  # health checks and metadata are GET
            model_label="",
            opt_in=_OF_SERVER,
        ),
    ),
    unavailable={
        "prompt_length": _NO_TOKENS,
        "output_length": _NO_TOKENS,
        "time_to_first_token": _NO_TOKENS,
        "inter_token_latency": _NO_TOKENS,
        "queue_duration": _NO_QUEUE,
        "requests_waiting": _NO_QUEUE,
        "tokens": _NO_TOKENS,
        "cost": "MLServer knows no prices; declare the hourly price of its cards",
        "kv_cache_usage": "MLServer keeps no KV cache that it could show",
        "preemptions": "MLServer evicts nothing from a batch",
        "batch_size": "MLServer exposes no batch size by model; see its adaptive batching settings",
    },
    first_checks={
        "request_duration": (
            "Look at `parallel_request_queue`: a long queue asks for more `parallel_workers`.",
            "Compare the mean with the percentiles: a few slow requests pull them apart.",
        ),
        "requests": (
            "Failures carry no reason: look at `rest_server_requests_total` by status code.",
            "Read the log of the model's runtime for exceptions.",
        ),
    },
    notes=(
        "By model only the mean exists; percentiles are of the whole server, so give a model with "
        "a latency objective a server of its own, or measure it at a gateway.",
        "The mean includes failed requests, the percentiles only successful ones.",
        "Failures include requests that the client got wrong: all count as server errors.",
        "The last finite bucket is 10 s.",
        "Metrics of the model's own code carry `model_name` instead of `model` and are not read.",
    ),
    pages=(Page(file="mlserver-1.7.prom", version="1.7.1"),),
)
