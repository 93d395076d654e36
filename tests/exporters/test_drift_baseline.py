"""A baseline is written, read again, and refused with the place of every mistake."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from exporters.drift.baseline import (
    Baseline,
    Categorical,
    Embedding,
    Numeric,
    Score,
    ScoreOfClass,
    identified,
    identity,
    parsed,
    read,
    text,
)
from exporters.drift.checking import validator
from modelwatch.problems import InventoryError, ModelwatchError

BASELINE = identified(
    Baseline(
        model="fraud",
        version="1.10",
        created="2026-05-01T12:00:00Z",
        newest="2026-04-30T23:59:59.5Z",
        rows=21,
        features=(
            Numeric(
                name="amount",
                edges=(-1.5, 0.0, 1e20),
                counts=(5, 6, 9, 0),
                centres=(-2.0, -0.1, 3e-7, 1e20),
                missing=1,
                low=-3.0,
                high=99.0,
                mean=0.1,
                deviation=2.0,
            ),
            Categorical(
                name="Land", values=("DE", "no", "Ä\n: '"), counts=(3, 2, 1), other=4, missing=11
            ),
            Score(
                name="score",
                edges=(0.5, 1.0),
                classes=(
                    ScoreOfClass(predicted="fine", counts=(3, 2, 0), correct=(0.5, 1.0, None)),
                ),
                missing=16,
            ),
            Embedding(
                name="question",
                count=21,
                missing=0,
                mean=(0.5, 1.0),
                variance=(1.0, 2.0),
                seed=4,
                features=3,
                gamma=0.25,
                fourier_mean=(0.1, 0.2, 0.3),
                direction=(1.0, 0.0),
                floors={"cosine": 0.1},
            ),
        ),
    )
)


def problems(content: str) -> list[str]:
    with pytest.raises(InventoryError) as caught:
        parsed("baseline.json", content.encode())
    return str(caught.value).splitlines()


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(text(BASELINE), "utf-8")
    assert read(path) == BASELINE
    assert text(read(path)) == text(BASELINE)


def test_the_identity_is_the_start_of_the_checksum_of_the_file() -> None:
    digest = hashlib.sha256(text(BASELINE).encode()).hexdigest()
    assert BASELINE.identity == digest[:12] == identity(BASELINE)


@pytest.mark.parametrize(
    "number", [0.00012345678901234567, -0.0011249090399999989, 1.7976931348623157e99, 5e-99, 1e15]
)
def test_every_number_is_read_as_it_was_written(number: float) -> None:
    again = parsed("b", text(BASELINE).replace('"mean": 0.1', f'"mean": {number!r}').encode())
    feature = again.features[0]
    assert isinstance(feature, Numeric)
    assert feature.mean == number


def test_a_file_in_another_layout_is_the_same_baseline() -> None:
    again = parsed("baseline.json", re.sub(r"\n\s*", " ", text(BASELINE)).encode())
    assert again.identity == BASELINE.identity


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(validator().schema)


def swapped(before: str, after: str) -> Callable[[], str]:
    def content() -> str:
        assert before in text(BASELINE)
        return text(BASELINE).replace(before, after)

    return content


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (lambda: "", ["1:1: the file is empty"]),
        (lambda: "[1]", ["1:1: a baseline is made of keys and values"]),
        (lambda: text(BASELINE)[:300], ["line|: "]),
        (
            swapped('"schema_version": 1', '"schema_version": 2'),
            ["2:21: .* not known here; update"],
        ),
        (swapped('"rows": 21', '"rows": -1'), ["7:11: rows must be at least 0; build it again"]),
        (swapped('"rows": 21', '"rows": "21"'), ["7:11: rows must be a whole number"]),
        (swapped('"rows": 21', '"rows": 21, "rows": 3'), ["the key 'rows' is already in line 7"]),
        (swapped('"rows": 21', '"row": 21'), ["1:1: 'rows' is missing", "7:3: unknown key 'row'"]),
        (swapped("2026-05-01T12:00:00Z", "May"), ["5:14: created must be a moment in UTC such as"]),
        (
            swapped('"kind": "numeric"', '"kind": "number"'),
            ["11:15: .*kind must be one of numeric"],
        ),
        (swapped('"low": -3.0', '"low": NaN'), [r"16:14: features\[0\].low must be a number"]),
        (swapped("[-1.5, 0.0", "[1.5, 0.0"), ["12:16: the edges of 'amount' do not rise"]),
        (swapped("[5, 6, 9, 0]", "[5, 6]"), ["13:17: 'counts' of 'amount' has 2 .* must have 4"]),
        (swapped('"Land"', '"amount"'), ["22:15: the feature 'amount' is already in line 10"]),
        (swapped('["DE", "no"', '["DE", "DE"'), ["an entry twice"]),
        (swapped('"no"', '""'), ["must not be empty"]),
        (swapped("[0.5, 1.0, null]", "[0.5, 1.5, null]"), ["must be at most 1"]),
        (swapped("[3, 2, 0]", "[3, 2]"), ["'counts' of class 'fine' has 2 entries"]),
        (swapped("[0.1, 0.2, 0.3]", "[0.1]"), ["'fourier_mean' of 'question' has 1 entries"]),
    ],
)
def test_a_mistake_is_told_with_its_place(content: Callable[[], str], expected: list[str]) -> None:
    found = problems(content())
    assert len(found) == len(expected)
    for line, wanted in zip(found, expected, strict=True):
        assert re.search(wanted, line), line
        assert "'required'" not in line


def test_all_mistakes_are_told_at_once() -> None:
    content = text(BASELINE).replace('"rows": 21', '"rows": 1.5').replace('"seed": 4', '"seed": -4')
    assert [line.split(":")[1] for line in problems(content)] == ["7", "45"]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelwatchError, match=r"cannot read .*none.json: No such file"):
        read(tmp_path / "none.json")
