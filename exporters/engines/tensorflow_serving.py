"""TensorFlow Serving, with its Prometheus page switched on; names begin with a colon."""

from modelwatch.engine import Counter, Engine, Histogram, Page, Unit, boundaries

# 10 us times 1.8 to the n, written with six digits.
_LATENCY = boundaries(
    "10 18 32.4 58.32 104.976 188.957 340.122 612.22 1102 1983.59 3570.47 6426.84 11568.3 20823 "
    "37481.3 67466.4 121440 218591 393464 708235 1.27482e6 2.29468e6 4.13043e6 7.43477e6 "
    "1.33826e7 2.40887e7 4.33596e7 7.80473e7 1.40485e8 2.52873e8 4.55172e8 8.19309e8 1.47476e9"
)
_NO_TOKENS = "TensorFlow Serving counts requests, not tokens; use a gateway that counts them"
_NO_STATE = "TensorFlow Serving counts requests when they end; a gateway in front knows who waits"

ENGINE = Engine(
    name="tensorflow_serving",
    title="TensorFlow Serving",
    versions=("2.x",),
    port=8501,
    path="/monitoring/prometheus/metrics",
    model_label="model_name",
    rows=(
        Counter(
            signal="requests",
            names=(":tensorflow:serving:request_count",),
            label="status",
            values={
                "success": "OK",
                "rate_limited": "RESOURCE_EXHAUSTED",
                "timeout": "DEADLINE_EXCEEDED",
                "cancelled": "CANCELLED",
                "client_error": "INVALID_ARGUMENT|NOT_FOUND|ALREADY_EXISTS|OUT_OF_RANGE|"
                "PERMISSION_DENIED|UNAUTHENTICATED",
            },
            rest="server_error",
        ),
        Histogram(
            signal="request_duration",
            names=(":tensorflow:serving:request_latency",),
            buckets=_LATENCY,
            unit=Unit.MICROSECONDS,
        ),
    ),
    unavailable={
        "prompt_length": _NO_TOKENS,
        "output_length": _NO_TOKENS,
        "time_to_first_token": _NO_TOKENS,
        "inter_token_latency": _NO_TOKENS,
        "queue_duration": "TensorFlow Serving gives no queue time by model; compare request "
        "latency with runtime latency, or measure at a gateway",
        "requests_running": _NO_STATE,
        "requests_waiting": _NO_STATE,
        "tokens": _NO_TOKENS,
        "cost": "TensorFlow Serving knows no prices; declare the hourly price of its cards",
        "kv_cache_usage": "TensorFlow Serving keeps no KV cache",
        "preemptions": "TensorFlow Serving evicts nothing from a batch",
        "batch_size": "TensorFlow Serving counts examples in a request, not requests in a batch",
    },
    first_checks={
        "request_duration": (
            "Compare `:tensorflow:serving:runtime_latency` with the request's: the difference is "
            "waiting for a batch and decoding.",
            "Look for a model version that was just loaded: its first requests are slow without "
            "warm-up.",
        ),
        "requests": (
            "Look at the status: `RESOURCE_EXHAUSTED` counts as rate limited, the batch queue is "
            "full.",
            "Read the server log for models that could not be loaded.",
        ),
    },
    notes=(
        "Start with `--monitoring_config_file` and a `prometheus_config` that is enabled.",
        "Only the REST port (8501) has the page; calls over gRPC are counted there too.",
        "Latencies are in microseconds, of successful requests, with buckets growing by 1.8.",
        "The page writes six digits: bucket boundaries are rounded, and after long running the "
        "mean moves in steps.",
        "A name that begins with a colon cannot be typed everywhere; write "
        '`{__name__=":tensorflow:serving:request_count"}`.',
    ),
    pages=(Page(file="tensorflow_serving-2.prom", version="2.x"),),
)
