"""`modelwatch baseline`: built, shown, compared with rows and with another baseline."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import run

NAMED = ("--model", "fraud", "--version", "3")


def rows(
    count: int, seed: int, *, shift: float = 0.0, country: str = "DE", empty: float = 0.0
) -> Iterator[str]:
    chance = random.Random(seed)  # noqa: S311
    yield "amount,country,score,predicted"
    for _ in range(count):
        score = chance.betavariate(2 + shift, 2)
        amount = "" if chance.random() < empty else f"{chance.gauss(50 + shift * 10, 10):.2f}"
        place = chance.choice(("FR", "IT", country))
        yield f"{amount},{place},{score:.3f},{'fraud' if score > 0.5 else 'fine'}"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text("\n".join(rows(4000, 1)))
    roles = ("--score", "score", "--predicted", "predicted")
    assert run("baseline", "build", "rows.csv", "-o", "baseline.json", *NAMED, *roles).code == 0


def test_a_baseline_is_built_from_standard_input_as_from_a_file() -> None:
    before = json.loads(Path("baseline.json").read_text())
    said = run(
        *("baseline", "build", "-", "-o", "again.json", *NAMED),
        *("--score", "score", "--predicted", "predicted"),
        stdin=Path("rows.csv").read_text(),
    )
    assert said.code == 0, said.err
    assert "wrote again.json: 4 features of 4000 rows, baseline " in said.out
    assert said.out.endswith("next: modelwatch baseline compare again.json NEWER_ROWS\n")
    again = json.loads(Path("again.json").read_text())
    assert again["features"] == before["features"]


def test_a_baseline_can_be_written_to_standard_output() -> None:
    said = run("baseline", "build", "rows.csv", "-o", "-", *NAMED)
    assert json.loads(said.out)["rows"] == 4000
    assert not Path("-").exists()


def test_a_baseline_has_no_rows_and_stays_small() -> None:
    text = Path("baseline.json").read_text()
    assert len(text.encode()) < 4 * 6000
    assert json.loads(text)["rows"] == 4000


def test_a_baseline_that_cannot_be_written_leaves_nothing_behind() -> None:
    Path("there").mkdir()
    said = run("baseline", "build", "rows.csv", "-o", "none/baseline.json", *NAMED)
    assert (said.code, said.err.splitlines()[-1]) == (
        1,
        "error: cannot write none/baseline.json: No such file or directory",
    )
    assert not list(Path().glob(".*"))


def test_what_is_in_a_baseline_is_shown() -> None:
    said = run("baseline", "show", "baseline.json")
    assert said.code == 0
    assert " of fraud, version 3\n4000 rows, the newest of " in said.out
    lines = [line.split() for line in said.out.splitlines()]
    assert ["amount", "numeric", "10", "4000", "0"] in [line[:5] for line in lines]
    assert any(line[:2] == ["country", "categorical"] and "DE" in line for line in lines)
    assert "score of fraud" in said.out
    shown = json.loads(run("baseline", "show", "baseline.json", "--format", "json").out)
    assert (shown["model"], shown["rows"], len(shown["features"])) == ("fraud", 4000, 5)


def test_a_baseline_with_mistakes_is_not_shown() -> None:
    text = Path("baseline.json").read_text()
    Path("baseline.json").write_text(text.replace('"rows": 4000', '"rows": "many"'))
    said = run("baseline", "show", "baseline.json")
    assert said.code == 1
    assert said.err.startswith("baseline.json:7:11: rows must be a whole number; build it again")


def test_rows_like_those_before_have_not_drifted() -> None:
    Path("now.csv").write_text("\n".join(rows(1500, 2)))
    said = run("baseline", "compare", "baseline.json", "now.csv")
    assert said.code == 0, said.out
    assert said.out.endswith("\nnone of 5 drifted\n")
    assert "!" not in said.out


def test_rows_unlike_those_before_have_drifted_and_it_is_said_why() -> None:
    Path("now.csv").write_text("\n".join(rows(1500, 2, shift=1.0, country="PT", empty=0.2)))
    said = run("baseline", "compare", "baseline.json", "now.csv")
    assert said.code == 1
    sentence = said.out.splitlines()[-1]
    assert sentence.startswith("2 of 5 drifted; amount: psi ")
    assert "; country: psi " in sentence
    assert ", unseen 0.3" in sentence
    assert ", missing 0." in sentence
    told = json.loads(
        run("baseline", "compare", "baseline.json", "now.csv", "--format", "json").out
    )
    amount = next(one for one in told if one["name"] == "amount")
    assert amount["drifted"] == ["psi", "missing"]
    assert set(amount["statistics"]["ks"]) == {"value", "floor", "limit"}


def test_the_statistic_that_decides_may_be_another() -> None:
    Path("now.csv").write_text("\n".join(rows(1500, 2, shift=0.3)))
    by_psi = run("baseline", "compare", "baseline.json", "now.csv").out
    by_ks = run("baseline", "compare", "baseline.json", "now.csv", "--method", "ks").out
    assert "amount" not in by_psi.splitlines()[-1]
    assert "amount: ks 0.1" in by_ks.splitlines()[-1]


def test_few_rows_tell_nothing() -> None:
    Path("now.csv").write_text("\n".join(rows(300, 2, shift=5)))
    said = run("baseline", "compare", "baseline.json", "now.csv")
    assert said.code == 0
    assert "none of 5 drifted; 5 had fewer than 500 values, too few to tell" in said.out


def test_a_column_that_rows_do_not_have_is_told() -> None:
    Path("now.csv").write_text("amount,x\n1,2\n")
    said = run("baseline", "compare", "baseline.json", "now.csv")
    assert said.code == 1
    assert "now.csv:1:1: there is no column 'score'; there are: amount, x" in said.err
    assert "now.csv:1:1: there is no column 'country'" in said.err


def test_values_of_another_kind_count_for_nothing_and_are_told() -> None:
    text = "\n".join(rows(1000, 2)).replace("\n", "\nx", 100)
    Path("now.csv").write_text(text)
    said = run("baseline", "compare", "baseline.json", "now.csv")
    assert "100 values of amount were of another kind" in said.out


def test_two_baselines_are_compared_without_their_rows() -> None:
    Path("now.csv").write_text("\n".join(rows(4000, 2, shift=1.0)))
    roles = ("--score", "score", "--predicted", "predicted")
    assert run("baseline", "build", "now.csv", "-o", "new.json", *NAMED, *roles).code == 0
    by_rows, by_file = (
        json.loads(run("baseline", "compare", "baseline.json", path, "--format", "json").out)
        for path in ("now.csv", "new.json")
    )
    for rowwise, filewise in zip(by_rows, by_file, strict=True):
        assert filewise["drifted"] == rowwise["drifted"]
        for method, found in rowwise["statistics"].items():
            rough = filewise["statistics"][method]["value"]
            assert rough == pytest.approx(found["value"], rel=0.1, abs=0.02)
    same = run("baseline", "compare", "baseline.json", "baseline.json")
    assert same.code == 0
    assert same.err == (
        "note: baseline.json is a baseline: distances are rough where its bins differ, and nothing "
        "is known of out of range values\n"
    )


def test_a_baseline_of_something_else_is_told() -> None:
    Path("other.csv").write_text("x\n" + "1\n2\n3\n" * 50)
    assert run("baseline", "build", "other.csv", "-o", "other.json", *NAMED).code == 0
    said = run("baseline", "compare", "baseline.json", "other.json")
    assert said.code == 1
    assert "error: other.json has no feature of the baseline" in said.err
