"""Our own probe exporter, for models that expose nothing: what synthetic requests show of them."""

from modelwatch.catalogue import TOKEN_KINDS
from modelwatch.catalogue.probe import (
    DURATION_BUCKETS,
    FIRST_TOKEN_BUCKETS,
    INTER_TOKEN_BUCKETS,
    PROBE_COST_TOTAL,
    PROBE_DURATION,
    PROBE_ENGINE,
    PROBE_FIRST_TOKEN,
    PROBE_INTER_TOKEN,
    PROBE_REQUESTS_TOTAL,
    PROBE_TOKENS_TOTAL,
)
from modelwatch.engine import Counter, Engine, Histogram, Page

_INSIDE = "probes see a model from outside: what is going on inside it needs a metric of the engine"

ENGINE = Engine(
    name=PROBE_ENGINE,
    title="modelwatch probes",
    versions=("1",),
    port=9466,
    model_label="model",
    environment_label="environment",
    knows_inventory=True,
    rows=(
        Counter(
            signal="requests",
            names=(PROBE_REQUESTS_TOTAL.name,),
            label="outcome",
            values={
                "success": "success",
                "rate_limited": "rate_limited",
                "client_error": "client_error|no_key",
                "timeout": "timeout",
            },
            # No connection, no certificate, no answer that can be read: it is down to its users.
            rest="server_error",
        ),
        Histogram(
            signal="request_duration", names=(PROBE_DURATION.name,), buckets=DURATION_BUCKETS
        ),
        Histogram(
            signal="time_to_first_token",
            names=(PROBE_FIRST_TOKEN.name,),
            buckets=FIRST_TOKEN_BUCKETS,
        ),
        Histogram(
            signal="inter_token_latency",
            names=(PROBE_INTER_TOKEN.name,),
            buckets=INTER_TOKEN_BUCKETS,
        ),
        Counter(
            signal="tokens",
            names=(PROBE_TOKENS_TOTAL.name,),
            label="kind",
            values={kind: kind for kind in TOKEN_KINDS},
        ),
        Counter(signal="cost", names=(PROBE_COST_TOTAL.name,)),
    ),
    unavailable={
        "prompt_length": "the prompts of a probe are always the same",
        "output_length": "the prompts of a probe are always the same",
        "queue_duration": _INSIDE,
        "requests_running": _INSIDE,
        "requests_waiting": _INSIDE,
        "kv_cache_usage": _INSIDE,
        "preemptions": _INSIDE,
        "batch_size": _INSIDE,
    },
    first_checks={
        "requests": ("See the outcomes of the probe on the model board: they name the cause.",),
        "request_duration": (
            "Compare the phases of the probe: name, connection, TLS, first byte.",
        ),
    },
    notes=(
        "This is synthetic traffic: requests, tokens and cost are those of the probes alone, and "
        "say nothing about how much the model is used.",
        "For models that expose nothing, such as Ollama or a hosted API without a gateway. Where "
        "the engine has metrics, declare the engine as the source; probes watch beside it.",
        "One request a minute is five in five minutes: set `floors: {requests: 3, errors: 3}` for "
        "such a model, or alerts on shares and quantiles never have enough requests. The alerts on "
        "probes need no floor.",
        "No target stands for such a model: when the exporter is down, it is silent, not down.",
        "Durations are of requests that succeeded, and hold the way from the exporter to the "
        "model. A probe that is not streamed has no time to first token.",
        "Failed connections, names and certificates, and answers that cannot be read, count as "
        "server errors.",
    ),
    pages=(Page(file="modelwatch_probe-1.prom", version="1"),),
)
