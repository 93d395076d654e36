"""Text Embeddings Inference (TEI): version 1.9; one process serves one model, without a label."""

from modelwatch.engine import Counter, Engine, Gauge, Histogram, Page, Unit, geometric

# Every duration has the same boundaries: 10 us times 1.5 to the n, n from 1 to 35.
_DURATION = geometric(0.00001 * 1.5, 1.5, 35)
_NO_GENERATION = "TEI generates no tokens one after the other"

ENGINE = Engine(
    name="tei",
    title="Text Embeddings Inference",
    versions=("1.9.3",),
    port=80,
    rows=(
        Counter(signal="requests", names=("te_request_success",), value="success"),
        Counter(
            signal="requests",
            names=("te_request_failure",),
            label="err",
            values={
                "rate_limited": "overloaded",
                "client_error": "validation|tokenization|model_type|batch_size|missing_values",
                "cancelled": "dropped",
                "server_error": "inference",
            },
            rest="server_error",
        ),
        Histogram(signal="request_duration", names=("te_request_duration",), buckets=_DURATION),
        Histogram(signal="queue_duration", names=("te_request_queue_duration",), buckets=_DURATION),
        Histogram(
            signal="prompt_length",
            names=("te_request_input_length",),
            unit=Unit.ONE,
        ),
        Gauge(signal="requests_waiting", names=("te_queue_size",)),
        Counter(signal="tokens", names=("te_request_input_length_sum",), value="input"),
    ),
    unavailable={
        "time_to_first_token": _NO_GENERATION,
        "inter_token_latency": _NO_GENERATION,
        "output_length": "TEI generates no tokens; it answers with a vector or a score",
        "requests_running": "TEI exposes only its queue, not what it works on",
        "cost": "TEI knows no prices; declare a price or the hourly price of its cards",
        "kv_cache_usage": "an embedding model keeps no KV cache",
        "preemptions": "TEI evicts nothing from a batch",
        "batch_size": "TEI counts the inputs of a batch, not its requests",
    },
    first_checks={"request_duration": ("Compare queue time with the size of the inputs.",)},
    notes=(
        "The last finite bucket is 14.6 s.",
        "The boundaries of the input length follow the longest input that the model takes.",
    ),
    pages=(Page(file="tei-1.9.prom", version="1.9.3"),),
)
