"""Kong AI Gateway: versions 3.8 to 3.12, the Prometheus plugin with `ai_metrics: true`."""

from modelwatch.engine import Counter, Engine, Histogram, Page, Unit, boundaries

_LATENCY_MS = boundaries(
    "1 2 5 7 10 15 20 25 30 40 50 60 70 80 90 100 200 300 400 500 1000 2000 5000 10000 30000 60000"
)
_AT_PROVIDER = "the batch is at the provider, which does not show it"


def _either(name: str) -> tuple[str, str]:
    """With the plugin's prefix, or without it as documented."""
    return (f"kong_{name}", name)


def _used(kind: str) -> tuple[str, ...]:
    return tuple(f'{name}{{token_type="{kind}"}}' for name in _either("ai_llm_tokens_total"))


ENGINE = Engine(
    name="kong_ai",
    title="Kong AI Gateway",
    versions=("3.8", "3.12"),
    port=8100,
    model_label="ai_model",
    in_front=True,
    rows=(
        Counter(signal="requests", names=_either("ai_llm_requests_total"), value="success"),
        Counter(
            signal="requests",
            names=("kong_http_requests_total",),
            label="code",
            values={
                "rate_limited": "429",
                "timeout": "408|504",
                "cancelled": "499",
                "client_error": "4..",
                "server_error": "5..",
            },
            model_label="",  # by route, never by model
            opt_in="only where the gateway serves one declared model",
        ),
        Histogram(
            signal="request_duration",
            names=_either("ai_llm_provider_latency_ms"),
            buckets=_LATENCY_MS,
            unit=Unit.MILLISECONDS,
        ),
        Counter(signal="tokens", names=_used("prompt_tokens"), value="input"),
        Counter(signal="tokens", names=_used("completion_tokens"), value="output"),
        Counter(signal="cost", names=_either("ai_llm_cost_total")),
    ),
    unavailable={
        "prompt_length": "Kong counts tokens, not how many a request has",
        "output_length": "Kong counts tokens, not how many a request has",
        "time_to_first_token": "Kong's Prometheus plugin has no time to first token; use a probe",
        "inter_token_latency": "Kong's Prometheus plugin measures whole answers; use a probe",
        "queue_duration": "a gateway has no queue of its own; the engine behind may expose one",
        "requests_running": "Kong counts connections of the whole gateway, not calls of a model",
        "requests_waiting": "a gateway has no queue of its own; the engine behind may expose one",
        "kv_cache_usage": "the cache is at the provider, which does not show it",
        "preemptions": _AT_PROVIDER,
        "batch_size": _AT_PROVIDER,
    },
    first_checks={
        "requests": (
            "Look at kong_http_requests_total by route and code: which route fails?",
            "Its label `source` tells Kong's own refusals from failures of the provider.",
        ),
        "request_duration": ("Compare with the provider's status page and with other models.",),
        "cost": ("Compare tokens per request with last week: longer prompts or a loop?",),
    },
    notes=(
        "Kong counts failures by route, not by model. They are used where the gateway is the "
        "source of one model, and are then of all its routes; of several models none is known "
        "to fail, so prove availability with a probe.",
        "A failed call that reached the AI plugin also counts as a request of its model.",
        "Latency is of the provider alone; answers from the semantic cache are not in it.",
        "Cost needs `input_cost` and `output_cost` in the options of the model, in dollars; "
        "without them it stays zero.",
        "Cached and reasoning tokens are not told apart; the row of total tokens is not counted.",
        "Names stand with and without the prefix `kong_`: releases and documentation differ.",
    ),
    pages=(
        Page(file="kong_ai-3.12.prom", version="3.12"),
        Page(file="kong_ai-3.8.prom", version="3.8, without the prefix"),
    ),
)
