"""What can be told about an answer, and how it is written as JSON.

Every event names a model. Its environment is needed only where the model has several; its time
(seconds since 1970, or RFC 3339 with a zone) is that of arrival when left out. With an `id` it is
counted once, however often it is sent; the id need be unique only among events of one kind, model,
environment and score. Without one it is counted each time it arrives. Fields that are not named
here are ignored and not kept, so that prompts and answers go no further. See `json_events.py`.

    {"model": "chat", "score": "groundedness", "value": 0.83}
    {"model": "chat", "kind": "flag", "flag": "refusal"}
    {"model": "chat", "kind": "guardrail", "guardrail": "pii", "action": "blocked"}
    {"model": "chat", "kind": "format", "valid": true}
    {"model": "chat", "kind": "retrieval", "hits": 4, "top_score": 0.82, "duration": 0.12}
    {"model": "chat", "kind": "tool_call", "tool": "search", "outcome": "success"}
    {"model": "chat", "kind": "agent_run", "steps": 5}
    {"model": "chat", "kind": "feedback", "vote": "down", "rating": 2, "best": 5}
"""

from dataclasses import dataclass

from exporters.base.receipts import Refused
from modelwatch.catalogue import FLAGS
from modelwatch.catalogue.quality import GUARDRAIL_ACTIONS, TOOL_OUTCOMES

VERDICTS = ("good", "bad")
VOTES = ("up", "down")

REASONS = (
    "malformed",  # no JSON, or no UTF-8
    "wrong_type",  # text where a number belongs, a list where an object does
    "missing_field",
    "not_a_number",  # NaN or infinity
    "out_of_range",  # a score outside its declared range, a share above 1
    "unknown_kind",
    "unknown_value",  # a flag, verdict, vote or outcome that there is none of
    "unknown_model",
    "unknown_environment",  # or none named where the model has several
    "unknown_score",
    "bad_text",  # a name that is too long or cannot be printed
    "too_old",
    "in_the_future",
)
"""Why an event is refused: the values of the label `reason`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One answer got a named score, in the range that the inventory declares for it.

    Without a `verdict` (good or bad) the declared limit decides. `sampled` is the share of answers
    that the evaluator looks at. The trace becomes an exemplar.
    """

    model: str
    environment: str = ""
    score: str
    value: float
    version: str = ""
    verdict: str = ""
    evaluator: str = ""
    evaluator_version: str = ""
    sampled: float | None = None
    trace_id: str = ""
    time_s: float | None = None
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """One answer was flagged: `flag` is one of the catalogue's `FLAGS`."""

    model: str
    environment: str = ""
    flag: str
    version: str = ""
    time_s: float | None = None
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardrail:
    """A guardrail did something; what it blocks is flagged as well, so do not send both."""

    model: str
    environment: str = ""
    guardrail: str
    action: str
    version: str = ""
    time_s: float | None = None
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatCheck:
    """An answer has the form that was asked for, such as JSON of a schema, or has not."""

    model: str
    environment: str = ""
    valid: bool
    version: str = ""
    time_s: float | None = None
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieval:
    """One search for documents that found `hits` of them.

    `reciprocal_rank` is 1 over the position of the first document that fits, 0 when none does.
    Scores are the best ones, of similarity and of the reranker.
    """

    model: str
    environment: str = ""
    hits: int
    reciprocal_rank: float | None = None
    top_score: float | None = None
    reranker_score: float | None = None
    duration_s: float | None = None
    time_s: float | None = None
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """An agent called a tool; `outcome` is one of the catalogue's `TOOL_OUTCOMES`."""

    model: str
    environment: str = ""
    tool: str = ""
    outcome: str
    time_s: float | None = None
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRun:
    """An agent finished a task in so many steps."""

    model: str
    environment: str = ""
    steps: int
    time_s: float | None = None
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """A user said something: a vote (up or down), a rating, a text, or several of these.

    `rating` is from 0 (worst) to 1, or from 1 to `best` where that is given (5 for five stars). Of
    a text only its length in characters is known.
    """

    model: str
    environment: str = ""
    vote: str = ""
    rating: float | None = None
    best: int | None = None
    text_length: int | None = None
    version: str = ""
    time_s: float | None = None
    id: str = ""


Event = Score | Flag | Guardrail | FormatCheck | Retrieval | ToolCall | AgentRun | Feedback

__all__ = [
    "FLAGS",
    "GUARDRAIL_ACTIONS",
    "REASONS",
    "TOOL_OUTCOMES",
    "VERDICTS",
    "VOTES",
    "AgentRun",
    "Event",
    "Feedback",
    "Flag",
    "FormatCheck",
    "Guardrail",
    "Refused",
    "Retrieval",
    "Score",
    "ToolCall",
]
