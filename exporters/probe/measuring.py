"""One synthetic request: what became of it, how long each part took, what was answered.

Times run from the first step, the name lookup, to the last byte; so does the time to first token,
which the first piece of text ends, or of reasoning, not a message that only names a role.
"""

import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from exporters.probe import answers
from exporters.probe.attempt import Attempt
from exporters.probe.connection import PHASES, Call, Course
from exporters.probe.protocol import Api
from modelwatch import __version__, discovery
from modelwatch.inventory import Probe, Prompt

OUTCOMES = (
    "success",
    "rate_limited",  # 429
    "client_error",  # 4xx, a redirect (none is followed), a request that cannot be made
    "server_error",  # 5xx, or an error inside an answer that began with 200
    "timeout",  # not all of it within the probe's timeout
    "connect_error",  # no connection, or it ended before an answer began
    "tls_error",  # the certificate or the handshake
    "dns_error",  # the name is unknown
    "bad_answer",  # cut short, too large, of the wrong type, or not what the protocol says
)
__all__ = ["OUTCOMES", "PHASES", "Measured", "measure"]

APIS: Mapping[str, Api] = discovery.constants_named("exporters.probe.apis", "API")

_given_up: dict[tuple[str, str, str], frozenset[str]] = {}
"""Optional fields that a server (protocol, address, model) refused, until it refuses again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one request showed. A phase that was not finished is not in `phases_s`.

    `tokens` are what the server reported, by kind, of which none contains another. `answer` is
    what arrived, also of an answer that ended early; it is for judging, never for showing.
    `correct` is None where nothing is expected or the request did not succeed. `gaps_s` are
    between events with text of a stream.
    """

    outcome: str
    duration_s: float
    time_to_first_token_s: float | None = None
    gaps_s: tuple[float, ...] = ()
    phases_s: Mapping[str, float] = field(default_factory=dict)
    tokens: Mapping[str, int] = field(default_factory=dict)
    served: str = ""
    answer: str = field(default="", repr=False)
    correct: bool | None = None
    retry_after_s: float | None = None
    certificate_expires_s: float | None = None
    trace_id: str = ""


def measure(
    probe: Probe, prompt: Prompt, *, key: str, clock: Callable[[], float] = time.monotonic
) -> Measured:
    """Send the prompt once and time it; whatever the server does becomes an outcome.

    A request that is refused for a field that not every server takes is sent again without it, and
    only the last attempt is timed; the timeout covers all of them. The key goes into a header of
    the request and nowhere else.
    """
    api = APIS[probe.api]
    server = (probe.api, probe.url, probe.asks_for)
    without = _given_up.get(server, frozenset())
    ends = clock() + float(probe.timeout.value)
    while True:
        attempt = Attempt(began_s=clock(), course=Course(clock=clock, ends=ends))
        call = _call(api, probe, prompt, key=key, trace_id=attempt.trace_id, without=without)
        attempt.make(api, probe, call)
        refused = attempt.refused & api.optional.keys() - without
        if not refused:
            break
        without |= refused
    if attempt.outcome == "success" and without:
        _given_up[server] = without
    elif attempt.outcome == "client_error":
        _given_up.pop(server, None)  # perhaps another server is there now
    return _measured(attempt, prompt)


def _measured(attempt: Attempt, prompt: Prompt) -> Measured:
    course = attempt.course
    duration_s = course.clock() - attempt.began_s
    said_at_s = attempt.said_at_s
    answer = "".join(attempt.pieces)
    judged = attempt.outcome == "success" and prompt.expect
    return Measured(
        outcome=attempt.outcome,
        duration_s=duration_s,
        time_to_first_token_s=said_at_s[0] - attempt.began_s if said_at_s else None,
        gaps_s=tuple(later - earlier for earlier, later in pairwise(said_at_s)),
        phases_s=dict(course.phases_s),
        tokens=dict(attempt.tokens),
        served=attempt.served,
        answer=answer,
        correct=answers.correct(judged, answer) if judged else None,
        retry_after_s=attempt.retry_after_s,
        certificate_expires_s=course.certificate_expires_s,
        trace_id=attempt.trace_id,
    )


def _call(
    api: Api, probe: Probe, prompt: Prompt, *, key: str, trace_id: str, without: frozenset[str]
) -> Call:
    body = api.body(probe, prompt)
    if isinstance(body, dict):
        for name in without & body.keys():
            value = body.pop(name)
            if api.optional[name]:
                body[api.optional[name]] = value
        body = json.dumps(body)
    content = {"content-type": "application/json"} if body else {}
    return Call(
        method="POST" if body else "GET",
        url=api.url(probe),
        headers={
            "user-agent": f"modelwatch-probe/{__version__}",
            "accept": "text/event-stream" if probe.stream and api.event else "application/json",
            **content,
            **api.headers,
            **{name.lower(): value for name, value in probe.headers.items()},
            "accept-encoding": "identity",
            "traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01",
            **(api.authorization(key.strip()) if key.strip() else {}),
        },
        body=body.encode(),
        ca_file=probe.ca_file,
    )
