"""TensorRT-LLM served by `trtllm-serve`: current names, and those without prefix up to 1.1."""

from modelwatch.engine import Counter, Engine, Gauge, Histogram, Page, boundaries

_REQUEST = boundaries("0.3 0.5 0.8 1 1.5 2 2.5 5 10 15 20 30 40 50 60 120 240 480 960 1920 7680")
_FIRST_TOKEN = boundaries(
    "0.001 0.005 0.01 0.02 0.04 0.06 0.08 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10 20 40 80 160 640 2560"
)
_TOKEN = boundaries("0.01 0.025 0.05 0.075 0.1 0.15 0.2 0.3 0.4 0.5 0.75 1 2.5 5 7.5 10 20 40 80")
_CACHED = ("trtllm_prompt_cached_tokens_total",)
_NO_LENGTHS = "TensorRT-LLM counts tokens, not how many a request has; use a gateway that does"

ENGINE = Engine(
    name="tensorrt_llm",
    title="TensorRT-LLM",
    versions=("1.1", "1.3"),
    port=8000,
    path="/prometheus/metrics",
    model_label="model_name",
    rows=(
        Counter(
            signal="requests",
            names=("trtllm_request_success_total", "request_success_total"),
            label="finished_reason",
            values={"cancelled": "cancel.*|abort.*", "success": ".*"},
        ),
        Counter(signal="requests", names=("trtllm_request_error_total",), value="server_error"),
        Histogram(
            signal="request_duration",
            names=("trtllm_e2e_request_latency_seconds", "e2e_request_latency_seconds"),
            buckets=_REQUEST,
        ),
        Histogram(
            signal="time_to_first_token",
            names=("trtllm_time_to_first_token_seconds", "time_to_first_token_seconds"),
            buckets=_FIRST_TOKEN,
        ),
        Histogram(
            signal="inter_token_latency",
            names=("trtllm_time_per_output_token_seconds", "time_per_output_token_seconds"),
            buckets=_TOKEN,
        ),
        Histogram(
            signal="queue_duration",
            names=("trtllm_request_queue_time_seconds", "request_queue_time_seconds"),
            buckets=_REQUEST,
        ),
        Gauge(signal="requests_running", names=("trtllm_num_requests_running",)),
        Gauge(signal="requests_waiting", names=("trtllm_num_requests_waiting",)),
        Counter(
            signal="tokens",
            names=("trtllm_prompt_tokens_total",),
            value="input",
            minus=(_CACHED,),
        ),
        Counter(signal="tokens", names=_CACHED, value="cached_input"),
        Counter(signal="tokens", names=("trtllm_generation_tokens_total",), value="output"),
        Gauge(signal="kv_cache_usage", names=("trtllm_kv_cache_utilization",), across="max"),
    ),
    unavailable={
        "prompt_length": _NO_LENGTHS,
        "output_length": _NO_LENGTHS,
        "cost": "TensorRT-LLM knows no prices; declare a price or the hourly price of its cards",
        "preemptions": "TensorRT-LLM exposes no evictions",
        "batch_size": "TensorRT-LLM exposes no batch size; see requests running",
    },
    first_checks={"request_duration": ("Compare queue time with time to first token.",)},
    notes=(
        "The metrics are at /prometheus/metrics; /metrics is JSON.",
        "Versions up to 1.1 count no errors, tokens or running requests.",
    ),
    pages=(
        Page(file="tensorrt_llm-1.3.prom", version="1.3"),
        Page(file="tensorrt_llm-1.1.prom", version="1.1"),
    ),
)
