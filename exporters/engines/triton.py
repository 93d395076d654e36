"""Triton Inference Server, with or without the TensorRT-LLM backend."""

from decimal import Decimal

from modelwatch.engine import (
    Counter,
    Engine,
    Expression,
    Gauge,
    Histogram,
    Mean,
    Page,
    Quantiles,
    Unit,
)

_SUMMARIES = "start with `--metrics-config summary_latencies=true`"
_HISTOGRAMS = "start with `--metrics-config histogram_latencies=true`; streaming models only"
_BACKEND = "TensorRT-LLM backend only, where the server is the source of one model"
_NO_TOKENS = "Triton counts requests, not tokens; use a gateway that counts them"
_QUANTILES = ("0.5", "0.9", "0.95", "0.99")

ENGINE = Engine(
    name="triton",
    title="Triton Inference Server",
    versions=("23.04", "26.06"),
    port=8002,
    model_label="model",
    rows=(
        Counter(signal="requests", names=("nv_inference_request_success",), value="success"),
        Counter(
            signal="requests",
            names=("nv_inference_request_failure",),
            label="reason",
            values={
                "rate_limited": "REJECTED",
                "cancelled": "CANCELED",
                "server_error": "BACKEND|OTHER",
            },
            rest="server_error",  # older releases give no reason
        ),
        Mean(
            signal="request_duration",
            sums=("nv_inference_request_duration_us",),
            counts=("nv_inference_request_success",),
            unit=Unit.MICROSECONDS,
        ),
        Quantiles(
            signal="request_duration",
            metrics=dict.fromkeys(_QUANTILES, "nv_inference_request_summary_us"),
            label="quantile",
            unit=Unit.MICROSECONDS,
            opt_in=_SUMMARIES,
        ),
        Histogram(
            signal="time_to_first_token",
            names=("nv_inference_first_response_histogram_ms",),
            buckets=(Decimal(100), Decimal(500), Decimal(2000), Decimal(5000)),
            unit=Unit.MILLISECONDS,
            opt_in=_HISTOGRAMS,
        ),
        Mean(
            signal="queue_duration",
            sums=("nv_inference_queue_duration_us",),
            counts=("nv_inference_request_success",),
            unit=Unit.MICROSECONDS,
        ),
        Quantiles(
            signal="queue_duration",
            metrics=dict.fromkeys(_QUANTILES, "nv_inference_queue_summary_us"),
            label="quantile",
            unit=Unit.MICROSECONDS,
            opt_in=_SUMMARIES,
        ),
        Gauge(signal="requests_waiting", names=("nv_inference_pending_request_count",)),
        Gauge(
            signal="requests_running",
            names=('nv_trt_llm_request_metrics{request_type="active"}',),
            model_label="",
            opt_in=_BACKEND,
        ),
        Gauge(
            signal="kv_cache_usage",
            names=('nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="fraction"}',),
            across="max",
            model_label="",
            opt_in=_BACKEND,
        ),
        Expression(
            signal="batch_size",
            expr="""
                sum by (job, instance, model) (rate(nv_inference_count[5m]))
                / (sum by (job, instance, model) (rate(nv_inference_exec_count[5m])) > 0)
            """,
            metrics=("nv_inference_count", "nv_inference_exec_count"),
            across="avg",
        ),
    ),
    unavailable={
        "prompt_length": _NO_TOKENS,
        "output_length": _NO_TOKENS,
        "inter_token_latency": "Triton measures the first response, not the gaps between tokens",
        "tokens": _NO_TOKENS,
        "cost": "Triton knows no prices; declare a price or the hourly price of its cards",
        "preemptions": "Triton exposes no evictions",
    },
    first_checks={
        "request_duration": (
            "Compare queue time with duration: if it is most of it, add instances of the model.",
            "Look at the batch size: a small one with a long queue asks for dynamic batching.",
        ),
        "requests": ("Read the server log of the model's backend.",),
    },
    notes=(
        "By default only means exist: quantiles need summaries, and those cannot be merged, so of "
        "several replicas the slowest counts.",
        "Durations are of successful requests only.",
        "Batch size is the mean number of inferences per execution.",
    ),
    pages=(
        Page(file="triton-26.06.prom", version="26.06"),
        Page(file="triton-23.04.prom", version="23.04"),
        Page(file="triton-tensorrtllm-26.07.prom", version="26.07 with TensorRT-LLM"),
    ),
)
