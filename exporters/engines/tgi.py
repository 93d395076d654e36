"""Text Generation Inference (TGI): version 3.3; one process serves one model, without a label."""

from modelwatch.engine import Counter, Engine, Gauge, Histogram, Page, Unit, geometric

# Every duration has the same boundaries: 0.1 ms times 1.5 to the n, n from 1 to 35.
_DURATION = geometric(0.0001 * 1.5, 1.5, 35)

ENGINE = Engine(
    name="tgi",
    title="Text Generation Inference",
    versions=("3.3.7",),
    port=3000,
    rows=(
        Counter(signal="requests", names=("tgi_request_success",), value="success"),
        Counter(
            signal="requests",
            names=("tgi_request_failure",),
            label="err",
            values={
                "rate_limited": "overloaded",
                "client_error": "validation|template",
                "cancelled": "dropped",
                "server_error": "generation|incomplete",
            },
            rest="server_error",
        ),
        Histogram(signal="request_duration", names=("tgi_request_duration",), buckets=_DURATION),
        Histogram(
            signal="inter_token_latency",
            names=("tgi_request_mean_time_per_token_duration",),
            buckets=_DURATION,
        ),
        Histogram(
            signal="queue_duration", names=("tgi_request_queue_duration",), buckets=_DURATION
        ),
        Histogram(
            signal="prompt_length",
            names=("tgi_request_input_length",),
            longest=100,
            unit=Unit.ONE,
        ),
        Histogram(
            signal="output_length",
            names=("tgi_request_generated_tokens",),
            longest=100,
            unit=Unit.ONE,
        ),
        Gauge(signal="requests_running", names=("tgi_batch_current_size",)),
        Gauge(signal="requests_waiting", names=("tgi_queue_size",)),
        Counter(signal="tokens", names=("tgi_request_input_length_sum",), value="input"),
        Counter(signal="tokens", names=("tgi_request_generated_tokens_sum",), value="output"),
        Gauge(
            signal="kv_cache_usage",
            names=("tgi_batch_current_max_tokens",),
            divided_by=("tgi_batch_max_total_tokens",),
            across="max",
        ),
        Gauge(signal="batch_size", names=("tgi_batch_current_size",), across="avg"),
    ),
    unavailable={
        "time_to_first_token": "TGI exposes no time to first token; use a probe or a gateway",
        "cost": "TGI knows no prices; declare a price or the hourly price of its cards",
        "preemptions": "TGI plans the memory of a request ahead and evicts none",
    },
    first_checks={
        "request_duration": ("Compare queue time with the mean time per token.",),
        "requests": ("`overloaded` counts as rate limited: raise the limit or add replicas.",),
    },
    notes=(
        "Durations are of successful requests only; the last finite bucket is 146 s.",
        "Prompt and output length have a hundred boundaries: even parts of `--max-input-tokens` "
        "and of `--max-total-tokens`.",
        "KV cache usage is the token budget of the batch against the configured one.",
    ),
    pages=(Page(file="tgi-3.3.prom", version="3.3.7"),),
)
