"""OpenLLMetry (Traceloop): instrumentation 0.62, through a collector."""

from modelwatch.engine import Counter, Engine, Histogram, Mean, Page, Unit, boundaries

_DURATION = boundaries("0.01 0.02 0.04 0.08 0.16 0.32 0.64 1.28 2.56 5.12 10.24 20.48 40.96 81.92")
_VIEW = (
    "give the SDK a View with the boundaries of the conventions for this metric: "
    "0.01 s, doubled up to 81.92 s"
)
# None of them is a boundary of the SDK's own, so without the View no quantile is made up.
_OF_THE_VIEW = {"le": f"~{'|'.join(str(boundary) for boundary in _DURATION)}|[+]Inf|"}
_CALL = "gen_ai_client_operation_duration_seconds"
_FIRST = "gen_ai_server_time_to_first_token_seconds"
_LENGTH = boundaries("0 5 10 25 50 75 100 250 500 750 1000 2500 5000 7500 10000")
_AT_ENGINE = "a client does not see the engine's batch; scrape the engine"


def _used(kind: str) -> tuple[str, ...]:
    """The unit is part of the name: the library writes `token` without braces."""
    return (f'gen_ai_client_token_usage_token_sum{{gen_ai_token_type="{kind}"}}',)


ENGINE = Engine(
    name="openllmetry",
    title="OpenLLMetry",
    versions=("0.62.4",),
    port=8889,
    model_label="gen_ai_response_model",
    in_front=True,
    rows=(
        Counter(signal="requests", names=(f'{_CALL}_count{{error_type=""}}',), value="success"),
        Counter(
            signal="requests",
            names=(f'{_CALL}_count{{error_type!=""}}',),
            label="error_type",  # the name of an exception
            values={
                "rate_limited": "(?i:.*(rate_?limit|too_?many|throttl).*)",
                "timeout": "(?i:.*time_?d?_?out.*)",
                "cancelled": "(?i:.*cancel.*)",
                "client_error": "(?i:.*(bad_?request|invalid|authent|permission|notfound|"
                "unprocessable).*)",
            },
            rest="server_error",
            model_label="",  # a call that failed has no answer, hence no model
            opt_in="only where the application uses one declared model",
        ),
        Mean(
            signal="request_duration",
            sums=(f'{_CALL}_sum{{error_type=""}}',),
            counts=(f'{_CALL}_count{{error_type=""}}',),
        ),
        Histogram(
            signal="request_duration",
            names=(f'{_CALL}{{error_type=""}}',),
            buckets=_DURATION,
            where=_OF_THE_VIEW,
            opt_in=_VIEW,
        ),
        Mean(signal="time_to_first_token", sums=(f"{_FIRST}_sum",), counts=(f"{_FIRST}_count",)),
        Histogram(
            signal="time_to_first_token",
            names=(_FIRST,),
            buckets=_DURATION,
            where=_OF_THE_VIEW,
            opt_in=_VIEW,
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
        Counter(signal="tokens", names=_used("input"), value="input"),
        Counter(signal="tokens", names=_used("output"), value="output"),
    ),
    unavailable={
        "inter_token_latency": "OpenLLMetry does not measure single tokens; use a probe",
        "queue_duration": "a client does not see the engine's queue; scrape the engine",
        "requests_running": "OpenLLMetry counts calls when they end, not those in flight",
        "requests_waiting": "a client does not see the engine's queue; scrape the engine",
        "cost": "OpenLLMetry knows no prices; declare a price per token",
        "kv_cache_usage": "a client does not see the engine's cache; scrape the engine",
        "preemptions": _AT_ENGINE,
        "batch_size": _AT_ENGINE,
    },
    first_checks={
        "requests": ("Look at the error type in the traces of the application.",),
        "request_duration": ("Compare with the provider's status page and with other models.",),
        "time_to_first_token": ("Compare the length of prompts with last week.",),
    },
    notes=(
        "The library names no boundaries, and those of the SDK (0, 5, 10, 25 and more seconds) "
        "say nothing about a call of two seconds: without a View only means are read.",
        "A model is known by the name that answered (gpt-4o-2024-08-06), not by the one asked for "
        "(gpt-4o).",
        "Failures carry no model. They are used where the application is the source of one model; "
        "of several models none is known to fail, so prove availability with a probe.",
        "Durations are of successful calls only.",
        "Cached and reasoning tokens are not told apart; they are in the input and the output.",
    ),
    pages=(
        Page(file="openllmetry-0.62-view.prom", version="0.62.4 with a View"),
        Page(file="openllmetry-0.62.prom", version="0.62.4"),
    ),
)
