"""Envoy AI Gateway: version 1.1; the admin port of its external processor."""

from modelwatch.engine import Counter, Engine, Histogram, Page, Unit, boundaries

_DURATION = boundaries("0.01 0.02 0.04 0.08 0.16 0.32 0.64 1.28 2.56 5.12 10.24 20.48 40.96 81.92")
_FIRST_TOKEN = boundaries(
    "0.001 0.005 0.01 0.02 0.04 0.06 0.08 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10 15 20 30 45 60"
)
_TOKEN = boundaries("0.01 0.025 0.05 0.075 0.1 0.15 0.2 0.3 0.4 0.5 0.75 1 2.5")

_LENGTH = boundaries("1 4 16 64 256 1024 4096 16384 65536 262144 1048576 4194304 16777216 67108864")


def _used(kind: str) -> tuple[str, ...]:
    """The unit is part of the name: the gateway writes `token` without braces."""
    return (f'gen_ai_client_token_usage_token_sum{{gen_ai_token_type="{kind}"}}',)


ENGINE = Engine(
    name="envoy_ai_gateway",
    title="Envoy AI Gateway",
    versions=("main after 1.1",),
    port=1064,
    model_label="gen_ai_request_model",
    in_front=True,
    rows=(
        Counter(
            signal="requests",
            names=("gen_ai_server_request_duration_seconds_count",),
            label="error_type",  # absent on success, else always `_OTHER`
            values={"success": ""},
            rest="server_error",
        ),
        Histogram(
            signal="request_duration",
            names=('gen_ai_server_request_duration_seconds{error_type=""}',),
            buckets=_DURATION,
        ),
        Histogram(
            signal="time_to_first_token",
            names=("gen_ai_server_time_to_first_token_seconds",),
            buckets=_FIRST_TOKEN,
        ),
        Histogram(
            signal="inter_token_latency",
            names=("gen_ai_server_time_per_output_token_seconds",),
            buckets=_TOKEN,
        ),
        Histogram(
            signal="prompt_length",
            names=('gen_ai_client_token_usage_token{gen_ai_token_type="input"}',),
            unit=Unit.ONE,
            buckets=_LENGTH,
        ),
        Histogram(
            signal="output_length",
            names=('gen_ai_client_token_usage_token{gen_ai_token_type="output"}',),
            unit=Unit.ONE,
            buckets=_LENGTH,
        ),
        Counter(
            signal="tokens", names=_used("input"), value="input", minus=(_used("cached_input"),)
        ),
        Counter(signal="tokens", names=_used("cached_input"), value="cached_input"),
        Counter(
            signal="tokens", names=_used("output"), value="output", minus=(_used("reasoning"),)
        ),
        Counter(signal="tokens", names=_used("reasoning"), value="reasoning"),
    ),
    unavailable={
        "queue_duration": "a gateway has no queue of its own; the engine behind may expose one",
        "requests_running": "the gateway counts requests when they end, not those in flight",
        "requests_waiting": "a gateway has no queue of its own; the engine behind may expose one",
        "cost": "the gateway exposes no prices; declare a price per token",
        "kv_cache_usage": "the cache is at the engine behind the gateway; scrape that engine",
        "preemptions": "the batch is at the engine behind the gateway; scrape that engine",
        "batch_size": "the batch is at the engine behind the gateway; scrape that engine",
    },
    first_checks={
        "requests": (
            "Read the access log for the status: the metric does not tell 429 from 500.",
            "Compare the backends of the route: one provider or all of them?",
        ),
        "request_duration": ("Compare with the provider's status page and with other models.",),
        "time_to_first_token": (
            "Compare with the engine's own: if only the gateway is slow, look at the processor.",
        ),
    },
    notes=(
        "Every failure counts as a server error: the gateway names no other kind, so refused "
        "calls (4xx, 429) count against availability.",
        "A model is known by the name after routing; the name that clients ask for is in "
        "gen_ai_original_model.",
        "Cached input is part of the input and reasoning part of the output: neither counts twice. "
        "Tokens written to a cache stay input.",
        "Time to first token is of streams only; older releases have no boundary above 10 s.",
        "Durations are of successful requests only, and beyond 82 s not told apart.",
    ),
    pages=(Page(file="envoy_ai_gateway-1.1.prom", version="main after 1.1"),),
)
