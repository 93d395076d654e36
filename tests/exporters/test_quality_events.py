import json
import math
from pathlib import Path
from typing import Any

import pytest

from exporters.quality.events import REASONS, Event, Feedback, Refused, Retrieval, Score
from exporters.quality.json_events import KINDS, from_json
from modelwatch.catalogue import quality
from tests.exporters.quality_ledgers import CHAT, NOW, Books, declared, score


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path)


EXAMPLES: list[dict[str, Any]] = [
    {"model": "chat", "score": "groundedness", "value": 0.83},
    {"model": "chat", "kind": "flag", "flag": "refusal"},
    {"model": "chat", "kind": "guardrail", "guardrail": "pii", "action": "blocked"},
    {"model": "chat", "kind": "format", "valid": True},
    {"model": "chat", "kind": "retrieval", "hits": 4, "top_score": 0.82, "duration": 0.12},
    {"model": "chat", "kind": "tool_call", "tool": "search", "outcome": "success"},
    {"model": "chat", "kind": "agent_run", "steps": 5},
    {"model": "chat", "kind": "feedback", "vote": "down", "rating": 2, "best": 5},
]


def test_there_is_an_example_of_every_kind_and_the_docstring_has_it() -> None:
    from exporters.quality import events

    assert {example.get("kind", "score") for example in EXAMPLES} == set(KINDS)
    for example in EXAMPLES:
        assert f"    {json.dumps(example)}\n" in str(events.__doc__)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: str(one.get("kind", "score")))
def test_an_example_is_read_and_counted(example: dict[str, Any], books: Books) -> None:
    event = from_json(example)
    assert isinstance(event, KINDS[example.get("kind", "score")])
    assert books.receipt(example) == {
        "accepted": 1,
        "duplicates": 0,
        "rejected": 0,
        "reasons": [],
    }


@pytest.mark.parametrize(
    ("found", "event"),
    [
        (
            score(1, time="2027-01-31T12:00:00Z", id=17, evaluator=None, prompt="never kept"),
            Score(model="chat", score="groundedness", value=1.0, time_s=1801396800.0, id="17"),
        ),
        (
            score(0.5, time=NOW, environment="production", version="2", trace_id="ab", sampled=1),
            Score(
                model="chat",
                environment="production",
                score="groundedness",
                value=0.5,
                version="2",
                time_s=NOW,
                trace_id="ab",
                sampled=1.0,
            ),
        ),
        (
            {"kind": "retrieval", "model": "m", "hits": 2.0, "duration": 1, "text": "kept out"},
            Retrieval(model="m", hits=2, duration_s=1.0),
        ),
        (
            {"kind": "feedback", "model": "m", "text_length": 140},
            Feedback(model="m", text_length=140),
        ),
    ],
    ids=["whole numbers and a written time", "all fields", "another kind", "length of a text"],
)
def test_json_becomes_an_event(found: object, event: Event) -> None:
    assert from_json(found) == event


@pytest.mark.parametrize(
    ("found", "reason", "words"),
    [
        ([], "wrong_type", "an event is an object"),
        (None, "wrong_type", "an event is an object"),
        ({}, "missing_field", "`model` is missing"),
        ({"model": "chat", "score": "groundedness"}, "missing_field", "`value` is missing"),
        (score(None), "missing_field", "`value` is missing"),
        (score("0.8"), "wrong_type", "`value` is a number"),
        (score(True), "wrong_type", "`value` is a number"),
        (score(10**400), "out_of_range", "`value` is too large"),
        (score(model=["chat"]), "wrong_type", "`model` is text"),
        (score(id=1.5), "wrong_type", "`id` is text or a whole number"),
        (score(time="yesterday"), "wrong_type", "`time` is in seconds since 1970"),
        (score(time="2027-01-31T12:00:00"), "wrong_type", "with a zone"),
        (score(time=True), "wrong_type", "`time` is in seconds"),
        (score(kind="opinion"), "unknown_kind", "`kind` is one of score, flag"),
        (score(kind=["score"]), "unknown_kind", "`kind` is one of"),
        ({"kind": "format", "model": "m", "valid": 1}, "wrong_type", "`valid` is true or false"),
        ({"kind": "retrieval", "model": "m", "hits": 1.5}, "wrong_type", "`hits` is a whole"),
    ],
    ids=str,
)
def test_json_that_is_no_event_is_refused_with_the_reason(
    found: object, reason: str, words: str
) -> None:
    with pytest.raises(Refused, match=words.replace("(", r"\(")) as told:
        from_json(found)
    assert told.value.reason == reason


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (score(model="chatt"), "unknown_model"),
        (score(environment="staging"), "unknown_environment"),
        ({**score(), "model": "search"}, "unknown_environment"),
        (score(score="grounded"), "unknown_score"),
        (score(1.01), "out_of_range"),
        (score(-0.01), "out_of_range"),
        (score(math.nan), "not_a_number"),
        (score(math.inf), "not_a_number"),
        (score(verdict="fine"), "unknown_value"),
        (score(sampled=1.5), "out_of_range"),
        (score(time=NOW + 301), "in_the_future"),
        (score(time=NOW - 8 * 86400), "too_old"),
        (score(time=math.nan), "not_a_number"),
        (score(time=-1), "out_of_range"),
        (score(version="v" * 101), "bad_text"),
        (score(version="a\nb"), "bad_text"),
        (score(version="\ud800"), "bad_text"),
        (score(evaluator="e" * 101), "bad_text"),
        (score(trace_id="t\x00"), "bad_text"),
        (score(id="i" * 201), "bad_text"),
        (score(id="\ud800"), "bad_text"),
        ({"kind": "flag", "model": "chat", "flag": "boring"}, "unknown_value"),
        ({"kind": "guardrail", "model": "chat", "guardrail": "x", "action": "no"}, "unknown_value"),
        ({"kind": "tool_call", "model": "chat", "outcome": "fine"}, "unknown_value"),
        ({"kind": "feedback", "model": "chat"}, "missing_field"),
        ({"kind": "feedback", "model": "chat", "vote": "sideways"}, "unknown_value"),
        ({"kind": "feedback", "model": "chat", "rating": 4}, "out_of_range"),
        ({"kind": "feedback", "model": "chat", "rating": 6, "best": 5}, "out_of_range"),
        ({"kind": "feedback", "model": "chat", "rating": 1, "best": 1}, "out_of_range"),
        ({"kind": "feedback", "model": "chat", "text_length": -1}, "out_of_range"),
        ({"kind": "retrieval", "model": "chat", "hits": -1}, "out_of_range"),
        ({"kind": "retrieval", "model": "chat", "hits": 1, "reciprocal_rank": 2}, "out_of_range"),
        ({"kind": "retrieval", "model": "chat", "hits": 1, "top_score": 1e300}, "out_of_range"),
        ({"kind": "retrieval", "model": "chat", "hits": 1, "duration": math.nan}, "not_a_number"),
        ({"kind": "agent_run", "model": "chat", "steps": 10**6}, "out_of_range"),
    ],
    ids=str,
)
def test_an_event_that_cannot_be_true_is_refused_and_counted(
    found: dict[str, Any], reason: str, books: Books
) -> None:
    assert books.reasons(found) == [reason]
    books.settle()
    nobody = reason in {"unknown_model", "unknown_environment"}
    owner = ("other", "other") if nobody else ("chat", "production")
    assert books.all_samples(quality.QUALITY_REJECTED_TOTAL)[(*owner, reason)] == 1
    assert books.all_samples(quality.QUALITY_REJECTED_TOTAL)[("other", "other", "malformed")] == 0
    assert not any(one.counts[-1] for one in books.samples(quality.QUALITY_DISTRIBUTION).values())


def test_reasons_on_the_page_are_those_that_are_documented(books: Books) -> None:
    rows = books.all_samples(quality.QUALITY_REJECTED_TOTAL)
    assert {reason for *_, reason in rows} == set(REASONS)


def test_a_model_of_several_environments_is_found_when_one_is_named(books: Books) -> None:
    event = {"model": "search", "kind": "flag", "flag": "refusal"}
    assert books.reasons(event) == ["unknown_environment"]
    assert books.receipt({**event, "environment": "staging"})["accepted"] == 1
    books.settle()
    flags = books.all_samples(quality.ANSWER_FLAGS_TOTAL)
    assert flags == {("search", "staging", "refusal", ""): 1}


def test_an_unknown_score_is_told_which_there_are(books: Books) -> None:
    told = books.receipt(score(score="grounded"))["reasons"]
    assert told == [
        {
            "line": 1,
            "reason": "unknown_score",
            "message": "'chat' has no score 'grounded'; it has: groundedness, toxicity, stars",
        }
    ]


def test_time_compression_shortens_what_an_evaluation_is() -> None:
    fast = declared(f"settings: {{time_compression: 60}}\n{CHAT}")
    assert fast.scale(fast.target("chat", ""), "groundedness").every_s == 60
