"""llama.cpp server, started with `--metrics`: one process serves one model, without a label."""

from modelwatch.engine import Counter, Engine, Gauge, Mean, Page

_NO_REQUESTS = "llama.cpp counts tokens, not requests; use a probe or a gateway"
_NO_TIMES = "llama.cpp measures no times per request; use a probe or a gateway"
_CACHED = ("llamacpp:prompt_tokens_cached_total",)

ENGINE = Engine(
    name="llamacpp",
    title="llama.cpp",
    versions=("b4000", "b10472"),
    port=8080,
    rows=(
        Mean(
            signal="inter_token_latency",
            sums=("llamacpp:tokens_predicted_seconds_total",),
            counts=("llamacpp:tokens_predicted_total",),
        ),
        Gauge(signal="requests_running", names=("llamacpp:requests_processing",)),
        Gauge(signal="requests_waiting", names=("llamacpp:requests_deferred",)),
        Counter(
            signal="tokens",
            names=("llamacpp:prompt_tokens_total",),
            value="input",
            minus=(_CACHED,),
        ),
        Counter(signal="tokens", names=_CACHED, value="cached_input"),
        Counter(signal="tokens", names=("llamacpp:tokens_predicted_total",), value="output"),
        Gauge(signal="kv_cache_usage", names=("llamacpp:kv_cache_usage_ratio",), across="max"),
    ),
    unavailable={
        "prompt_length": "llama.cpp counts tokens, not how many a request has",
        "output_length": "llama.cpp counts tokens, not how many a request has",
        "requests": _NO_REQUESTS,
        "request_duration": _NO_TIMES,
        "time_to_first_token": _NO_TIMES,
        "queue_duration": _NO_TIMES,
        "cost": "llama.cpp knows no prices; declare a price or the hourly price of its card",
        "preemptions": "llama.cpp evicts nothing from a batch",
        "batch_size": "llama.cpp exposes only a mean since its start",
    },
    first_checks={"requests_waiting": ("Raise `--parallel` or add a server.",)},
    notes=(
        "KV cache usage was removed from llama.cpp in 2025.",
        "Two scrapers steal each other's throughput gauges; modelwatch reads only counters.",
    ),
    pages=(
        Page(file="llamacpp-b10472.prom", version="b10472"),
        Page(file="llamacpp-b4000.prom", version="b4000"),
    ),
)
