"""KServe: the Python model server, which times the steps of a request by model."""

from modelwatch.engine import Counter, Engine, Histogram, Page, boundaries

_STEP = boundaries("0.005 0.01 0.025 0.05 0.075 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10")
_NO_TOKENS = "KServe counts requests, not tokens; declare its vLLM runtime as engine `vllm`"
_NO_QUEUE = "KServe exposes no queue; the ingress in front of it (Istio or Knative) has one"
# A step is counted when it ends. Postprocessing follows prediction at once and only if that
# succeeded, so what is missing there failed.
_SUCCEEDED = ("request_postprocess_seconds_count",)

ENGINE = Engine(
    name="kserve",
    title="KServe",
    versions=("0.21.0",),
    port=8080,
    model_label="model_name",
    in_front=True,
    rows=(
        Counter(signal="requests", names=_SUCCEEDED, value="success"),
        Counter(
            signal="requests",
            names=("request_predict_seconds_count",),
            value="server_error",
            minus=(_SUCCEEDED,),
        ),
        Histogram(
            signal="request_duration",
            names=("request_predict_seconds",),
            buckets=_STEP,
        ),
    ),
    unavailable={
        "prompt_length": _NO_TOKENS,
        "output_length": _NO_TOKENS,
        "time_to_first_token": _NO_TOKENS,
        "inter_token_latency": _NO_TOKENS,
        "queue_duration": _NO_QUEUE,
        "requests_running": "KServe counts requests when they end; the ingress knows who is inside",
        "requests_waiting": _NO_QUEUE,
        "tokens": _NO_TOKENS,
        "cost": "KServe knows no prices; declare the hourly price of its cards",
        "kv_cache_usage": _NO_TOKENS,
        "preemptions": "KServe hands requests to the model one by one and evicts none",
        "batch_size": "KServe's batcher exposes no metrics; the log of the agent shows its batches",
    },
    first_checks={
        "request_duration": (
            "Compare `request_preprocess_seconds` with `request_predict_seconds`: a transformer "
            "may be the slow part.",
            "Look for pods that start: with scale to zero the first request waits for one.",
        ),
        "requests": (
            "Read the log of the predictor's pod for exceptions.",
            "Requests that never reach the pod are counted only by the ingress.",
        ),
    },
    notes=(
        "KServe counts no errors: a prediction that was not followed by postprocessing failed. "
        "What fails earlier, in preprocessing, or never arrives shows only at the ingress "
        "(`istio_requests_total`) or in a probe.",
        "The duration is the prediction's alone, failed ones included; the wait at the ingress and "
        "the other steps are not in it.",
        "Explanations count as successes too; give explainers a job of their own.",
        "The last finite bucket is 10 s.",
        "Language models run on vLLM inside KServe and expose its metrics: declare engine `vllm`.",
    ),
    pages=(Page(file="kserve-0.21.prom", version="0.21.0"),),
)
