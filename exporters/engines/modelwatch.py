"""Applications that expose modelwatch's own metrics, model and environment included."""

from modelwatch.catalogue import OUTCOMES, TOKEN_KINDS
from modelwatch.catalogue.exposed import (
    BATCH_SIZE,
    COST_TOTAL,
    INTER_TOKEN_LATENCY,
    KV_CACHE_USAGE,
    OUTPUT_TOKENS,
    PREEMPTIONS_TOTAL,
    PROMPT_TOKENS,
    QUEUE_DURATION,
    REQUEST_DURATION,
    REQUESTS_RUNNING,
    REQUESTS_TOTAL,
    REQUESTS_WAITING,
    TIME_TO_FIRST_TOKEN,
    TOKENS_TOTAL,
)
from modelwatch.engine import Counter, Engine, Gauge, Histogram, Page, Unit


def _themselves(values: tuple[str, ...]) -> dict[str, str]:
    return {value: value for value in values}


ENGINE = Engine(
    name="modelwatch",
    title="modelwatch metrics",
    versions=("1",),
    port=9464,
    model_label="model",
    in_front=True,
    environment_label="environment",
    version_label="version",
    rows=(
        Counter(
            signal="requests",
            names=(REQUESTS_TOTAL.name,),
            label="outcome",
            values=_themselves(OUTCOMES),
        ),
        Histogram(signal="request_duration", names=(REQUEST_DURATION.name,)),
        Histogram(signal="time_to_first_token", names=(TIME_TO_FIRST_TOKEN.name,)),
        Histogram(signal="inter_token_latency", names=(INTER_TOKEN_LATENCY.name,)),
        Histogram(signal="queue_duration", names=(QUEUE_DURATION.name,)),
        Histogram(signal="prompt_length", names=(PROMPT_TOKENS.name,), unit=Unit.ONE),
        Histogram(signal="output_length", names=(OUTPUT_TOKENS.name,), unit=Unit.ONE),
        Gauge(signal="requests_running", names=(REQUESTS_RUNNING.name,)),
        Gauge(signal="requests_waiting", names=(REQUESTS_WAITING.name,)),
        Counter(
            signal="tokens",
            names=(TOKENS_TOTAL.name,),
            label="kind",
            values=_themselves(TOKEN_KINDS),
        ),
        Counter(signal="cost", names=(COST_TOTAL.name,)),
        Gauge(signal="kv_cache_usage", names=(KV_CACHE_USAGE.name,), across="max"),
        Counter(signal="preemptions", names=(PREEMPTIONS_TOTAL.name,)),
        Gauge(signal="batch_size", names=(BATCH_SIZE.name,), across="avg"),
    ),
    notes=(
        "Scrape with `honor_labels: true`: the page says which model and environment it is about.",
        "Buckets are the application's: an objective has to be one of its boundaries.",
        "The version that the page names wins over the inventory's.",
    ),
    pages=(Page(file="modelwatch-1.prom", version="1"),),
)
