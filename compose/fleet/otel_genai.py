"""An agent that reports through the OpenTelemetry GenAI conventions and a collector."""

from compose.fleet.series import Histogram, Labels, Value, labels, page, plain
from compose.fleet.traffic import Arrivals, World

MODEL = "gpt-4o"
_CALL = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS = tuple(float(4**n) for n in range(14))
_FIRST = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
)
_GAP = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)
_AGENT = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6)
TOOLS = {"search": 0.6, "calculator": 0.25, "tickets": 0.15}
MORE = {"agent-tokens": 10, "agent-runaway": 5}
"""How many times as many input tokens a call has in an incident."""
USUAL_ERRORS = {"RateLimitError": 0.0012, "APITimeoutError": 0.0006}


def _histogram(name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
    return Histogram(name=f"gen_ai_{name}", help=text, buckets=buckets, boundary=plain)


class Families:
    """Everything on the page, in its order."""

    def __init__(self) -> None:
        self.call = _histogram("client_operation_duration_seconds", "Time of a call.", _CALL)
        self.usage = _histogram("client_token_usage", "Tokens of a call.", _TOKENS)
        self.first_chunk = _histogram(
            "client_operation_time_to_first_chunk_seconds", "To the first chunk.", _CALL
        )
        self.chunk = _histogram(
            "client_operation_time_per_output_chunk_seconds", "Between chunks.", _CALL
        )
        self.request = _histogram("server_request_duration_seconds", "At the server.", _CALL)
        self.first = _histogram("server_time_to_first_token_seconds", "To first token.", _FIRST)
        self.gap = _histogram("server_time_per_output_token_seconds", "Between tokens.", _GAP)
        self.input = _usage("input_tokens_total", "Input tokens, cached or not.")
        self.output = _usage("output_tokens_total", "Output tokens, reasoning included.")
        self.cached = _usage("cache_read_input_tokens_total", "Input tokens from the cache.")
        self.agent = _histogram("invoke_agent_duration_seconds", "Time of a task.", _AGENT)
        self.tool = _histogram("execute_tool_duration_seconds", "Time of a tool.", _CALL)


class OtelGenai:
    """One application behind one collector."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.on = Families()
        self.arrivals = Arrivals(world=world, peak=3.0)
        self.id = labels(
            gen_ai_operation_name="chat",
            gen_ai_provider_name="openai",
            gen_ai_request_model=MODEL,
            gen_ai_response_model="gpt-4o-2024-08-06",
            server_address="api.openai.com",
            server_port="443",
        )
        self.on.call.start(self.id)
        for kind in USUAL_ERRORS:
            self.on.call.start((*self.id, ("error_type", kind)))
            self.on.request.start((*self.id, ("error_type", kind)))

    def __call__(self) -> str:
        """Let time pass and write the page."""
        runs_away = "agent-runaway" in self.world.incidents
        for _ in range(self.arrivals.since_last(10.0 if runs_away else 1.0)):
            self._request()
        return page(vars(self.on).values())

    def _request(self) -> None:
        failure = self._failure()
        if failure:
            seconds = self.world.spread(0.2, 0.5)
            self.on.call.observe((*self.id, ("error_type", failure)), seconds)
            self.on.request.observe((*self.id, ("error_type", failure)), seconds)
            return
        answer = self._tokens()
        first = self.world.spread(0.5, 0.35)
        gap = self.world.spread(0.014, 0.2)
        whole = first + gap * (answer - 1)
        self.on.first.observe(self.id, first)
        self.on.gap.observe(self.id, gap, answer - 1)
        self.on.request.observe(self.id, whole)
        network = self.world.spread(0.03, 0.3)
        self.on.first_chunk.observe(self.id, first + network)
        self.on.chunk.observe(self.id, gap, answer - 1)
        self.on.call.observe(self.id, whole + network)
        self._agent(whole + network)

    def _failure(self) -> str:
        for kind, probability in USUAL_ERRORS.items():
            if self.world.happens(probability):
                return kind
        return ""

    def _tokens(self) -> int:
        """Draw and count the tokens of a call; returns how many are written."""
        more = max((MORE[one] for one in MORE if one in self.world.incidents), default=1)
        prompt = max(8, round(self.world.spread(700 * more, 0.4)))
        answer = max(2, round(self.world.spread(90, 0.4)))
        cached = round(prompt * self.world.chance.uniform(0.1, 0.4))
        text = (*self.id, ("gen_ai_token_modality", "text"))
        self.on.usage.observe((*self.id, ("gen_ai_token_type", "input")), prompt)
        self.on.usage.observe((*self.id, ("gen_ai_token_type", "output")), answer)
        self.on.input.add(text, prompt)
        self.on.output.add(text, answer)
        self.on.cached.add(text, cached)
        return answer

    def _agent(self, call_s: float) -> None:
        """One task in three calls; every call uses a tool or ends the task."""
        if self.world.happens(1 / 3):
            self.on.agent.observe(_agent(), 3 * call_s)
            return
        tool = self.world.chance.choices(list(TOOLS), list(TOOLS.values()))[0]
        self.on.tool.observe(
            labels(gen_ai_tool_name=tool, gen_ai_operation_name="execute_tool"),
            self.world.spread(0.15, 0.5),
        )


def _usage(name: str, text: str) -> Value:
    return Value(name=f"gen_ai_client_inference_usage_{name}", help=text)


def _agent() -> Labels:
    return labels(gen_ai_agent_name="agent", gen_ai_operation_name="invoke_agent")
