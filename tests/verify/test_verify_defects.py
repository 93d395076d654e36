"""Every published defect: found once in a file that has it, and not in its clean twin."""

import json
from pathlib import Path
from typing import Any

import pytest

from generator.verify.defect import defects
from tests.command import run

HERE = Path(__file__).parent
SEEDED = sorted((HERE / "defects").iterdir())
CLEAN = sorted((HERE / "clean").iterdir())
BAD = ("error", "warning")


def found(path: Path) -> list[dict[str, Any]]:
    option = "--dashboards" if path.suffix == ".json" else "--rules"
    said = run("verify", option, path, "--format", "json")
    rows: list[dict[str, Any]] = json.loads(said.out)["findings"]
    return [row for row in rows if row["level"] in BAD]


def expected(path: Path) -> str:
    """The first line of the file, or what stands beside it where the form has no comments."""
    beside = {"fixed_datasource.json": "6:27 fixed-datasource"}
    return beside.get(path.name) or path.read_text().splitlines()[0].removeprefix("# ")


@pytest.mark.parametrize("path", SEEDED, ids=lambda path: path.stem)
def test_a_seeded_defect_is_found_exactly_once_and_at_its_place(path: Path) -> None:
    said = [f"{row['line']}:{row['column']} {row['reason']}" for row in found(path)]
    assert said == [expected(path)]


@pytest.mark.parametrize("path", CLEAN, ids=lambda path: path.stem)
def test_the_clean_twin_has_none(path: Path) -> None:
    assert found(path) == []


def test_every_defect_is_seeded_and_has_a_clean_twin() -> None:
    assert {path.stem for path in SEEDED} >= set(defects())
    assert {path.name for path in SEEDED} == {path.name for path in CLEAN}


def test_a_finding_says_what_to_do() -> None:
    for path in SEEDED:
        assert all(row["advice"] for row in found(path)), path
