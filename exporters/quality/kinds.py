"""What each kind of event but a score adds to which metric."""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from exporters.quality.declared import MOST_CHARACTERS
from exporters.quality.events import (
    FLAGS,
    GUARDRAIL_ACTIONS,
    TOOL_OUTCOMES,
    VOTES,
    AgentRun,
    Event,
    Feedback,
    Flag,
    FormatCheck,
    Guardrail,
    Refused,
    Retrieval,
    ToolCall,
)
from modelwatch.catalogue import quality
from modelwatch.catalogue.metric import Metric

MOST_STEPS = 100_000
MOST_HITS = 1_000_000
MOST_RAW_SCORE = 1e6
MOST_DURATION_S = 86_400.0
MOST_TEXT = 10_000_000
MOST_STARS = 100
"""Beyond these a number is a mistake, which a sum would never get rid of."""

Added = tuple[Metric, tuple[str, ...], float]
"""A metric, its label values after model and environment, and what a counter rises by or a
histogram observes."""

Named = Callable[[str, str], str]
"""The value under which a name is counted, by label and name."""


def added(event: Event, version: str, named: Named) -> list[Added]:
    """What the event adds.

    Raises:
        Refused: it cannot be counted.
    """
    return list(_ADDED[type(event)](event, version, named))


def _flag(event: Flag, version: str, _named: Named) -> Iterator[Added]:
    one_of("flag", event.flag, FLAGS)
    yield quality.ANSWER_FLAGS_TOTAL, (event.flag, version), 1


def _guardrail(event: Guardrail, version: str, named: Named) -> Iterator[Added]:
    one_of("action", event.action, GUARDRAIL_ACTIONS)
    labels = (named("guardrail", event.guardrail), event.action, version)
    yield quality.GUARDRAIL_EVENTS_TOTAL, labels, 1
    if event.action == "blocked":
        yield quality.ANSWER_FLAGS_TOTAL, ("guardrail", version), 1


def _format(event: FormatCheck, version: str, _named: Named) -> Iterator[Added]:
    result = "valid" if event.valid else "invalid"
    for known in ("valid", "invalid"):
        yield quality.FORMAT_CHECKS_TOTAL, (known, version), float(known == result)


def _feedback(event: Feedback, version: str, _named: Named) -> Iterator[Added]:
    if not event.vote and event.rating is None and event.text_length is None:
        raise Refused("missing_field", "one of `vote`, `rating` and `text_length` is needed")
    if event.vote:
        one_of("vote", event.vote, VOTES)
        for vote in VOTES:
            yield quality.FEEDBACK_TOTAL, (vote, version), float(vote == event.vote)
    if event.rating is not None:
        yield quality.FEEDBACK_RATING, (version,), _rating(event.rating, event.best)
    if event.text_length is not None:
        within("text_length", event.text_length, 0, MOST_TEXT)
        yield quality.FEEDBACK_TEXT, (version,), event.text_length


def _rating(rating: float, best: int | None) -> float:
    if best is None:
        within("rating", rating, 0, 1)
        return rating
    within("best", best, 2, MOST_STARS)
    within("rating", rating, 1, best)
    return (rating - 1) / (best - 1)


def _retrieval(event: Retrieval, _version: str, _named: Named) -> Iterator[Added]:
    within("hits", event.hits, 0, MOST_HITS)
    result = "hit" if event.hits else "empty"
    for known in ("hit", "empty"):
        yield quality.RETRIEVAL_QUERIES_TOTAL, (known,), float(known == result)
    yield quality.RETRIEVAL_DOCUMENTS, (), event.hits
    if event.reciprocal_rank is not None:
        within("reciprocal_rank", event.reciprocal_rank, 0, 1)
        yield quality.RETRIEVAL_RECIPROCAL_RANK, (), event.reciprocal_rank
    for metric, key, score in (
        (quality.RETRIEVAL_TOP_SCORE, "top_score", event.top_score),
        (quality.RERANKER_SCORE, "reranker_score", event.reranker_score),
    ):
        if score is not None:
            within(key, score, -MOST_RAW_SCORE, MOST_RAW_SCORE)
            yield metric, (), score
    if event.duration_s is not None:
        within("duration", event.duration_s, 0, MOST_DURATION_S)
        yield quality.RETRIEVAL_DURATION, (), event.duration_s


def _tool_call(event: ToolCall, _version: str, named: Named) -> Iterator[Added]:
    one_of("outcome", event.outcome, TOOL_OUTCOMES)
    tool = named("tool", event.tool) if event.tool else ""
    yield quality.TOOL_CALLS_TOTAL, (tool, event.outcome), 1


def _agent_run(event: AgentRun, _version: str, _named: Named) -> Iterator[Added]:
    within("steps", event.steps, 0, MOST_STEPS)
    yield quality.AGENT_RUNS_TOTAL, (), 1
    yield quality.AGENT_STEPS_TOTAL, (), event.steps


_ADDED: dict[type[Event], Callable[[Any, str, Named], Iterator[Added]]] = {
    Flag: _flag,
    Guardrail: _guardrail,
    FormatCheck: _format,
    Feedback: _feedback,
    Retrieval: _retrieval,
    ToolCall: _tool_call,
    AgentRun: _agent_run,
}


# Checks.


def within(key: str, number: float, low: float, high: float) -> None:
    """Raises `Refused` unless the number is in the range."""
    if low <= number <= high:
        return
    if not math.isfinite(number):
        raise Refused("not_a_number", f"`{key}` is not a number")
    raise Refused("out_of_range", f"`{key}` is {number:g}, not from {low:g} to {high:g}")


def one_of(key: str, word: str, words: Iterable[str]) -> None:
    """Raises `Refused` unless it is one of the words."""
    if word not in words:
        raise Refused("unknown_value", f"`{key}` is one of {', '.join(words)}")


def printable(key: str, text: str) -> None:
    """Raises `Refused` for a text that is too long for a label, or cannot be printed."""
    if len(text) > MOST_CHARACTERS or not text.isprintable():
        raise Refused("bad_text", f"`{key}` has up to {MOST_CHARACTERS} printable characters")
