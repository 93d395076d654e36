import csv
import io
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from exporters.base.exporter import Request
from exporters.quality.events import Feedback, FormatCheck, Refused, Score
from exporters.quality.results import Told, formats, items, snake
from exporters.quality.results_doors import PATH, results_doors
from modelwatch.catalogue import quality
from tests.exporters.quality_ledgers import Books
from tests.exporters.result_files import (
    CAPTURES,
    CHAT,
    FOLDER,
    LIBRARIES,
    TAKEN,
    books,
    format_of,
    found,
    read,
)


def scores(path: Path) -> dict[str, list[float]]:
    values: defaultdict[str, list[float]] = defaultdict(list)
    for _, event in found(path):
        if isinstance(event, Score):
            values[event.score].append(round(event.value, 4))
    return dict(values)


RAGAS = {
    "faithfulness": [1],
    "exact_match": [1, 0],
    "rouge_score_mode_fmeasure": [1, 0.6],
    "bleu_score": [0, 0.1134],
    "non_llm_context_precision_with_reference": [1, 0.5],
    "non_llm_context_recall": [1, 1],
}
RAGAS_EXPERIMENT = {"exact_match": [1, 0], "verdict": [1, 1]}
TRULENS = {"answer_relevance": [0.3333, 0], "groundedness": [1, 1]}
CHECKED = {"data_quality": [1, 0, 1, 0]}
PROMPTFOO = {
    "correctness": [1, 0],
    "answer_relevancy": [0.75, 0.25],
    "not_contains": [1],
    "form": [1],
}
EXPECTED = {
    "deepeval-4.3.1.json": {
        "faithfulness": [1, 0.3333],
        "exact_match": [1, 0, 0],
        "hallucination": [1, 0, 0],
    },
    "evidently-0.7.23-answers.json": {
        "answer_length": [11],
        "faithfulness": [0.5],
        "refusal": [0.3333],
        "missing_value_share_answer_length": [0],
        "missing_value_share_faithfulness": [0],
        "missing_value_share_refusal": [0],
        "data_quality": [1],
    },
    "evidently-0.7.23-classifier.json": {
        "accuracy": [0.6],
        "precision": [0.6667],
        "recall": [0.6667],
        "f1_score": [0.6667],
        "tpr": [0.6667],
        "tnr": [0.5],
        "fpr": [0.5],
        "fnr": [0.3333],
    },
    "evidently-0.7.23-drift.json": {"drifted_columns_share": [0]},
    "evidently-0.7.23-rows.csv": {
        "answer_length": [5, 14, 14],
        "refusal": [0, 0, 1],
        "faithfulness": [1, 0.25, 0.25],
    },
    "evidently-0.7.23-table.json": {
        "dataset_missing_value_share": [0.4],
        "duplicated_row_count": [1],
        "missing_value_share_age": [0.2],
        "data_quality": [0],
    },
    "great_expectations-1.24.1-checkpoint-described.json": CHECKED,
    "great_expectations-1.24.1-checkpoint.json": CHECKED,
    "great_expectations-1.24.1-stored.json": CHECKED,
    "great_expectations-1.24.1-validation-described.json": CHECKED,
    "great_expectations-1.24.1-validation.json": CHECKED,
    "promptfoo-0.123.1.json": PROMPTFOO,
    "promptfoo-0.123.1.jsonl": PROMPTFOO,
    "ragas-0.4.3-columns.json": RAGAS,
    "ragas-0.4.3-experiment.csv": RAGAS_EXPERIMENT,
    "ragas-0.4.3-experiment.jsonl": RAGAS_EXPERIMENT,
    "ragas-0.4.3-with-index.csv": RAGAS,
    "ragas-0.4.3.csv": RAGAS,
    "ragas-0.4.3.json": RAGAS,
    "ragas-0.4.3.jsonl": RAGAS,
    "trulens-2.16.0-columns.json": TRULENS,
    "trulens-2.16.0.csv": TRULENS,
    "trulens-2.16.0.json": TRULENS,
}


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_the_scores_of_a_real_file_are_read(path: Path) -> None:
    assert scores(path) == EXPECTED[path.name]


@pytest.mark.parametrize("name", LIBRARIES)
def test_each_library_has_a_file_of_the_version_that_is_named(name: str) -> None:
    proved = f"{name}-{formats()[name].proved}"
    assert [path for path in CAPTURES if path.name.startswith(proved)]
    assert all(path.name.startswith(proved) for path in CAPTURES if format_of(path) == name)


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_a_real_file_is_counted_once_however_often_it_is_read(path: Path, tmp_path: Path) -> None:
    ours = books(tmp_path)
    first, second = (ours.ledger.accept(found(path)) for _ in range(2))
    assert first.accepted > 0
    assert first.duplicates == 0
    assert (second.accepted, second.duplicates) == (0, first.accepted)


@pytest.mark.parametrize(
    "names",
    [
        ["trulens-2.16.0.json", "trulens-2.16.0.csv", "trulens-2.16.0-columns.json"],
        ["great_expectations-1.24.1-checkpoint.json", "great_expectations-1.24.1-stored.json"],
    ],
    ids=["trulens", "great_expectations"],
)
def test_exports_of_one_run_count_once_where_the_library_names_its_runs(
    names: list[str], tmp_path: Path
) -> None:
    ours = books(tmp_path)
    receipts = [ours.ledger.accept(found(FOLDER / name)) for name in names]
    assert [receipt.accepted for receipt in receipts] == [4] + [0] * (len(names) - 1)


def test_the_same_bytes_of_another_run_are_counted_again(tmp_path: Path) -> None:
    ours = books(tmp_path)
    path = FOLDER / "ragas-0.4.3.csv"
    receipts = [
        ours.ledger.accept(found(path, Told(model="chat", run=run))) for run in ("1", "2", "1")
    ]
    assert [receipt.accepted for receipt in receipts] == [11, 11, 0]


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_nothing_that_was_asked_or_answered_leaves_the_file(path: Path) -> None:
    said = repr(found(path))
    for text in ("Paris", "Cusco", "Peru", "script says", "N'Djamena", "230"):
        assert text not in said


@pytest.mark.parametrize(
    ("name", "evaluator"),
    [
        ("deepeval-4.3.1.json", {("deepeval", ""), ("deepeval judge-1", "")}),
        ("great_expectations-1.24.1-stored.json", {("great_expectations", "1.24.1")}),
        ("promptfoo-0.123.1.json", {("promptfoo", "0.123.1")}),
        ("ragas-0.4.3.csv", {("ragas", "")}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_who_judged_is_told_as_far_as_the_file_says(
    name: str, evaluator: set[tuple[str, str]]
) -> None:
    events = [event for _, event in found(FOLDER / name) if isinstance(event, Score)]
    assert {(event.evaluator, event.evaluator_version) for event in events} == evaluator


@pytest.mark.parametrize(
    ("name", "models"),
    [
        ("deepeval-4.3.1.json", {("chat", "2.1")}),
        ("trulens-2.16.0.csv", {("chat", "2.1")}),
        ("promptfoo-0.123.1.json", {("chat", "")}),
    ],
    ids=["deepeval", "trulens", "promptfoo"],
)
def test_the_model_is_that_of_the_file_unless_one_is_named(
    name: str, models: set[tuple[str, str]]
) -> None:
    def named(told: Told) -> set[tuple[str, str]]:
        events = [event for _, event in found(FOLDER / name, told) if isinstance(event, Score)]
        return {(event.model, event.version) for event in events}

    assert named(Told()) == models
    assert named(Told(model="search", version="9")) == {("search", "9")}


def test_a_file_that_names_no_model_needs_one() -> None:
    refused = read("ragas", "faithfulness\n0.5\n", Told())
    assert [event.reason for event in refused if isinstance(event, Refused)] == ["missing_field"]


def test_what_an_evaluator_could_not_judge_is_refused_one_by_one() -> None:
    for name in ("ragas-0.4.3.csv", "ragas-0.4.3.json", "deepeval-4.3.1.json"):
        refused = [event for _, event in found(FOLDER / name) if isinstance(event, Refused)]
        assert [(one.reason, one.message) for one in refused] == [
            ("not_a_number", "`faithfulness` is empty: its evaluator gave no score")
        ]


def test_an_assertion_on_the_form_of_an_answer_is_a_format_check() -> None:
    events = [event for _, event in found(FOLDER / "promptfoo-0.123.1.json")]
    assert [event.valid for event in events if isinstance(event, FormatCheck)] == [False]


def test_checks_count_under_the_score_that_is_named(tmp_path: Path) -> None:
    path = FOLDER / "great_expectations-1.24.1-stored.json"
    ours = books(tmp_path)
    ours.ledger.accept(found(path, Told(model="chat", score="table")))
    assert ours.samples(quality.QUALITY_SCORE) == {("table", ""): 0.5}
    assert ours.samples(quality.QUALITY_LAST_EVALUATION)["table", ""] < TAKEN - 3600


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("Answer Relevancy", "answer_relevancy"),
        ("answerRelevancy", "answer_relevancy"),
        ("Correctness [GEval]", "correctness_geval"),
        ("rouge_score(mode=fmeasure)", "rouge_score_mode_fmeasure"),
        ("F1Score", "f1_score"),
        ("not-contains", "not_contains"),
        ("context_recall", "context_recall"),
        ("!", ""),
    ],
)
def test_names_of_metrics_become_names_of_scores(name: str, ours: str) -> None:
    assert snake(name) == ours


def test_a_metric_without_a_name_we_can_write_is_no_check() -> None:
    refused = read("ragas", '[{"正确": 0.5}]')
    assert [event.reason for event in refused if isinstance(event, Refused)] == ["bad_text"]


# Tables.


@pytest.mark.parametrize(
    ("body", "values"),
    [
        ("faithfulness,note\n0.5,a\n,b\n", [0.5, None]),
        ("\ufefffaithfulness\n0.5\n", [0.5]),
        ("faithfulness,response\n0.5,1\n0.6,2\n", [0.5, 0.6]),
        ("verdict\npass\nFAIL\n", [1, 0]),
        ('{"columns":["faithfulness"],"index":[0,1],"data":[[0.5],[null]]}', [0.5, None]),
        ('{"schema":{},"data":[{"index":0,"faithfulness":0.5}]}', [0.5]),
        ('{"faithfulness":0.5}\n\n{"faithfulness":1}\n', [0.5, 1]),
        ('{"faithfulness":0.5}\n', [0.5]),
        ('[{"faithfulness":0.5},{"faithfulness":"no idea"}]', [0.5, None]),
        ('[{"said":"12"},{"said":"much"},{"said":"text"}]', [None]),
        ('[{"faithfulness":1e999}]', [float("inf")]),
        (f'[{{"faithfulness":1{"0" * 400}}}]', [None]),
    ],
    ids=range(12),
)
def test_tables_are_read_however_they_are_written(body: str, values: list[float | None]) -> None:
    events = read("ragas", body)
    assert [event.value if isinstance(event, Score) else None for event in events] == values


# Feedback.


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("vote\nup\n", {"vote": "up"}),
        ("thumbs\n-1\n", {"vote": "down"}),
        ('[{"thumbs": true}]', {"vote": "up"}),
        ('[{"feedback": "👎"}]', {"vote": "down"}),
        ("rating,best\n4,5\n", {"rating": 4.0, "best": 5}),
        ("rating\n0.25\n", {"rating": 0.25}),
        ("comment,rating\nfine!,\n", {"text_length": 5}),
        ('{"text_length": 12}', {"text_length": 12}),
        ("vote,version,time\nup,2.10,1795290000\n", {"version": "2.10", "time_s": 1795290000}),
        ("vote,environment\nup,staging\n", {"environment": "staging"}),
    ],
)
def test_feedback_of_users_is_read(body: str, expected: dict[str, object]) -> None:
    (event,) = read("feedback", body)
    assert isinstance(event, Feedback)
    assert {key: getattr(event, key) for key in expected} == expected


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("vote\nperhaps\n", "unknown_value"),
        ("rating\nfine\n", "wrong_type"),
        ("name\nAda\n", "missing_field"),
    ],
)
def test_feedback_that_says_nothing_is_refused(body: str, reason: str) -> None:
    (event,) = read("feedback", body)
    assert isinstance(event, Refused)
    assert event.reason == reason


def test_what_a_user_wrote_is_kept_as_its_length_only(tmp_path: Path) -> None:
    ours = books(tmp_path)
    body = csv_of([{"vote": "down", "comment": "You told me about Cusco!"}])
    ours.ledger.accept(items("feedback", body, CHAT))
    ours.settle()
    assert ours.distribution(quality.FEEDBACK_TEXT, "").sum == 24
    ours.ledger.stop()
    assert b"Cusco" not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


def csv_of(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


# Doors.


def post(ours: Books, name: str, body: bytes, **query: str) -> tuple[int, dict[str, Any]]:
    (door,) = [one for one in results_doors(ours.ledger) if one.path == f"{PATH}/{name}"]
    assert door.accepts
    reply = door.answer(Request(path=door.path, query=query, headers={}, body=body))
    return reply.status, json.loads(reply.body)


@pytest.fixture
def ours(tmp_path: Path) -> Books:
    return books(tmp_path)


def test_every_format_has_a_door(ours: Books) -> None:
    assert {door.path for door in results_doors(ours.ledger)} == {
        f"{PATH}/{name}" for name in formats()
    }


def test_a_result_file_is_counted_at_its_door(ours: Books) -> None:
    body = (FOLDER / "ragas-0.4.3.csv").read_bytes()
    status, said = post(ours, "ragas", body, model="chat", environment="staging", version="7")
    assert (status, said["accepted"], said["rejected"]) == (200, 11, 1)
    assert said["reasons"][0]["line"] == 2
    samples = ours.all_samples(quality.QUALITY_SAMPLES)
    assert samples["chat", "staging", "exact_match", "7"] == 2


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ({"modle": "chat"}, 400, "`modle` is no parameter; there is model, environment, version"),
        ({"model": "\x07"}, 422, "`model`"),
        ({}, 422, "which model"),
        ({"model": "chat", "version": "x" * 999}, 422, "`version`"),
    ],
    ids=["a misspelt parameter", "a bell", "no model", "a long version"],
)
def test_a_door_says_what_is_wrong_with_a_request(
    query: dict[str, str], status: int, words: str, ours: Books
) -> None:
    got, said = post(ours, "ragas", b"faithfulness\n0.5\n", **query)
    assert got == status
    assert words in json.dumps(said)
