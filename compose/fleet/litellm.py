"""A LiteLLM proxy in front of two hosted models."""

from dataclasses import dataclass

from compose.fleet.series import Histogram, Labels, Value, labels, page
from compose.fleet.traffic import Arrivals, World, poisson

_TIME = (
    *(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0),
    *(300.0, 420.0, 600.0),
)
_TOKEN = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
TEAM_BUDGET_USD = 3000.0
BURST, BURSTING, BURST_SHARE, RETRIES = "provider-burst", "gpt-4o-mini", 0.25, 3
SUMMARIZE = "claude-haiku"
ARCHIVE, ARCHIVE_TIMES = "summarize-archive", 80
"""A job that sends documents so many times as long as usual."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosted:
    """A model as the proxy knows it. Prices are USD per token.

    During `incident` this `share` of its requests is answered with `status`.
    """

    name: str
    deployment: str
    provider: str
    model_id: str
    peak: float
    prompt_tokens: float
    answer_tokens: float
    first_token_s: float
    token_s: float
    input_usd: float
    cached_usd: float
    output_usd: float
    incident: str
    status: int
    share: float


HOSTED = (
    Hosted(
        name="gpt-4o-mini",
        deployment="gpt-4o-mini",
        provider="openai",
        model_id="7e1",
        peak=9.0,
        prompt_tokens=700,
        answer_tokens=160,
        first_token_s=0.32,
        token_s=0.011,
        input_usd=0.15e-6,
        cached_usd=0.075e-6,
        output_usd=0.60e-6,
        incident="provider-errors",
        status=503,
        share=0.33,
    ),
    Hosted(
        name="claude-haiku",
        deployment="anthropic/claude-haiku-4-5",
        provider="anthropic",
        model_id="9ab",
        peak=5.0,
        prompt_tokens=900,
        answer_tokens=120,
        first_token_s=0.45,
        token_s=0.009,
        input_usd=1.00e-6,
        cached_usd=0.10e-6,
        output_usd=5.00e-6,
        incident="rate-limited",
        status=429,
        share=0.4,
    ),
)

ERRORS = {
    429: "RateLimitError",
    500: "InternalServerError",
    503: "ServiceUnavailableError",
    504: "Timeout",
}
USUAL_ERRORS = {429: 0.0008, 500: 0.0003, 504: 0.0002}
KEY = {"hashed_api_key": "88dc28", "api_key_alias": "assistant"}
TEAM = {"team": "t-1", "team_alias": "assist"}
WHO = {"end_user": "None", **KEY, **TEAM, "user": "default_user_id"}
CALLER = {"client_ip": "None", "user_agent": "None"}


class Families:
    """Everything on the page, in its order."""

    def __init__(self) -> None:
        self.requests = _counter("proxy_total_requests_metric_total", "Requests to the proxy.")
        self.failed = _counter("proxy_failed_requests_metric_total", "Answered with an error.")
        self.spend = _counter("spend_metric_total", "Cost of requests in USD.")
        self.tokens = _counter("total_tokens_metric_total", "Input and output tokens.")
        self.input = _counter("input_tokens_metric_total", "Input tokens, cached or not.")
        self.output = _counter("output_tokens_metric_total", "Output tokens.")
        self.cached = _counter("input_cached_tokens_metric_total", "Input tokens from the cache.")
        self.sent = _counter("deployment_total_requests_total", "Calls to the provider.")
        self.answered = _counter("deployment_success_responses_total", "Calls that worked.")
        self.refused = _counter("deployment_failure_responses_total", "Calls that failed.")
        self.whole = _histogram("request_total_latency_metric", "Time in the proxy.", _TIME)
        self.upstream = _histogram("llm_api_latency_metric", "Time at the provider.", _TIME)
        self.first = _histogram("llm_api_time_to_first_token_metric", "To first token.", _TIME)
        self.queued = _histogram("request_queue_time_seconds", "Before processing.", _TIME)
        self.overhead = _histogram("overhead_latency_metric", "Added by the proxy.", _TIME)
        self.per_token = _histogram("deployment_latency_per_output_token", "Per token.", _TOKEN)
        self.state = _gauge("deployment_state", "0 healthy, 1 partly out, 2 out.")
        self.budget_left = _gauge("remaining_team_budget_metric", "Budget of the team left.")
        self.budget = _gauge("team_max_budget_metric", "Budget of the team.")
        self.in_flight = _gauge("in_flight_requests", "Requests in this worker now.")


class Litellm:
    """One proxy. Gauges have no model: what is in flight is in flight for all."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.on = Families()
        self.arrivals = {one: Arrivals(world=world, peak=one.peak) for one in HOSTED}
        self.spent = 0.0
        for hosted in HOSTED:
            self._begin(hosted)

    def __call__(self) -> str:
        """Let time pass and write the page."""
        for hosted, arrivals in self.arrivals.items():
            for _ in range(arrivals.since_last()):
                self._request(hosted)
            broken = hosted.incident in self.world.incidents
            self.on.state.set(_base(hosted), 1 if broken else 0)
        self.on.budget.set(labels(**TEAM), TEAM_BUDGET_USD)
        self.on.budget_left.set(labels(**TEAM), TEAM_BUDGET_USD - self.spent)
        expected = sum(one.per_second for one in self.arrivals.values()) * 2.0
        self.on.in_flight.set((), poisson(self.world.chance, expected))
        text = page(vars(self.on).values())
        return _without(SUMMARIZE, text) if "summarize-silent" in self.world.incidents else text

    def _begin(self, hosted: Hosted) -> None:
        """Show zeros, so that the first error is an increase."""
        self.on.requests.add(_proxy(hosted, status=200), 0)
        for status in sorted({*USUAL_ERRORS, hosted.status}):
            self.on.requests.add(_proxy(hosted, status=status), 0)
            self.on.failed.add(_proxy(hosted, exception=status), 0)
            self.on.refused.add(_deployment(hosted, exception=status), 0)

    def _request(self, hosted: Hosted) -> None:
        status = self._retried(hosted)
        self.on.requests.add(_proxy(hosted, status=status))
        self.on.sent.add(_deployment(hosted))
        if status != 200:
            self.on.failed.add(_proxy(hosted, exception=status))
            self.on.refused.add(_deployment(hosted, exception=status))
            return
        self.on.answered.add(_deployment(hosted))
        answer = max(1, round(self.world.spread(hosted.answer_tokens, 0.45)))
        self._spend(hosted, answer)
        self._times(hosted, answer)

    def _retried(self, hosted: Hosted) -> int:
        """The last status; callers do not see calls that failed and were tried again."""
        status = self._status(hosted)
        for _ in range(RETRIES if self._bursts(hosted) else 0):
            if status == 200:
                break
            self.on.sent.add(_deployment(hosted))
            self.on.refused.add(_deployment(hosted, exception=status))
            status = self._status(hosted)
        return status

    def _bursts(self, hosted: Hosted) -> bool:
        return hosted.name == BURSTING and BURST in self.world.incidents

    def _status(self, hosted: Hosted) -> int:
        if hosted.incident in self.world.incidents and self.world.happens(hosted.share):
            return hosted.status
        if self._bursts(hosted) and self.world.happens(BURST_SHARE):
            return 503
        drawn = self.world.chance.random()
        for status, probability in USUAL_ERRORS.items():
            if drawn < probability:
                return status
            drawn -= probability
        return 200

    def _is_archive(self, hosted: Hosted) -> bool:
        return hosted.name == SUMMARIZE and ARCHIVE in self.world.incidents

    def _spend(self, hosted: Hosted, answer: int) -> None:
        longer = ARCHIVE_TIMES if self._is_archive(hosted) else 1
        prompt = max(8, round(self.world.spread(hosted.prompt_tokens * longer, 0.5)))
        cached = round(prompt * self.world.chance.uniform(0.1, 0.5))
        cost = (
            (prompt - cached) * hosted.input_usd
            + cached * hosted.cached_usd
            + answer * hosted.output_usd
        )
        self.spent += cost
        one = _tokens(hosted)
        self.on.spend.add(_spend(hosted), cost)
        self.on.tokens.add(one, prompt + answer)
        self.on.input.add(one, prompt)
        self.on.output.add(one, answer)
        self.on.cached.add(one, cached)

    def _times(self, hosted: Hosted, answer: int) -> None:
        first = self.world.spread(hosted.first_token_s, 0.3)
        upstream = first + answer * self.world.spread(hosted.token_s, 0.2)
        queue, overhead = self.world.spread(0.004, 0.4), self.world.spread(0.006, 0.4)
        timed = _timed(hosted)
        self.on.first.observe(timed, first)
        self.on.upstream.observe(timed, upstream)
        self.on.whole.observe(timed, upstream + queue + overhead)
        self.on.queued.observe(_queue(hosted), queue)
        self.on.overhead.observe(
            labels(model_group=hosted.name, **dict(_base(hosted)), **KEY), overhead
        )
        self.on.per_token.observe(
            labels(model_group=hosted.name, **dict(_base(hosted)), **KEY, **TEAM), upstream / answer
        )


def _counter(name: str, text: str) -> Value:
    return Value(name=f"litellm_{name}", help=text)


def _gauge(name: str, text: str) -> Value:
    return Value(name=f"litellm_{name}", help=text, kind="gauge")


def _histogram(name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
    return Histogram(name=f"litellm_{name}", help=text, buckets=buckets)


def _exception(status: int) -> dict[str, str]:
    return {"exception_status": str(status), "exception_class": ERRORS[status]}


def _provider(hosted: Hosted) -> dict[str, str]:
    return {"model_id": hosted.model_id, "api_provider": hosted.provider}


def _proxy(hosted: Hosted, *, status: int = 0, exception: int = 0) -> Labels:
    kind = _exception(exception) if exception else {"status_code": str(status)}
    return labels(
        **WHO,
        requested_model=hosted.name,
        user_email="None",
        **kind,
        route="/chat/completions",
        **CALLER,
        **_provider(hosted),
    )


def _base(hosted: Hosted) -> Labels:
    return labels(
        litellm_model_name=hosted.deployment,
        model_id=hosted.model_id,
        api_base=f"https://api.{hosted.provider}.com",
        api_provider=hosted.provider,
    )


def _deployment(hosted: Hosted, *, exception: int = 0) -> Labels:
    kind = _exception(exception) if exception else {}
    return labels(
        model_group=hosted.name,
        requested_model=hosted.name,
        **dict(_base(hosted)),
        **kind,
        **KEY,
        **TEAM,
        **CALLER,
    )


def _tokens(hosted: Hosted) -> Labels:
    return labels(
        **WHO,
        model=_bare(hosted),
        user_email="None",
        requested_model=hosted.name,
        **_provider(hosted),
    )


def _spend(hosted: Hosted) -> Labels:
    return (*_tokens(hosted), *labels(**CALLER, service_tier="None"))


def _timed(hosted: Hosted) -> Labels:
    return labels(
        model_group=hosted.name,
        **WHO,
        requested_model=hosted.name,
        model=_bare(hosted),
        **_provider(hosted),
        service_tier="None",
    )


def _queue(hosted: Hosted) -> Labels:
    return labels(**WHO, requested_model=hosted.name, model=_bare(hosted), **_provider(hosted))


def _bare(hosted: Hosted) -> str:
    """The model without the provider's prefix."""
    return hosted.deployment.split("/")[-1]


def _without(model: str, text: str) -> str:
    """The page without the series of a model."""
    return "".join(
        line for line in text.splitlines(keepends=True) if line.startswith("#") or model not in line
    )
