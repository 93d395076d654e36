"""`modelwatch baseline build` with columns of vectors."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from exporters.drift import embeddings
from exporters.drift.baseline import Baseline, Embedding, read
from tests.command import run
from tests.exporters.test_drift_embeddings import LENGTH, cloud

VECTORS = cloud(1, 400).round(6).tolist()


def build(folder: Path, name: str, rows: str, *options: str) -> tuple[int, str, Path]:
    (folder / name).write_text(rows)
    made = folder / "baseline.json"
    wanted = ("--model", "search", "--version", "1", "-o", str(made), *options)
    result = run("baseline", "build", str(folder / name), *wanted)
    return result.code, result.out + result.err, made


def ndjson(*rows: Mapping[str, object]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def embedding_of(baseline: Baseline) -> Embedding:
    (found,) = [one for one in baseline.features if isinstance(one, Embedding)]
    return found


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("rows.ndjson", ndjson(*({"question": row, "amount": 1} for row in VECTORS))),
        (
            "observed.ndjson",
            ndjson(
                *(
                    {"model": "search", "features": {"amount": 1}, "embeddings": {"question": row}}
                    for row in VECTORS
                )
            ),
        ),
        ("rows.csv", "question;amount\n" + "".join(f"{row};1\n" for row in VECTORS)),
    ],
    ids=["rows", "observations", "csv"],
)
def test_a_column_of_vectors_becomes_an_embedding(tmp_path: Path, name: str, rows: str) -> None:
    code, said, made = build(tmp_path, name, rows)
    assert code == 0, said
    assert "question is taken to be embedding" in said
    baseline = read(made)
    found = embedding_of(baseline)
    assert (found.name, found.count, len(found.mean)) == ("question", 400, LENGTH)
    assert {one.name for one in baseline.features} == {"question", "amount"}


def test_vectors_of_another_length_are_left_out_and_told(tmp_path: Path) -> None:
    rows = [{"question": row} for row in [*VECTORS, [0.5], None]]
    code, said, made = build(tmp_path, "rows.ndjson", ndjson(*rows))
    assert code == 0, said
    assert "1 vectors of question are left out: they are not as long as most" in said
    assert (embedding_of(read(made)).count, embedding_of(read(made)).missing) == (400, 1)


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        ([0.5, "x"], "rows.ndjson:401:2: '[0.5, 'x']' in 'question' has a component that is no"),
        ("text", "rows.ndjson:401:2: 'text' in 'question' is no list of numbers"),
    ],
)
def test_what_is_no_vector_is_told_with_its_place(
    tmp_path: Path, vector: object, message: str
) -> None:
    rows = [{"question": row} for row in [*VECTORS, vector]]
    code, said, made = build(tmp_path, "rows.ndjson", ndjson(*rows))
    assert code == 1
    assert message in said
    assert not made.exists()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (VECTORS[:150], "embedding 'question' has 150 vectors; a baseline needs 200"),
        ([VECTORS[0]] * 300, "all vectors of embedding 'question' are the same"),
        ([[0.5] * 4097], "'question' has 4097 components; between 1 and 4096 are possible"),
    ],
    ids=["few", "same", "long"],
)
def test_vectors_that_make_no_baseline_say_why(
    tmp_path: Path, rows: list[object], message: str
) -> None:
    code, said, made = build(tmp_path, "rows.ndjson", ndjson(*({"question": row} for row in rows)))
    assert code == 1
    assert message in said
    assert not made.exists()


def test_without_numpy_other_columns_go_on_and_vectors_say_what_they_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embeddings, "find_spec", lambda _name: None)
    rows = ndjson(*({"question": row, "amount": 1} for row in VECTORS))
    code, said, made = build(tmp_path, "rows.ndjson", rows)
    assert code == 0, said
    assert "question is left out: embeddings need numpy; run: pip install 'modelwatch[drift]'" in (
        said
    )
    assert [one.name for one in read(made).features] == ["amount"]
    code, said, _ = build(tmp_path, "rows.ndjson", rows, "--feature", "question:embedding")
    assert code == 1
    assert "embeddings need numpy; run: pip install 'modelwatch[drift]'" in said


def test_vectors_are_not_compared_by_rows_and_it_is_said(tmp_path: Path) -> None:
    _, _, made = build(tmp_path, "rows.ndjson", ndjson(*({"question": row} for row in VECTORS)))
    result = run("baseline", "compare", str(made), str(tmp_path / "rows.ndjson"))
    assert "question" in result.err
    assert "exporter" in result.err
