"""SGLang: versions 0.4.9 to 0.5.23, started with `--enable-metrics`."""

from modelwatch.engine import Counter, Engine, Gauge, Histogram, Page, Unit, boundaries

_FIRST_TOKEN = boundaries("0.1 0.2 0.4 0.6 0.8 1 2 4 6 8 10 20 40 60 80 100 200 400")
_REQUEST = (*_FIRST_TOKEN, *boundaries("600 1200 1800 2400"))
_TOKEN = boundaries(
    "0.002 0.004 0.006 0.008 0.01 0.015 0.02 0.025 0.03 0.035 0.04 0.06 0.08 0.1 0.2 0.4 0.6 0.8 "
    "1 2 4 6 8"
)
_QUEUE = boundaries(
    "0 0.001 0.005 0.01 0.05 0.1 0.2 0.5 1 2 3 4 5 10 15 20 30 40 50 60 70 80 90 100 200 300 400 "
    "500 600 700 800 900 1000 1200 1400 1600 1800 2000 2500 3000"
)
_PROMPT = boundaries(
    "100 300 500 700 1000 1500 2000 3000 4000 5000 6000 7000 8000 9000 10000 12000 15000 20000 "
    "22000 25000 30000 35000 40000"
)
_OUTPUT = boundaries(
    "100 300 500 1000 1200 1500 1700 2000 2500 3000 3500 4000 4500 5000 6000 7000 8000 9000 10000"
)
_LENGTHS = "start SGLang with `--collect-tokens-histogram`"
_CACHED = ('sglang:cached_tokens_total{cache_source=~"total|"}',)  # the total, not also its parts
_ABORTED = ("sglang:num_aborted_requests_total",)

ENGINE = Engine(
    name="sglang",
    title="SGLang",
    versions=("0.4.9", "0.5.5", "0.5.23"),
    port=30000,
    model_label="model_name",
    rows=(
        Counter(
            signal="requests",
            names=("sglang:num_requests_total",),
            value="success",
            minus=(_ABORTED,),
        ),
        Counter(signal="requests", names=_ABORTED, value="cancelled"),
        Counter(
            signal="requests",
            names=("sglang:http_responses_total",),
            label="status_code",
            values={
                "rate_limited": "429",
                "timeout": "408|504",
                "client_error": "4..",
                "server_error": "5..",
            },
            model_label="",
        ),
        Histogram(
            signal="request_duration",
            names=("sglang:e2e_request_latency_seconds",),
            buckets=_REQUEST,
        ),
        Histogram(
            signal="time_to_first_token",
            names=("sglang:time_to_first_token_seconds",),
            buckets=_FIRST_TOKEN,
        ),
        Histogram(
            signal="inter_token_latency",
            names=("sglang:inter_token_latency_seconds",),
            buckets=_TOKEN,
        ),
        Histogram(
            signal="queue_duration",
            names=("sglang:queue_time_seconds",),
            buckets=_QUEUE,
        ),
        Histogram(
            signal="prompt_length",
            names=("sglang:prompt_tokens_histogram",),
            unit=Unit.ONE,
            buckets=_PROMPT,
            opt_in=_LENGTHS,
        ),
        Histogram(
            signal="output_length",
            names=("sglang:generation_tokens_histogram",),
            unit=Unit.ONE,
            buckets=_OUTPUT,
            opt_in=_LENGTHS,
        ),
        # Tensor-parallel ranks repeat the value, data-parallel ranks have one each.
        Gauge(
            signal="requests_running",
            names=("sglang:num_running_reqs",),
            within="max",
            parts=("dp_rank",),
            where={"priority": ""},
        ),
        Gauge(
            signal="requests_waiting",
            names=("sglang:num_queue_reqs",),
            within="max",
            parts=("dp_rank",),
            where={"priority": ""},
        ),
        Counter(
            signal="tokens",
            names=("sglang:prompt_tokens_total",),
            value="input",
            minus=(_CACHED,),
        ),
        Counter(signal="tokens", names=_CACHED, value="cached_input"),
        Counter(signal="tokens", names=("sglang:generation_tokens_total",), value="output"),
        Gauge(signal="kv_cache_usage", names=("sglang:token_usage",), across="max"),
        Counter(
            signal="preemptions",
            names=('sglang:num_retracted_requests_total{tp_rank=~"0|"}',),
        ),
    ),
    unavailable={
        "cost": "SGLang knows no prices; declare a price or the hourly price of its cards",
        "batch_size": "SGLang exposes no batch size of its own; see requests running",
    },
    first_checks={
        "request_duration": ("Compare queue time with time to first token.",),
        "requests": ("Aborted requests count as cancelled; look for clients that give up.",),
    },
    notes=(
        "Errors come from the HTTP counters, which have no model label and exist after 0.5.5: they "
        "count where the server is the source of one model.",
        "Versions up to 0.4.9 have no histogram of queue time.",
        "Boundaries of lengths are the defaults; `--prompt-tokens-buckets` and "
        "`--generation-tokens-buckets` change them.",
    ),
    renamed={
        "sglang:avg_request_queue_latency": "sglang:queue_time_seconds",
        "sglang:num_prefill_infight_queue_reqs": "sglang:num_prefill_inflight_queue_reqs",
        "sglang:num_transfer_failed_reqs": "sglang:num_transfer_failed_reqs_total",
    },
    overlaps={"sglang:cached_tokens_total": "cache_source"},
    pages=(
        Page(file="sglang-0.5.23.prom", version="0.5.23"),
        Page(file="sglang-0.5.5.prom", version="0.5.5"),
    ),
)
