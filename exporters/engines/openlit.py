"""OpenLIT SDK: version 1.45, through a collector."""

from modelwatch.engine import Counter, Engine, Histogram, Page, Unit, boundaries

_DURATION = boundaries("0.01 0.02 0.04 0.08 0.16 0.32 0.64 1.28 2.56 5.12 10.24 20.48 40.96 81.92")
_TOKEN = boundaries("0.01 0.025 0.05 0.075 0.1 0.15 0.2 0.3 0.4 0.5 0.75 1 2.5")
_LENGTH = boundaries("1 4 16 64 256 1024 4096 16384 65536 262144 1048576 4194304 16777216 67108864")
_AT_ENGINE = "a client does not see the engine's batch; scrape the engine"

ENGINE = Engine(
    name="openlit",
    title="OpenLIT",
    versions=("1.45.0",),
    port=8889,
    model_label="gen_ai_request_model",
    in_front=True,
    rows=(
        Counter(
            signal="requests",
            names=("gen_ai_client_operation_duration_seconds_count",),
            label="error_type",  # the name of an exception, absent on success
            values={
                "success": "",
                "rate_limited": "(?i:.*(rate_?limit|too_?many|throttl).*)",
                "timeout": "(?i:.*time_?d?_?out.*)",
                "cancelled": "(?i:.*cancel.*)",
                "client_error": "(?i:.*(bad_?request|invalid|authent|permission|notfound|"
                "unprocessable).*)",
            },
            rest="server_error",
        ),
        Histogram(
            signal="request_duration",
            names=('gen_ai_client_operation_duration_seconds{error_type=""}',),
            buckets=_DURATION,
        ),
        Histogram(
            signal="time_to_first_token",
            names=("gen_ai_client_operation_time_to_first_chunk_seconds",),
            buckets=_DURATION,
        ),
        Histogram(
            signal="inter_token_latency",
            names=("gen_ai_server_time_per_output_token_seconds",),
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
        Counter(
            signal="tokens",
            names=('gen_ai_client_token_usage_sum{gen_ai_token_type="input"}',),
            value="input",
        ),
        Counter(
            signal="tokens",
            names=('gen_ai_client_token_usage_sum{gen_ai_token_type="output"}',),
            value="output",
        ),
        Counter(signal="cost", names=("gen_ai_usage_cost_USD_sum", "gen_ai_usage_cost_usd_sum")),
    ),
    unavailable={
        "queue_duration": "a client does not see the engine's queue; scrape the engine",
        "requests_running": "OpenLIT counts calls when they end, not those in flight",
        "requests_waiting": "a client does not see the engine's queue; scrape the engine",
        "kv_cache_usage": "a client does not see the engine's cache; scrape the engine",
        "preemptions": _AT_ENGINE,
        "batch_size": _AT_ENGINE,
    },
    first_checks={
        "requests": ("Look at the error type in the traces of the application.",),
        "request_duration": ("Compare with the provider's status page and with other models.",),
        "time_to_first_token": ("Compare the length of prompts with last week.",),
        "cost": (
            "Compare tokens per request with last week: longer prompts or a loop?",
            "Look for a model that OpenLIT's price list does not know: it costs nothing there.",
        ),
    },
    notes=(
        "Durations are of successful calls only, and beyond 82 s not told apart.",
        "Time to first token is that of the first chunk of a stream: the server metric of that "
        "name holds the whole duration of calls that do not stream.",
        "Cost is a histogram whose boundaries (0, 5, 10, 25 dollars) say nothing about one call: "
        "only its sum is read, under a unit in capitals or not.",
        "Cost follows the price list of the SDK; cached and reasoning tokens are not told apart.",
        "Rows of all environments (deployment_environment) of a job count together: give each "
        "environment a scrape job of its own.",
    ),
    pages=(
        Page(file="openlit-1.45.prom", version="1.45.0"),
        Page(file="openlit-1.45-usd.prom", version="1.45.0, units in lower case"),
    ),
)
