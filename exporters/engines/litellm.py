"""LiteLLM proxy: versions 1.60 to 1.109, with the `prometheus` callback."""

from modelwatch.engine import Counter, Engine, Histogram, Page, boundaries

# Older releases go to 300 s in 35 steps, and all of it is configurable.
_LATENCY = boundaries("0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2 5 10 30 60 120 300 420 600")
_TOKEN = boundaries("0.005 0.01 0.025 0.05 0.075 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10")
_CACHED = ("litellm_input_cached_tokens_metric_total",)
_REASONING = ("litellm_output_reasoning_tokens_metric_total",)
_NO_LENGTHS = "LiteLLM counts tokens, not how many a request has; scrape the engine behind it"

ENGINE = Engine(
    name="litellm",
    title="LiteLLM",
    versions=("1.60.0", "1.70.0", "1.80.0", "1.109.1"),
    port=4000,
    model_label="requested_model or model",
    in_front=True,
    rows=(
        Counter(
            signal="requests",
            names=("litellm_proxy_total_requests_metric_total",),
            label="status_code",
            values={
                "success": "[123]..",
                "rate_limited": "429",
                "timeout": "408|504",
                "cancelled": "499",
                "client_error": "4..",
                "server_error": "5..",
            },
            rest="server_error",
        ),
        Histogram(
            signal="request_duration",
            names=("litellm_request_total_latency_metric",),
            buckets=_LATENCY,
        ),
        Histogram(
            signal="time_to_first_token",
            names=("litellm_llm_api_time_to_first_token_metric",),
            buckets=_LATENCY,
        ),
        Histogram(
            signal="inter_token_latency",
            names=("litellm_deployment_latency_per_output_token",),
            buckets=_TOKEN,
            model_label="model_group",
        ),
        Histogram(
            signal="queue_duration",
            names=("litellm_request_queue_time_seconds",),
            buckets=_LATENCY,
        ),
        Counter(
            signal="tokens",
            names=("litellm_input_tokens_metric_total", "litellm_input_tokens_total"),
            value="input",
            minus=(_CACHED,),
        ),
        Counter(signal="tokens", names=_CACHED, value="cached_input"),
        Counter(
            signal="tokens",
            names=("litellm_output_tokens_metric_total", "litellm_output_tokens_total"),
            value="output",
            minus=(_REASONING,),
        ),
        Counter(signal="tokens", names=_REASONING, value="reasoning"),
        Counter(signal="cost", names=("litellm_spend_metric_total",)),
    ),
    unavailable={
        "prompt_length": _NO_LENGTHS,
        "output_length": _NO_LENGTHS,
        "requests_running": "LiteLLM counts requests in flight of the whole proxy, not per model",
        "requests_waiting": "a gateway has no queue of its own",
        "kv_cache_usage": "the cache is at the provider",
        "preemptions": "the batch is at the provider",
        "batch_size": "the batch is at the provider",
    },
    first_checks={
        "requests": (
            "Tell rate limits (429) of the provider from errors (5xx) by outcome.",
            "Look at fallbacks and cooled-down deployments of the proxy.",
        ),
        "cost": ("Compare tokens per request with last week: longer prompts or a loop?",),
    },
    notes=(
        "Models are known by the name that clients ask for; in rows of old versions without that "
        "name, by the name of the deployment.",
        "Time to first token is recorded for streaming calls only.",
        "Up to 1.80 cached and reasoning tokens are not told apart.",
    ),
    renamed={
        "litellm_total_tokens_total": "litellm_total_tokens_metric_total",
        "litellm_input_tokens_total": "litellm_input_tokens_metric_total",
        "litellm_output_tokens_total": "litellm_output_tokens_metric_total",
        "litellm_remaining_requests": "litellm_remaining_requests_metric",
        "litellm_remaining_tokens": "litellm_remaining_tokens_metric",
    },
    pages=(
        Page(file="litellm-1.109.prom", version="1.109.1"),
        Page(file="litellm-1.70.prom", version="1.70.0"),
    ),
)
