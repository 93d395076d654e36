"""Ray Serve: applications behind its HTTP proxy, and the vLLM engines of Ray Serve LLM."""

from modelwatch.engine import Counter, Engine, Gauge, Histogram, Page, Unit, boundaries

_LATENCY = boundaries(
    "1 2 5 10 20 50 100 200 300 400 500 1000 2000 5000 10000 60000 120000 300000 600000"
)
_FIRST_TOKEN = boundaries(
    "0.001 0.005 0.01 0.02 0.04 0.06 0.08 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10 20 40 80 160 640 2560"
)
_TOKEN = boundaries("0.01 0.025 0.05 0.075 0.1 0.15 0.2 0.3 0.4 0.5 0.75 1 2.5 5 7.5 10 20 40 80")
_CACHED = ("ray_vllm_prompt_tokens_cached_total", "ray_vllm_prefix_cache_hits_total")
_LLM = "Ray Serve LLM only, from a source whose `model` is the id that the LLM is asked by"

ENGINE = Engine(
    name="ray_serve",
    title="Ray Serve",
    versions=("2.60.0",),
    port=8080,
    model_label="application",
    in_front=True,
    rows=(
        Counter(
            signal="requests",
            names=('ray_serve_num_http_requests_total{application!=""}',),  # no health checks
            label="status_code",
            values={
                "success": "[123]..|1000",  # 1000 and above are of WebSockets
                "rate_limited": "429",
                "timeout": "408|504",
                "cancelled": "499|100[16]",
                "client_error": "4..",
                "server_error": "5..",
            },
            rest="server_error",
        ),
        Histogram(
            signal="request_duration",
            names=("ray_serve_http_request_latency_ms",),
            buckets=_LATENCY,
            unit=Unit.MILLISECONDS,
            where={"status_code": "~[123]..|1000"},
        ),
        Histogram(
            signal="time_to_first_token",
            names=("ray_vllm_time_to_first_token_seconds",),
            buckets=_FIRST_TOKEN,
            model_label="model_name",
            opt_in=_LLM,
        ),
        Histogram(
            signal="inter_token_latency",
            names=("ray_vllm_inter_token_latency_seconds",),
            buckets=_TOKEN,
            model_label="model_name",
            opt_in=_LLM,
        ),
        Histogram(
            signal="queue_duration",
            names=("ray_serve_request_router_fulfillment_time_ms",),
            buckets=_LATENCY,
            unit=Unit.MILLISECONDS,
        ),
        Gauge(signal="requests_running", names=("ray_serve_replica_processing_queries",)),
        Gauge(signal="requests_waiting", names=("ray_serve_deployment_queued_queries",)),
        Counter(
            signal="tokens",
            names=("ray_vllm_prompt_tokens_total",),
            value="input",
            minus=(_CACHED,),
            model_label="model_name",
            opt_in=_LLM,
        ),
        Counter(
            signal="tokens",
            names=_CACHED,
            value="cached_input",
            model_label="model_name",
            opt_in=_LLM,
        ),
        Counter(
            signal="tokens",
            names=("ray_vllm_generation_tokens_total",),
            value="output",
            model_label="model_name",
            opt_in=_LLM,
        ),
        Gauge(
            signal="kv_cache_usage",
            names=("ray_vllm_kv_cache_usage_perc",),
            across="max",
            model_label="model_name",
            opt_in=_LLM,
        ),
        Counter(
            signal="preemptions",
            names=("ray_vllm_num_preemptions_total",),
            model_label="model_name",
            opt_in=_LLM,
        ),
    ),
    unavailable={
        "prompt_length": "the page of Ray Serve has no distribution of lengths",
        "output_length": "the page of Ray Serve has no distribution of lengths",
        "cost": "Ray Serve knows no prices; declare a price or the hourly price of its cards",
        "batch_size": "Ray Serve exposes no batch size of an application; see requests running",
    },
    first_checks={
        "request_duration": (
            "Compare queue time with duration: if it is most of it, add replicas or raise "
            "`max_ongoing_requests`.",
            "Look for replicas that restart in the Ray dashboard.",
        ),
        "requests": (
            "Look at `ray_serve_deployment_error_counter_total` by exception and deployment.",
            "A 503 means that queues are full: raise `max_queued_requests` or add replicas.",
        ),
    },
    notes=(
        "The `model` of a source is the name of the application: give each model one of its own.",
        "A model of Ray Serve LLM has two sources of this engine: one whose `model` is the "
        "application, for requests and latency, and one whose `model` is the id that the LLM is "
        "asked by, for first tokens, tokens and the KV cache.",
        "Every Ray node exposes a page: scrape all of them in one job.",
        "A request that several deployments of an application work on counts once for each in "
        "queue time, requests running and requests waiting.",
        "Durations are of successful HTTP requests; calls over gRPC are not counted.",
        "Ray exposes each counter twice; modelwatch reads the one that ends in `_total`.",
        "Counters of Ray Serve LLM are missing until they first count something.",
    ),
    pages=(Page(file="ray_serve-2.60.prom", version="2.60.0"),),
)
