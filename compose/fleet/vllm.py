"""A vLLM server (V1 engine) that serves the chat model."""

from compose.fleet.series import Histogram, Value, labels, page
from compose.fleet.traffic import Arrivals, World, poisson

MODEL = "meta-llama/Llama-3.1-8B-Instruct"
BLOCK_TOKENS = 16
ROLLOUT_MINUTES = 60.0
KV_CACHE_REQUESTS = 110.0
"""Running requests that would fill the KV cache."""

_SIZES = tuple(float(m * 10**e) for e in range(5) for m in (1, 2, 5))
_STEPS = tuple(float(2**n) for n in (0, *range(3, 15)))
_FIRST = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
    *(20.0, 40.0, 80.0, 160.0, 640.0, 2560.0),
)
_TOKEN = (
    *(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75),
    *(1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0),
)
_REQUEST = (
    *(0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0),
    *(120.0, 240.0, 480.0, 960.0, 1920.0, 7680.0),
)
_HTTP = (0.1, 0.5, 1.0)
_CHAT = "/v1/chat/completions"


def _counter(name: str, text: str) -> Value:
    return Value(name=f"vllm:{name}", help=text)


def _gauge(name: str, text: str) -> Value:
    return Value(name=f"vllm:{name}", help=text, kind="gauge")


def _histogram(name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
    return Histogram(name=f"vllm:{name}", help=text, buckets=buckets)


class Families:
    """Everything on the page, in its order."""

    def __init__(self) -> None:
        self.running = _gauge("num_requests_running", "In the batch.")
        self.waiting = _gauge("num_requests_waiting", "In the queue.")
        self.waiting_by_reason = _gauge("num_requests_waiting_by_reason", "In the queue, and why.")
        self.kv_cache = _gauge("kv_cache_usage_perc", "Used share of the cache; 1 is full.")
        self.cache_queries = _counter("prefix_cache_queries_total", "Tokens looked up.")
        self.cache_hits = _counter("prefix_cache_hits_total", "Tokens found.")
        self.preemptions = _counter("num_preemptions_total", "Evictions from the batch.")
        self.prompt = _counter("prompt_tokens_total", "Prompt tokens, cached or not.")
        self.prompt_by_source = _counter("prompt_tokens_by_source_total", "By where they were.")
        self.prompt_cached = _counter("prompt_tokens_cached_total", "Prompt tokens not computed.")
        self.generated = _counter("generation_tokens_total", "Tokens written.")
        self.finished = _counter("request_success_total", "Finished requests by reason.")
        self.iteration = _histogram("iteration_tokens_total", "Tokens per step.", _STEPS)
        self.prompt_size = _histogram("request_prompt_tokens", "Prompt length.", _SIZES)
        self.answer_size = _histogram("request_generation_tokens", "Answer length.", _SIZES)
        self.first_token = _histogram(
            "time_to_first_token_seconds", "Arrival to first token.", _FIRST
        )
        self.between_tokens = _histogram(
            "inter_token_latency_seconds", "Gap between tokens.", _TOKEN
        )
        self.per_token = _histogram(
            "request_time_per_output_token_seconds", "Mean gap of a request.", _TOKEN
        )
        self.whole = _histogram("e2e_request_latency_seconds", "Arrival to last token.", _REQUEST)
        self.queued = _histogram("request_queue_time_seconds", "Waiting.", _REQUEST)
        self.prefill = _histogram("request_prefill_time_seconds", "Reading.", _REQUEST)
        self.decode = _histogram("request_decode_time_seconds", "Writing.", _REQUEST)
        self.inference = _histogram("request_inference_time_seconds", "Running.", _REQUEST)
        self.cache_config = _gauge("cache_config_info", "How the cache is configured.")
        self.http = Value(name="http_requests_total", help="Answers of the HTTP server.")
        self.http_time = Histogram(
            name="http_request_duration_seconds", help="Time of the HTTP server.", buckets=_HTTP
        )


class Vllm:
    """One replica. A request is drawn, then everything it touches is counted.

    The server of the `following` version has no traffic until a rollout brings it.
    """

    def __init__(self, world: World, *, following: bool = False) -> None:
        self.world = world
        self.following = following
        self.arrivals = Arrivals(world=world, peak=24.0)
        self.on = Families()
        self.id = labels(engine="0", model_name=MODEL)
        self.on.preemptions.add(self.id, 0)
        for reason in ("stop", "length", "abort", "error", "repetition"):
            self.on.finished.add((*self.id, ("finished_reason", reason)), 0)
        for status in ("2xx", "4xx", "5xx"):
            self._http(status, 0)
        self.on.cache_config.set(
            labels(
                block_size="16",
                cache_dtype="auto",
                enable_prefix_caching="True",
                engine="0",
                gpu_memory_utilization="0.9",
                num_gpu_blocks="27845",
            ),
            1,
        )

    def __call__(self) -> str:
        """Let time pass and write the page."""
        silent = "chat-silent" in self.world.incidents
        for _ in range(self.arrivals.since_last(0.0 if silent else self._share())):
            self._request()
        self._gauges(silent=silent)
        return page(vars(self.on).values())

    def _share(self) -> float:
        moved = min(1.0, self.world.incidents.minutes("chat-rollout") / ROLLOUT_MINUTES)
        return moved if self.following else 1.0 - moved

    def _request(self) -> None:
        crowded = "chat-queue" in self.world.incidents
        prompt = max(16, round(self.world.spread(600, 0.6)))
        cached = int(prompt * self.world.chance.uniform(0.2, 0.65) / BLOCK_TOKENS) * BLOCK_TOKENS
        answer = min(1024, max(2, round(self.world.spread(150, 0.5))))
        queue = self.world.spread(3.0 if crowded else 0.004, 0.5)
        prefill = self.world.spread(0.04, 0.25) + (prompt - cached) / 9000
        gap = self.world.spread(0.0115, 0.12)
        decode = gap * (answer - 1)
        self._tokens(prompt, cached, answer)
        for histogram, seconds in (
            (self.on.queued, queue),
            (self.on.prefill, prefill),
            (self.on.first_token, queue + prefill),
            (self.on.decode, decode),
            (self.on.inference, prefill + decode),
            (self.on.whole, queue + prefill + decode),
            (self.on.per_token, gap),
        ):
            histogram.observe(self.id, seconds)
        self.on.between_tokens.observe(self.id, gap, answer - 1)
        self.on.http_time.observe(
            labels(handler=_CHAT, method="POST"), queue + prefill + decode + 0.002
        )
        if crowded and self.world.happens(0.1):
            self.on.preemptions.add(self.id)
        self._finish(answer)

    def _tokens(self, prompt: int, cached: int, answer: int) -> None:
        self.on.prompt.add(self.id, prompt)
        self.on.cache_queries.add(self.id, prompt)
        self.on.cache_hits.add(self.id, cached)
        self.on.prompt_cached.add(self.id, cached)
        sources = {"local_compute": prompt - cached, "local_cache_hit": cached}
        for source, tokens in {**sources, "external_kv_transfer": 0}.items():
            self.on.prompt_by_source.add((*self.id, ("source", source)), tokens)
        self.on.generated.add(self.id, answer)
        self.on.prompt_size.observe(self.id, prompt)
        self.on.answer_size.observe(self.id, answer)
        computed = prompt - cached + answer
        steps = max(1, round(computed / self.world.spread(60, 0.3)))
        self.on.iteration.observe(self.id, computed / steps, steps)

    def _finish(self, answer: int) -> None:
        if self.world.happens(0.2 if "chat-errors" in self.world.incidents else 0.0001):
            reason = "error"
        elif self.world.happens(0.006):
            reason = "abort"
        else:
            reason = "length" if answer == 1024 else "stop"
        self.on.finished.add((*self.id, ("finished_reason", reason)))
        self._http("5xx" if reason == "error" else "2xx", 1)
        if self.world.happens(0.002):
            self._http("4xx", 1)

    def _http(self, status: str, amount: int) -> None:
        self.on.http.add(labels(handler=_CHAT, method="POST", status=status), amount)

    def _gauges(self, *, silent: bool) -> None:
        crowded = "chat-queue" in self.world.incidents
        expected = 0.0 if silent else self._share() * self.arrivals.per_second * 2.3
        running = poisson(self.world.chance, expected)
        waiting = poisson(self.world.chance, 60.0 if crowded else 0.2 * (not silent))
        self.on.running.set(self.id, running)
        self.on.waiting.set(self.id, waiting)
        reasons = {"capacity": waiting, "deferred": 0}
        for reason, count in reasons.items():
            self.on.waiting_by_reason.set((*self.id, ("reason", reason)), count)
        filled = min(0.985, 0.85 + 0.01 * self.world.incidents.minutes("chat-crowded"))
        usual = min(0.9, running / KV_CACHE_REQUESTS)
        usage = 0.985 if crowded else filled if "chat-crowded" in self.world.incidents else usual
        self.on.kv_cache.set(self.id, round(usage, 4))
