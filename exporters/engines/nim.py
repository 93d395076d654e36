"""NVIDIA NIM for language models: releases whose metrics are those of vLLM without its prefix."""

from modelwatch.engine import Counter, Engine, Gauge, Histogram, Page, Unit

ENGINE = Engine(
    name="nim",
    title="NVIDIA NIM",
    versions=("24.05", "1.x"),
    port=8000,
    path="/v1/metrics",
    model_label="model_name",
    rows=(
        Counter(signal="requests", names=("request_success_total",), value="success"),
        Counter(signal="requests", names=("request_failure_total",), value="server_error"),
        # NVIDIA documents no bucket boundaries, so none are promised here.
        Histogram(signal="request_duration", names=("e2e_request_latency_seconds",)),
        Histogram(signal="time_to_first_token", names=("time_to_first_token_seconds",)),
        Histogram(signal="inter_token_latency", names=("time_per_output_token_seconds",)),
        Histogram(
            signal="prompt_length",
            names=("request_prompt_tokens",),
            unit=Unit.ONE,
        ),
        Histogram(
            signal="output_length",
            names=("request_generation_tokens",),
            unit=Unit.ONE,
        ),
        Gauge(signal="requests_running", names=("num_requests_running",)),
        Gauge(signal="requests_waiting", names=("num_requests_waiting",)),
        Counter(signal="tokens", names=("prompt_tokens_total",), value="input"),
        Counter(signal="tokens", names=("generation_tokens_total",), value="output"),
        Gauge(signal="kv_cache_usage", names=("gpu_cache_usage_perc",), across="max"),
    ),
    unavailable={
        "queue_duration": "NIM counts who waits, not for how long; a gateway can measure it",
        "cost": "NIM knows no prices; declare a price or the hourly price of its cards",
        "preemptions": "NIM exposes no evictions; a full KV cache is the sign to look for",
        "batch_size": "NIM exposes no batch size of its own; see requests running",
    },
    first_checks={
        "request_duration": (
            "Compare requests waiting with `num_request_max`, the most that NIM runs at once.",
            "Compare time to first token with inter-token latency: the one that grew names the "
            "phase that is slow.",
        ),
        "requests": ("Read the log of the NIM container: failures carry no reason in metrics.",),
        "kv_cache_usage": ("Look for long prompts; give the container more memory or a replica.",),
    },
    notes=(
        "Names have no prefix and other exporters use them too: give NIM a scrape job of its own.",
        "A NIM that exposes names with `vllm:` is declared as engine `vllm`, with path "
        "`/v1/metrics`.",
        "Releases of 2024 expose the page at `/metrics`.",
        "Failures carry no reason: a client's mistake counts as a server error too.",
        "Cached input is not told apart: all input counts as not cached.",
        "The boundaries of the buckets are not documented: read them from the page before "
        "promising a latency.",
    ),
    pages=(Page(file="nim-1.prom", version="1.x"),),
)
