"""TorchServe, started with `metrics_mode=prometheus`: times by model, outcomes by server."""

from modelwatch.engine import Counter, Engine, Mean, Page, Unit

_RECEIVED = ("ts_inference_requests_total",)
_FAILED = ("Requests5XX",)
_NO_TOKENS = "TorchServe counts requests, not tokens; use a gateway that counts them"
_NO_STATE = "TorchServe exposes no such gauge; a gateway or an ingress in front can count it"

ENGINE = Engine(
    name="torchserve",
    title="TorchServe",
    versions=("0.12.0",),
    port=8082,
    model_label="model_name",
    rows=(
        # The counter of 2xx also has health checks in it, so successes are what is left.
        Counter(
            signal="requests",
            names=_RECEIVED,
            value="success",
            minus=(_FAILED,),
            model_label="",
        ),
        Counter(
            signal="requests",
            names=("Requests4XX",),
            value="client_error",
            model_label="",
        ),
        Counter(signal="requests", names=_FAILED, value="server_error", model_label=""),
        Mean(
            signal="request_duration",
            sums=("ts_inference_latency_microseconds",),
            counts=_RECEIVED,
            unit=Unit.MICROSECONDS,
        ),
        Mean(
            signal="queue_duration",
            sums=("ts_queue_latency_microseconds",),
            counts=_RECEIVED,
            unit=Unit.MICROSECONDS,
        ),
    ),
    unavailable={
        "prompt_length": _NO_TOKENS,
        "output_length": _NO_TOKENS,
        "time_to_first_token": _NO_TOKENS,
        "inter_token_latency": _NO_TOKENS,
        "requests_running": _NO_STATE,
        "requests_waiting": _NO_STATE,
        "tokens": _NO_TOKENS,
        "cost": "TorchServe knows no prices; declare the hourly price of its cards",
        "kv_cache_usage": "TorchServe keeps no KV cache that it could show",
        "preemptions": "TorchServe evicts nothing from a batch",
        "batch_size": "TorchServe exposes no batch size; it stands in the model's configuration",
    },
    first_checks={
        "request_duration": (
            "Compare queue time with duration: if it is most of it, add workers to the model.",
            "Look at the batch settings: `maxBatchDelay` is time that every request may wait.",
        ),
        "requests": (
            "A 503 means that a queue is full or that no worker lives; a 507 that one ran out of "
            "memory.",
            "Read `ts_log.log` and `model_log.log` for exceptions of the handler.",
        ),
    },
    notes=(
        "Only means exist, no percentiles: for a latency objective use a probe or a gateway.",
        "Outcomes are counted by server, not by model: they count where the server is the source "
        "of one model. Give each model a server, or count at an ingress.",
        "Client errors include those of the management interface on the same server.",
        "Calls over gRPC are received but have no failures here: all of them count as successes.",
        "The duration includes the queue. Failed requests add to the count but not to the time, so "
        "many failures make the mean look better.",
        "Gauges such as `QueueTime` hold only the last value and are not read; for cards use "
        "the exporter of the pool.",
        "TorchServe is archived: 0.12.0 is its last release.",
    ),
    pages=(Page(file="torchserve-0.12.prom", version="0.12.0"),),
)
