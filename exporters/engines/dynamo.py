"""NVIDIA Dynamo: the frontend counts by model, its workers add the KV cache."""

from modelwatch.engine import Counter, Engine, Gauge, Histogram, Page, Unit, boundaries

_FRONTEND = "dynamo_frontend"
_REQUEST = boundaries("0 2 4 8 16 32 64 130 260 510")
_FIRST_TOKEN = boundaries(
    "0 0.0022 0.0047 0.01 0.022 0.047 0.1 0.22 0.47 1 2.2 4.7 10 22 48 100 220 480"
)
_TOKEN = boundaries("0 0.0019 0.0035 0.0067 0.013 0.024 0.045 0.084 0.16 0.3 0.56 1.1 2")
_PROMPT = boundaries("0 100 210 430 870 1800 3600 7400 15000 31000 63000 130000")
_OUTPUT = boundaries("0 100 210 430 880 1800 3700 7600 16000 32000")
_CACHED = (f"{_FRONTEND}_cached_tokens_sum",)

ENGINE = Engine(
    name="dynamo",
    title="NVIDIA Dynamo",
    versions=("2025", "2026"),
    port=8000,
    model_label="model",
    in_front=True,
    rows=(
        Counter(
            signal="requests",
            names=('dynamo_frontend_requests_total{status="success"}',),
            value="success",
        ),
        Counter(
            signal="requests",
            names=('dynamo_frontend_requests_total{status="error"}',),
            label="error_type",
            values={
                "rate_limited": "overload",
                "timeout": "response_timeout",
                "cancelled": "cancelled",
                "client_error": "validation|not_found",
            },
            rest="server_error",  # releases of 2025 give no reason
        ),
        Histogram(
            signal="request_duration",
            names=(f"{_FRONTEND}_request_duration_seconds",),
            buckets=_REQUEST,
        ),
        Histogram(
            signal="time_to_first_token",
            names=(f"{_FRONTEND}_time_to_first_token_seconds",),
            buckets=_FIRST_TOKEN,
        ),
        Histogram(
            signal="inter_token_latency",
            names=(f"{_FRONTEND}_inter_token_latency_seconds",),
            buckets=_TOKEN,
        ),
        Histogram(
            signal="prompt_length",
            names=(f"{_FRONTEND}_input_sequence_tokens",),
            unit=Unit.ONE,
            buckets=_PROMPT,
        ),
        Histogram(
            signal="output_length",
            names=(f"{_FRONTEND}_output_sequence_tokens",),
            unit=Unit.ONE,
            buckets=_OUTPUT,
        ),
        Gauge(
            signal="requests_running",
            names=(f"{_FRONTEND}_active_requests", f"{_FRONTEND}_inflight_requests"),
        ),
        Gauge(signal="requests_waiting", names=(f"{_FRONTEND}_queued_requests",)),
        Counter(
            signal="tokens",
            names=(f"{_FRONTEND}_input_sequence_tokens_sum",),
            value="input",
            minus=(_CACHED,),
        ),
        Counter(signal="tokens", names=_CACHED, value="cached_input"),
        Counter(
            signal="tokens",
            names=(f"{_FRONTEND}_output_tokens_total", f"{_FRONTEND}_output_sequence_tokens_sum"),
            value="output",
        ),
        Gauge(
            signal="kv_cache_usage",
            names=(
                "dynamo_component_gpu_cache_usage_percent",
                "dynamo_component_kvstats_gpu_cache_usage_percent",
            ),
            across="max",
            model_label="",
            opt_in="scrape the workers too (set `DYN_SYSTEM_PORT`), in the job of the frontend, "
            "where that job serves one model",
        ),
    ),
    unavailable={
        "queue_duration": "Dynamo counts who waits for a first token, not for how long; its "
        "workers can tell: declare them as engine `vllm`, `sglang` or `tensorrt_llm`",
        "cost": "Dynamo knows no prices; declare a price or the hourly price of its cards",
        "preemptions": "evictions happen in the workers; declare them as engine `vllm` or `sglang`",
        "batch_size": "batches are made in the workers; see requests running",
    },
    first_checks={
        "request_duration": (
            "Compare time to first token with inter-token latency: the first is prefill and "
            "routing, the second decode workers.",
            "Look at requests waiting: those are requests without their first token.",
        ),
        "requests": (
            "`overload` counts as rate limited: workers are full, add some.",
            "Look at migrations between workers: they show workers that went away.",
        ),
        "kv_cache_usage": ("Look for one full worker among idle ones: the router is off balance.",),
    },
    notes=(
        "Requests running include those that wait for their first token.",
        "Durations include requests that failed or were cancelled.",
        "Releases of 2025 give errors no reason: what they reject or cancel counts as a server "
        "error, and cached input is not told apart.",
        "KV cache usage is a share from 0 to 1 in spite of its name.",
        "Buckets are the defaults; `DYN_METRICS_..._MIN`, `_MAX` and `_COUNT` change them.",
        "`DYN_METRICS_PREFIX` renames all metrics of the frontend: leave it unset.",
    ),
    pages=(
        Page(file="dynamo-2026.prom", version="2026"),
        Page(file="dynamo-2025.prom", version="2025"),
    ),
)
