"""`modelwatch diff` as its users meet it: files, standard input, exit codes, a comment."""

import json
import os
import threading
from pathlib import Path

import pytest

from benchmarks.fleet import inventory as wide_inventory
from generator.difference.pages import LONGEST_COMMENT
from tests.command import run
from tests.inventory_texts import MODEL, ROOT

PROMISED = f"{MODEL}    slo: {{availability: 99.9%}}\n"
LOOSER = PROMISED.replace("99.9%", "99%")
GOLDEN = ROOT / "tests" / "differences" / "demo.md"
DEMO = (ROOT / "examples" / "demo.yaml").read_text(encoding="utf-8")
CHANGES = (
    # What a release of a new model looks like: a promise, money, an owner, and a newcomer.
    (
        "  availability: 99.9%\n      latency: 95% under 5s",
        "  availability: 99.95%\n      latency: 95% under 10s",
    ),
    ("owner: Mo Chen", "owner: Kim Lee"),
    ("amount: 40000 USD per month", "amount: 50000 USD per month"),
    ("usd_per_day: 5 USD", "usd_per_day: 7 USD"),
    ("tier: 3\n", "tier: 1\n"),
    ("assist:\n    page: on-call", "assist:\n    page: tickets"),
    (
        "  - name: agent\n",
        "  - name: rerank\n    team: vision\n    sources: [{endpoint: gateway, model: rerank-3}]\n"
        "    slo: {availability: 99%}\n\n  - name: agent\n",
    ),
)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("old.yaml").write_text(PROMISED, encoding="utf-8")
    Path("new.yaml").write_text(LOOSER, encoding="utf-8")


def test_a_difference_is_told_and_is_no_failure() -> None:
    said = run("diff", "old.yaml", "new.yaml")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("1 model changed; 1 promise loosened\n\nLook at these first\n")


@pytest.mark.parametrize(("new", "code"), [("old.yaml", 0), ("new.yaml", 1)])
def test_a_pipeline_can_ask_whether_anything_changes(new: str, code: int) -> None:
    said = run("diff", "old.yaml", new, "--exit-code")
    assert said.code == code
    assert (said.out == "nothing changes\n") == (code == 0)


@pytest.mark.parametrize(("old", "new"), [("-", "new.yaml"), ("old.yaml", "-")])
def test_one_side_can_be_standard_input(old: str, new: str) -> None:
    stdin = PROMISED if old == "-" else LOOSER
    assert run("diff", old, new, stdin=stdin).out == run("diff", "old.yaml", "new.yaml").out


def test_both_sides_cannot_be_standard_input() -> None:
    said = run("diff", "-", "-", stdin=PROMISED)
    assert said.code == 2
    assert "only one of the two inventories can be standard input" in said.err


def test_the_old_side_can_be_a_pipe() -> None:
    os.mkfifo("pipe")
    writer = threading.Thread(target=Path("pipe").write_text, args=(PROMISED,))
    writer.start()
    said = run("diff", "pipe", "new.yaml")
    writer.join()
    assert said.out == run("diff", "old.yaml", "new.yaml").out


@pytest.mark.parametrize("old", ["/dev/null", "-", "empty.yaml", "missing.yaml"])
def test_where_there_was_no_inventory_everything_is_new(old: str) -> None:
    Path("empty.yaml").write_text("\n", encoding="utf-8")
    said = run("diff", old, "new.yaml")
    assert said.code == 0
    assert "1 model added; 1 team added; 1 receiver added" in said.out.splitlines()[0]
    note = "note: missing.yaml is not there; everything is new\n"
    assert said.err == (note if old == "missing.yaml" else "")


def test_the_new_side_must_be_there() -> None:
    assert run("diff", "old.yaml", "missing.yaml").code == 2
    said = run("diff", "old.yaml", "/dev/null")
    assert said.code == 1
    assert "/dev/null:1:1: the file is empty" in said.err


def test_the_mistakes_of_both_are_told_with_their_files() -> None:
    Path("old.yaml").write_text(PROMISED.replace("vllm", "vlm"), encoding="utf-8")
    Path("new.yaml").write_text(LOOSER.replace("team: assist", "team: asist"), encoding="utf-8")
    said = run("diff", "old.yaml", "new.yaml")
    assert (said.code, said.out) == (1, "")
    assert "old.yaml:8:24: there is no engine 'vlm'" in said.err
    assert "new.yaml:7:11: there is no team 'asist'" in said.err
    assert said.err.endswith("2 problems found\n")
    told = json.loads(run("diff", "old.yaml", "new.yaml", "--format", "json").out)
    assert [problem["path"] for problem in told] == ["new.yaml", "old.yaml"]


def test_programs_get_a_document() -> None:
    found = json.loads(run("diff", "old.yaml", "new.yaml", "--format", "json").out)
    assert list(found) == [
        *("headline", "risks", "changes", "alerts", "watched", "probe_spend"),
        *("series", "series_of", "files"),
    ]
    assert found["series"]["before"] == found["series"]["after"] > 0


def test_the_comment_on_a_change_of_the_demo_is_as_kept() -> None:
    changed = DEMO
    for old, new in CHANGES:
        assert changed.count(old) == 1, old
        changed = changed.replace(old, new)
    Path("old.yaml").write_text(DEMO, encoding="utf-8")
    Path("new.yaml").write_text(changed, encoding="utf-8")
    said = run("diff", "old.yaml", "new.yaml", "--format", "markdown")
    assert said.out == GOLDEN.read_text(encoding="utf-8"), f"read it, then keep it as {GOLDEN}"


@pytest.mark.slow
def test_a_thousand_models_are_one_readable_comment() -> None:
    old = wide_inventory(1000)
    Path("old.yaml").write_text(old, encoding="utf-8")
    Path("new.yaml").write_text(old.replace("99.9%", "99%").replace("tier: 1", "tier: 2"), "utf-8")
    said = run("diff", "old.yaml", "new.yaml", "--format", "markdown")
    assert said.code == 0
    assert len(said.out) < min(LONGEST_COMMENT, 10_000)
    assert said.out.splitlines()[1] == (
        "### modelwatch: 1,000 models changed; 40 budgets changed; 1,000 promises loosened; "
        "16 alerts no longer page"
    )


def test_the_page_about_reviews_shows_what_is_said() -> None:
    page = (ROOT / "docs" / "review.md").read_text(encoding="utf-8")
    quoted = [line.removeprefix("> ") for line in page.splitlines() if line.startswith("> ")]
    assert len(quoted) > 4
    assert set(quoted) <= set(GOLDEN.read_text(encoding="utf-8").splitlines())
