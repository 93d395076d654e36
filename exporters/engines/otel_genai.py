"""OpenTelemetry GenAI conventions, 1.36 to 1.44 and the draft after, through a collector."""

from modelwatch.engine import Counter, Engine, Histogram, Page, Unit, boundaries

_DURATION = boundaries("0.01 0.02 0.04 0.08 0.16 0.32 0.64 1.28 2.56 5.12 10.24 20.48 40.96 81.92")
_FIRST_TOKEN = boundaries("0.001 0.005 0.01 0.02 0.04 0.06 0.08 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10")
_TOKEN = boundaries("0.01 0.025 0.05 0.075 0.1 0.15 0.2 0.3 0.4 0.5 0.75 1 2.5")
_LENGTH = boundaries("1 4 16 64 256 1024 4096 16384 65536 262144 1048576 4194304 16777216 67108864")
_CACHED = ("gen_ai_client_inference_usage_cache_read_input_tokens_total",)
_REASONING = ("gen_ai_client_inference_usage_reasoning_output_tokens_total",)


def _used(kind: str) -> tuple[str, ...]:
    """The token counter of the draft, else the histogram."""
    return (
        f"gen_ai_client_inference_usage_{kind}_tokens_total",
        f'gen_ai_client_token_usage_sum{{gen_ai_token_type="{kind}"}}',
    )


ENGINE = Engine(
    name="otel_genai",
    title="OpenTelemetry GenAI",
    versions=("1.36", "1.41", "draft of 2026"),
    port=8889,
    model_label="gen_ai_request_model",
    in_front=True,
    rows=(
        Counter(
            signal="requests",
            names=(
                "gen_ai_client_operation_duration_seconds_count",
                "gen_ai_server_request_duration_seconds_count",
            ),
            label="error_type",  # absent on success
            values={
                "success": "",
                "rate_limited": "429|(?i:.*rate_?limit.*|.*too_?many.*)",
                "timeout": "408|504|(?i:.*time_?d?_?out.*)",
                "cancelled": "499|(?i:.*cancel.*)",
                "client_error": "4..|(?i:.*(bad_?request|invalid|authent|permission|notfound).*)",
                "server_error": "5..",
            },
            rest="server_error",
        ),
        Histogram(
            signal="request_duration",
            names=(
                'gen_ai_client_operation_duration_seconds{error_type=""}',
                'gen_ai_server_request_duration_seconds{error_type=""}',
            ),
            buckets=_DURATION,
        ),
        Histogram(
            signal="time_to_first_token",
            names=(
                "gen_ai_server_time_to_first_token_seconds",
                "gen_ai_client_operation_time_to_first_chunk_seconds",
            ),
            buckets=_FIRST_TOKEN,
        ),
        Histogram(
            signal="inter_token_latency",
            names=(
                "gen_ai_server_time_per_output_token_seconds",
                "gen_ai_client_operation_time_per_output_chunk_seconds",
            ),
            buckets=_TOKEN,
        ),
        Histogram(
            signal="prompt_length",
            names=('gen_ai_client_token_usage{gen_ai_token_type="input"}',),
            unit=Unit.ONE,
            buckets=_LENGTH,
        ),
        Histogram(
            signal="output_length",
            names=('gen_ai_client_token_usage{gen_ai_token_type="output"}',),
            unit=Unit.ONE,
            buckets=_LENGTH,
        ),
        Counter(signal="tokens", names=_used("input"), value="input", minus=(_CACHED,)),
        Counter(signal="tokens", names=_CACHED, value="cached_input"),
        Counter(signal="tokens", names=_used("output"), value="output", minus=(_REASONING,)),
        Counter(signal="tokens", names=_REASONING, value="reasoning"),
    ),
    unavailable={
        "queue_duration": "the conventions have no queue time; the engine behind may expose it",
        "requests_running": "the conventions have no count of requests in flight",
        "requests_waiting": "the conventions have no queue",
        "cost": "the conventions have no cost; declare a price per token",
        "kv_cache_usage": "a client does not see the engine's cache",
        "preemptions": "a client does not see the engine's batch",
        "batch_size": "a client does not see the engine's batch",
    },
    first_checks={
        "requests": ("Look at the error type in the traces of the application.",),
        "request_duration": ("Compare with the provider's status page and with other models.",),
    },
    notes=(
        "Durations are of successful calls only.",
        "A library that names its boundaries itself has other buckets than the conventions.",
        "Server metrics win over client metrics for tokens in time, client metrics for requests.",
        "The first chunk that a client sees has the boundaries of its request duration.",
    ),
    pages=(
        Page(file="otel_genai-2026.prom", version="draft of 2026"),
        Page(file="otel_genai-1.41.prom", version="1.41"),
    ),
)
