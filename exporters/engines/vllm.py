"""vLLM: versions 0.6 to 0.33, the V0 engine included."""

from modelwatch.engine import Counter, Engine, Gauge, Histogram, Page, Unit, boundaries

_REQUEST = boundaries(
    "0.3 0.5 0.8 1 1.5 2 2.5 5 10 15 20 30 40 50 60 120 240 480 960 1920 7680"  # end to end, queue
)
_FIRST_TOKEN = boundaries(
    "0.001 0.005 0.01 0.02 0.04 0.06 0.08 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10 20 40 80 160 640 2560"
)
_TOKEN = boundaries("0.01 0.025 0.05 0.075 0.1 0.15 0.2 0.3 0.4 0.5 0.75 1 2.5 5 7.5 10 20 40 80")


_CACHED = ("vllm:prompt_tokens_cached_total", "vllm:prefix_cache_hits_total")

ENGINE = Engine(
    name="vllm",
    title="vLLM",
    versions=("0.6.6", "0.8.5", "0.9.2", "0.10.2", "0.11.0", "0.12.0", "0.33.0"),
    port=8000,
    model_label="model_name",
    rows=(
        Counter(
            signal="requests",
            names=("vllm:request_success_total",),  # in spite of its name it counts all that ended
            label="finished_reason",
            values={
                "success": "stop|length|repetition",
                "cancelled": "abort",
                "server_error": "error",
            },
            rest="success",
        ),
        Counter(
            signal="requests",
            names=("vllm:admission_rejections_total",),
            value="rate_limited",
        ),
        Histogram(
            signal="request_duration",
            names=("vllm:e2e_request_latency_seconds",),
            buckets=_REQUEST,
        ),
        Histogram(
            signal="time_to_first_token",
            names=("vllm:time_to_first_token_seconds",),
            buckets=_FIRST_TOKEN,
        ),
        Histogram(
            signal="inter_token_latency",
            names=("vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds"),
            buckets=_TOKEN,
        ),
        Histogram(
            signal="queue_duration",
            names=("vllm:request_queue_time_seconds",),
            buckets=_REQUEST,
        ),
        Histogram(
            signal="prompt_length",
            names=("vllm:request_prompt_tokens",),
            unit=Unit.ONE,
        ),
        Histogram(
            signal="output_length",
            names=("vllm:request_generation_tokens",),
            unit=Unit.ONE,
        ),
        Gauge(signal="requests_running", names=("vllm:num_requests_running",)),
        Gauge(signal="requests_waiting", names=("vllm:num_requests_waiting",)),
        Counter(
            signal="tokens",
            names=("vllm:prompt_tokens_total",),
            value="input",
            minus=(_CACHED,),
        ),
        Counter(signal="tokens", names=_CACHED, value="cached_input"),
        Counter(signal="tokens", names=("vllm:generation_tokens_total",), value="output"),
        Gauge(
            signal="kv_cache_usage",
            names=("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"),
            across="max",
        ),
        Counter(signal="preemptions", names=("vllm:num_preemptions_total",)),
    ),
    unavailable={
        "cost": "vLLM knows no prices; declare a price or the hourly price of its cards",
        "batch_size": "vLLM counts the tokens of a step, not its requests; see requests running",
    },
    first_checks={
        "request_duration": (
            "Compare queue time with time to first token: a growing queue needs replicas.",
            "A full KV cache shows as preemptions; shorten contexts or add memory.",
        ),
        "kv_cache_usage": ("Look for long prompts and for `--max-num-seqs` set too high.",),
        "requests": ("Read the server log for out-of-memory errors and for worker restarts.",),
    },
    notes=(
        "Versions up to 0.12 count no errors: a request that fails there is not counted at all.",
        "Version 0.8 counts cached blocks, not tokens, so all its input counts as not cached.",
        "A reason of finishing that is not known yet counts as success.",
        "Boundaries of prompt and output length are 1, 2, 5, 10 and so on up to `--max-model-len`.",
        "The last finite bucket of 0.6 is 60 s for requests and 10 s for the first token.",
    ),
    opt_in={
        "vllm:corrupted_requests_total": "set VLLM_COMPUTE_NANS_IN_LOGITS",
        "vllm:kv_block_lifetime_seconds": "switch the metrics of KV blocks on",
        "vllm:kv_block_idle_before_evict_seconds": "switch the metrics of KV blocks on",
        "vllm:kv_block_reuse_gap_seconds": "switch the metrics of KV blocks on",
    },
    renamed={
        "vllm:gpu_prefix_cache_queries_total": "vllm:prefix_cache_queries_total",
        "vllm:gpu_prefix_cache_hits_total": "vllm:prefix_cache_hits_total",
        "vllm:gpu_cache_usage_perc": "vllm:kv_cache_usage_perc",
        "vllm:time_per_output_token_seconds": "vllm:inter_token_latency_seconds",
        "vllm:time_in_queue_requests": "vllm:request_queue_time_seconds",
    },
    pages=(
        Page(file="vllm-0.33.prom", version="0.33.0"),
        Page(file="vllm-0.11.prom", version="0.11.0"),
        Page(file="vllm-0.6.prom", version="0.6.6"),
    ),
)
