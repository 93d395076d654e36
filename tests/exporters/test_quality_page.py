import subprocess
from pathlib import Path
from typing import Any

import pytest

from exporters.base.rendering import render
from exporters.quality import EXPORTER
from exporters.quality.page import Counted
from modelwatch.catalogue import quality
from modelwatch.catalogue.exporters import EXPORTER_OVERFLOW_TOTAL
from modelwatch.catalogue.metric import Metric
from tests.exporters.quality_ledgers import CHAT, NOW, Books, declared, score
from tests.exporters.reference import read_openmetrics, text_page


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path)


def test_scores_of_the_inventory_are_at_zero_before_the_first_event(books: Books) -> None:
    assert books.samples(quality.QUALITY_JUDGEMENTS_TOTAL) == {
        (name, verdict, "v1"): 0
        for name in ("groundedness", "toxicity", "stars")
        for verdict in ("good", "bad")
    }
    assert books.samples(quality.QUALITY_LAST_EVALUATION) == {}
    assert books.samples(quality.QUALITY_SCORE) == {}
    assert books.samples(quality.ANSWER_FLAGS_TOTAL) == {}
    assert books.all_samples(quality.QUALITY_STATE_WRITABLE) == {(): 1}
    assert books.all_samples(EXPORTER_OVERFLOW_TOTAL)["quality", "version"] == 0


@pytest.mark.parametrize(
    ("event", "verdict"),
    [
        (score(0.7), "good"),
        (score(0.69), "bad"),
        (score(0.2, score="toxicity"), "good"),
        (score(0.21, score="toxicity"), "bad"),
        (score(0.1, verdict="good"), "good"),
        (score(1, verdict="bad"), "bad"),
    ],
    ids=["at the limit", "under it", "at the upper limit", "over it", "says so", "says so, bad"],
)
def test_the_inventory_says_what_is_good_unless_the_event_does(
    event: dict[str, Any], verdict: str, books: Books
) -> None:
    books.receipt(event)
    judged = books.samples(quality.QUALITY_JUDGEMENTS_TOTAL)
    assert judged[event["score"], verdict, "v1"] == 1
    assert sum(judged.values()) == 1


def test_a_distribution_is_of_places_in_the_declared_range(books: Books) -> None:
    books.receipt([score(value, score="stars") for value in (1, 2, 3, 5)])
    found = books.distribution(quality.QUALITY_DISTRIBUTION, "stars", "v1")
    assert found.sum == 0 + 0.25 + 0.5 + 1
    assert list(found.counts) == [1, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0]
    assert books.samples(quality.QUALITY_SCORE)["stars", "v1"] == 2.75


def test_who_judged_and_how_many_answers_is_told(books: Books) -> None:
    books.receipt(score(evaluator="judge", evaluator_version="3", sampled=0.05))
    assert books.samples(quality.QUALITY_EVALUATOR_INFO) == {("groundedness", "judge", "3"): 1}
    assert books.samples(quality.QUALITY_SAMPLING)["groundedness", "v1"] == 0.05
    books.clock.now += 3700
    books.receipt(score(evaluator="judge", evaluator_version="4"))
    assert books.samples(quality.QUALITY_EVALUATOR_INFO) == {("groundedness", "judge", "4"): 1}


@pytest.mark.parametrize(
    ("event", "metric", "expected"),
    [
        ({"kind": "flag", "flag": "refusal"}, quality.ANSWER_FLAGS_TOTAL, {("refusal", "v1"): 1}),
        (
            {"kind": "guardrail", "guardrail": "pii", "action": "blocked"},
            quality.GUARDRAIL_EVENTS_TOTAL,
            {("pii", "blocked", "v1"): 1},
        ),
        (
            {"kind": "guardrail", "guardrail": "pii", "action": "blocked"},
            quality.ANSWER_FLAGS_TOTAL,
            {("guardrail", "v1"): 1},
        ),
        (
            {"kind": "guardrail", "guardrail": "pii", "action": "passed"},
            quality.ANSWER_FLAGS_TOTAL,
            {},
        ),
        (
            {"kind": "format", "valid": False},
            quality.FORMAT_CHECKS_TOTAL,
            {("invalid", "v1"): 1, ("valid", "v1"): 0},
        ),
        (
            {"kind": "feedback", "vote": "up", "version": "v2"},
            quality.FEEDBACK_TOTAL,
            {("up", "v2"): 1, ("down", "v2"): 0},
        ),
        (
            {"kind": "retrieval", "hits": 0},
            quality.RETRIEVAL_QUERIES_TOTAL,
            {("empty",): 1, ("hit",): 0},
        ),
        (
            {"kind": "tool_call", "tool": "search", "outcome": "timeout"},
            quality.TOOL_CALLS_TOTAL,
            {("search", "timeout"): 1},
        ),
        ({"kind": "agent_run", "steps": 5}, quality.AGENT_STEPS_TOTAL, {(): 5}),
        ({"kind": "agent_run", "steps": 5}, quality.AGENT_RUNS_TOTAL, {(): 1}),
    ],
    ids=str,
)
def test_an_event_raises_its_counter(
    event: dict[str, Any], metric: Metric, expected: dict[tuple[str, ...], float], books: Books
) -> None:
    books.receipt({"model": "chat", **event})
    books.settle()
    assert books.samples(metric) == expected


@pytest.mark.parametrize(
    ("event", "metric", "total", "bucket"),
    [
        ({"kind": "feedback", "rating": 4, "best": 5}, quality.FEEDBACK_RATING, 0.75, 3),
        ({"kind": "feedback", "rating": 0.2}, quality.FEEDBACK_RATING, 0.2, 1),
        ({"kind": "feedback", "text_length": 140}, quality.FEEDBACK_TEXT, 140, 3),
        ({"kind": "retrieval", "hits": 4}, quality.RETRIEVAL_DOCUMENTS, 4, 3),
        (
            {"kind": "retrieval", "hits": 4, "reciprocal_rank": 0.5},
            quality.RETRIEVAL_RECIPROCAL_RANK,
            0.5,
            5,
        ),
        (
            {"kind": "retrieval", "hits": 4, "top_score": 0.82},
            quality.RETRIEVAL_TOP_SCORE,
            0.82,
            16,
        ),
        (
            {"kind": "retrieval", "hits": 4, "reranker_score": -3},
            quality.RERANKER_SCORE,
            -3,
            0,
        ),
        (
            {"kind": "retrieval", "hits": 4, "duration": 99},
            quality.RETRIEVAL_DURATION,
            99,
            11,
        ),
    ],
    ids=str,
)
def test_an_event_is_observed_by_its_histogram(
    event: dict[str, Any], metric: Metric, total: float, bucket: int, books: Books
) -> None:
    books.receipt({"model": "chat", **event})
    labels = ("v1",) if "version" in metric.labels else ()
    assert sum(books.distribution(metric, *labels).counts) == 0, "new: zero for some scrapes"
    books.settle()
    found = books.distribution(metric, *labels)
    assert found.sum == total
    assert found.counts[bucket] == sum(found.counts) == 1


@pytest.mark.parametrize(
    ("settings", "new_for_s"),
    [
        ("", 75),
        ("settings: {scrape_interval: 60s}", 300),
        ("settings: {time_compression: 20}", 3.75),
    ],
    ids=["usual", "slow", "compressed"],
)
def test_the_first_events_of_a_new_series_are_a_rise_for_whoever_scrapes(
    settings: str, new_for_s: float, tmp_path: Path
) -> None:
    books = Books(tmp_path, declared(f"{CHAT}{settings}\n"))
    books.receipt([score(version="new")] * 500)
    good = "groundedness", "good", "new"
    assert books.samples(quality.QUALITY_JUDGEMENTS_TOTAL)[good] == 0
    assert books.samples(quality.QUALITY_SCORE)["groundedness", "new"] == pytest.approx(0.9)
    books.clock.now += new_for_s - 1
    assert books.samples(quality.QUALITY_JUDGEMENTS_TOTAL)[good] == 0
    books.clock.now += 2
    assert books.samples(quality.QUALITY_JUDGEMENTS_TOTAL)[good] == 500


def test_what_leaves_the_inventory_leaves_the_page(books: Books) -> None:
    books.receipt(
        [score(), score(score="toxicity"), {"model": "chat", "kind": "flag", "flag": "refusal"}]
    )
    books.ledger.declare(declared(CHAT.replace("      toxicity:", "      harm:")))
    names = {name for name, *_ in books.samples(quality.QUALITY_JUDGEMENTS_TOTAL)}
    assert names == {"groundedness", "harm", "stars"}
    assert books.samples(quality.QUALITY_SAMPLES) == {("groundedness", "v1"): 1}
    books.ledger.declare(declared(CHAT.replace("- name: chat", "- name: talk")))
    assert not {model for model, *_ in books.all_samples(quality.ANSWER_FLAGS_TOTAL)}
    assert books.reasons(score()) == ["unknown_model"]


def everything(books: Books) -> None:
    books.receipt(
        [
            score(trace_id="4bf92f3577b34da6", evaluator='a "judge"', sampled=0.1),
            {"model": "chat", "kind": "flag", "flag": "refusal"},
            {"model": "chat", "kind": "guardrail", "guardrail": "pii", "action": "blocked"},
            {"model": "chat", "kind": "format", "valid": True},
            {
                "model": "chat",
                "kind": "retrieval",
                "hits": 4,
                "top_score": 0.8,
                "reranker_score": 0.9,
                "reciprocal_rank": 1,
                "duration": 0.1,
            },
            {"model": "chat", "kind": "tool_call", "tool": "search", "outcome": "success"},
            {"model": "chat", "kind": "agent_run", "steps": 5},
            {"model": "chat", "kind": "feedback", "vote": "up", "rating": 1, "text_length": 9},
            score(9),
        ]
    )
    books.settle()


def test_the_page_holds_every_metric_that_is_promised_and_no_other(books: Books) -> None:
    everything(books)
    families = list(Counted(books.ledger).collect())
    shown = {family.metric for family in families if family.samples}
    assert shown - {EXPORTER_OVERFLOW_TOTAL} == set(EXPORTER.metrics)


@pytest.mark.real
def test_promtool_has_nothing_to_say_about_the_page(books: Books, promtool: Path) -> None:
    everything(books)
    page = render(list(Counted(books.ledger).collect()), openmetrics=False)
    assert page == text_page(list(Counted(books.ledger).collect()))
    done = subprocess.run(
        [promtool, "check", "metrics"], input=page, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_trace_is_an_exemplar_of_its_bucket(books: Books) -> None:
    everything(books)
    page = render(list(Counted(books.ledger).collect()), openmetrics=True)
    (family,) = (
        one for one in read_openmetrics(page) if one.name == quality.QUALITY_DISTRIBUTION.name
    )
    (sample,) = (one for one in family.samples if one.exemplar)
    assert sample.labels["le"] == "0.9"
    assert sample.exemplar is not None
    assert sample.exemplar.labels == {"trace_id": "4bf92f3577b34da6"}
    assert (sample.exemplar.value, float(sample.exemplar.timestamp or 0)) == (0.9, NOW)
