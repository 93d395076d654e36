"""Seldon Core 2: the agent beside each inference server counts by model and by status code."""

from modelwatch.engine import Counter, Engine, Histogram, Mean, Page, boundaries

_API = boundaries("0.005 0.01 0.025 0.05 0.075 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10")
_SUCCEEDED = {"code": "~[123]..|OK"}
_NO_TOKENS = "Seldon Core counts calls, not tokens; use a gateway that counts them"
_NO_STATE = "the agent counts calls when they end; the Envoy of Seldon Core knows who waits"

ENGINE = Engine(
    name="seldon_core_v2",
    title="Seldon Core 2",
    versions=("2.x",),
    port=9006,
    model_label="model",
    in_front=True,
    rows=(
        Counter(
            signal="requests",
            names=("seldon_model_infer_total",),
            label="code",  # a number over REST, a word over gRPC
            values={
                "success": "[123]..|OK",
                "rate_limited": "429|ResourceExhausted",
                "timeout": "408|504|DeadlineExceeded",
                "cancelled": "499|Canceled",
                "client_error": "4..|InvalidArgument|NotFound|AlreadyExists|OutOfRange|"
                "PermissionDenied|Unauthenticated",
                "server_error": "5..",
            },
            rest="server_error",
        ),
        Mean(
            signal="request_duration",
            sums=("seldon_model_infer_seconds_total",),
            counts=("seldon_model_infer_total",),
            where=_SUCCEEDED,
        ),
        Histogram(
            signal="request_duration",
            names=("seldon_model_infer_api_seconds",),
            buckets=_API,
            where=_SUCCEEDED,
            model_label="",
            opt_in="where the inference server is the source of one model",
        ),
    ),
    unavailable={
        "prompt_length": _NO_TOKENS,
        "output_length": _NO_TOKENS,
        "time_to_first_token": _NO_TOKENS,
        "inter_token_latency": _NO_TOKENS,
        "queue_duration": "the agent measures a call as a whole; the inference server behind it "
        "(Triton) can tell queue time: declare it too",
        "requests_running": _NO_STATE,
        "requests_waiting": _NO_STATE,
        "tokens": _NO_TOKENS,
        "cost": "Seldon Core knows no prices; declare the hourly price of its cards",
        "kv_cache_usage": "the agent sees no KV cache; declare the server behind it",
        "preemptions": "the agent evicts models, not requests; see `seldon_cache_evict_count`",
        "batch_size": "batches are made in the inference server; declare it too",
    },
    first_checks={
        "request_duration": (
            "Look at `seldon_cache_miss_count`: a model that was evicted is loaded again first.",
            "Compare with the metrics of the inference server behind the agent.",
        ),
        "requests": (
            "Look at the code: `NotFound` or 404 means that the model is not loaded here.",
            "Read the log of the inference server and of the agent beside it.",
        ),
    },
    notes=(
        "By model only the mean exists; percentiles are of an inference server, so give a model "
        "with a latency objective a server of its own, or measure it with a probe.",
        "Durations are of successful calls; a pipeline's own time is not in them.",
        "A namespace in the agent's settings goes before all names: leave it empty.",
        "`model_internal` ends in the version of the model; modelwatch reads `model`.",
        "The last finite bucket is 10 s.",
    ),
    pages=(Page(file="seldon_core_v2-2.prom", version="2.x"),),
)
