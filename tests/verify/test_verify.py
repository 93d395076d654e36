"""`modelwatch verify` without a server: our own output, pages of people, forms, wrong usage."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from generator.verify.pages import FOLDER
from tests.command import run

EXAMPLES = Path(__file__).parents[2] / "examples"
SEEDED = Path(__file__).parent / "defects"


def report(*arguments: str | Path) -> dict[str, Any]:
    said = run("verify", *arguments, "--format", "json")
    found: dict[str, Any] = json.loads(said.out)
    return found


def rows(*arguments: str | Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = report(*arguments)["findings"]
    return found


@pytest.mark.parametrize("name", ["demo", "everything", "minimal"])
def test_nothing_is_wrong_with_what_we_generate(name: str) -> None:
    said = run("verify", EXAMPLES / f"{name}.yaml", "--strict")
    assert said.code == 0, said.out
    assert ": no errors, no warnings" in said.out.splitlines()[0]


def pages_with(folder: Path, old: str, new: str) -> Path:
    pages = folder / "pages"
    pages.mkdir()
    text = (FOLDER / "vllm-0.33.prom").read_text("utf-8")
    assert old in text
    (pages / "vllm-0.40.prom").write_text(text.replace(old, new))
    return pages


def test_a_renamed_metric_is_found_with_its_new_name_and_all_that_it_silences(
    tmp_path: Path,
) -> None:
    pages = pages_with(tmp_path, "vllm:num_requests_waiting", "vllm:num_requests_waiting_now")
    found = report(EXAMPLES / "minimal.yaml", "--pages", pages)
    (row,) = [row for row in found["findings"] if row["level"] == "error"]
    assert row["reason"] == "renamed"
    assert row["selector"] == "vllm:num_requests_waiting"
    assert row["path"] == "prometheus/rules/engines.yml"
    assert "write vllm:num_requests_waiting_now" in row["advice"]
    silent = {
        row["silent"]
        for table in found["tables"]
        for row in table["rows"]
        if row["because of"] == "vllm:num_requests_waiting"
    }
    assert "alert ModelRequestsWaiting" in silent
    assert any(one.startswith("board Model / ") for one in silent)
    text = run("verify", EXAMPLES / "minimal.yaml", "--pages", pages).out
    (line,) = [line for line in text.splitlines() if line.startswith("error  ")]
    assert line.split()[1:4] == ["vllm:num_requests_waiting", "renamed", str(len(silent))]


def test_a_page_without_an_optional_part_is_not_wrong(tmp_path: Path) -> None:
    pages = pages_with(tmp_path, "vllm:admission_rejections_total", "odd_total")
    found = report(EXAMPLES / "minimal.yaml", "--pages", pages)
    assert (found["errors"], found["warnings"]) == (0, 0)


def test_what_only_guards_and_has_another_name_today_is_told(tmp_path: Path) -> None:
    path = tmp_path / "own.yml"
    path.write_text(
        "groups: [{name: own, rules: [{alert: Guarded, expr: "
        "'vllm:num_requests_waiting > 10 unless vllm:gpu_cache_usage_perc > 0.9'}]}]"
    )
    found = report("--rules", path, "--engine-version", "vllm=0.33")
    told = [(row["level"], row["reason"]) for row in found["findings"]]
    assert told == [("warning", "renamed")]


def test_a_renamed_label_is_found(tmp_path: Path) -> None:
    pages = pages_with(tmp_path, 'kv_cache_usage_perc{engine="0",', 'kv_cache_usage_perc{rank="0",')
    own = tmp_path / "own.yml"
    own.write_text(
        "groups: [{name: own, rules: [{alert: Full, "
        "expr: 'vllm:kv_cache_usage_perc{engine=\"0\"} > 0.9'}]}]\n"
    )
    (row,) = [row for row in rows("--rules", own, "--pages", pages) if row["level"] != "note"]
    assert row["reason"] == "label-missing"


def test_a_version_says_which_pages_count() -> None:
    old = SEEDED.parent / "old_names.yml"
    (now,) = rows("--rules", old, "--engine-version", "vllm=0.33")
    assert now["reason"] == "renamed"
    assert rows("--rules", old, "--engine-version", "vllm=0.10.2") == []
    (some,) = rows("--rules", old)
    assert (some["level"], some["reason"]) == ("note", "some-versions")
    assert "vllm 0.33.0" in some["message"]


def test_what_an_engine_cannot_supply_is_said_in_its_own_words() -> None:
    notes = [row for row in rows(EXAMPLES / "minimal.yaml") if row["reason"] == "not-supplied"]
    assert any("vLLM knows no prices" in row["message"] for row in notes)
    assert {row["level"] for row in notes} == {"note"}


def test_own_rules_may_read_what_the_inventory_records(tmp_path: Path) -> None:
    own = tmp_path / "own.yml"
    own.write_text(
        "groups:\n"
        "  - name: own\n"
        "    rules:\n"
        "      - {alert: Busy, expr: 'model:requests_running:sum{model=\"chat\"} > 10'}\n"
        "      - {alert: Wrong, expr: 'model:requests_running:sum{modell=\"chat\"} > 10'}\n"
        "      - {record: 'own:busy:max', expr: 'max by (model) (model:requests_running:sum)'}\n"
        "      - {alert: OnOwn, expr: 'own:busy:max{environment=\"a\"} > 1'}\n"
    )
    found = [row for row in rows(EXAMPLES / "minimal.yaml", "--rules", own) if "own" in row["path"]]
    assert [(row["line"], row["column"], row["reason"]) for row in found] == [
        (5, 31, "label-missing"),
        (7, 31, "label-missing"),
    ]


def test_prometheus_rule_objects_and_several_documents_are_read(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n"
        "---\n"
        "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\n"
        "spec:\n  groups:\n    - name: own\n      rules:\n"
        "        - alert: A\n"
        '          expr: "vllm:num_request_waiting{model_name=\\"a\\"}\\n  > 1"\n'
    )
    (row,) = rows("--rules", own)
    assert (row["line"], row["column"], row["reason"]) == (12, 18, "renamed")


@pytest.mark.parametrize("wrapper", ["dashboard", "spec"])
def test_a_dashboard_is_read_in_every_wrapper(tmp_path: Path, wrapper: str) -> None:
    own = tmp_path / "own.json"
    board = {"title": "Own", "panels": [{"title": "W", "targets": [{"expr": "vllm:gone"}]}]}
    own.write_text(json.dumps({wrapper: board, "meta": {"emoji": "\U0001f600"}}))
    (row,) = rows("--dashboards", own)
    assert row["subject"] == "board Own / W"
    assert row["line"] == 1
    assert own.read_text()[row["column"] - 1 :].startswith("vllm:gone")


def test_the_forms_say_the_same(tmp_path: Path) -> None:
    seeded = SEEDED / "hidden_by_a_zero.yml"
    out = tmp_path / "report.xml"
    said = run("verify", "--rules", seeded, "--format", "junit", "-o", out)
    assert said.code == 1
    assert said.out.splitlines() == [f"{seeded}: 1 error, no warnings, no notes", f"{out}: written"]
    root = ET.parse(out).getroot()  # noqa: S314 - our own
    assert root.tag == "testsuites"
    assert root.get("failures") == "1"
    suites = {suite.get("name"): suite for suite in root}
    assert {"selector", "readable", "fleet-ratio", "never-meets"} <= set(suites)
    for suite in suites.values():
        cases = suite.findall("testcase")
        assert suite.get("tests") == str(len(cases))
        assert suite.get("failures") == str(sum(case.find("failure") is not None for case in cases))
        assert all(case.get("name") and case.get("classname") for case in cases)
    (failure,) = root.iter("failure")
    assert failure.get("type") == "unknown-metric"

    lines = run("verify", "--rules", seeded, "--format", "github").out.splitlines()
    assert lines[0].startswith(f"::error file={seeded},line=6,col=24,title=")
    assert run("verify", "--rules", seeded).out.splitlines()[2].startswith(f"error: {seeded}:6:24:")


def test_a_warning_fails_only_with_strict() -> None:
    seeded = SEEDED / "sentinel.yml"
    assert run("verify", "--rules", seeded).code == 0
    assert run("verify", "--rules", seeded, "--strict").code == 1
    assert run("verify", "--rules", seeded, "--strict", "--skip", "sentinel").code == 0


def test_a_file_that_cannot_be_read_is_a_finding_with_its_place(tmp_path: Path) -> None:
    broken, empty, board = (tmp_path / name for name in ("broken.yml", "empty.yml", "board.json"))
    broken.write_text("groups:\n  - name: [\n")
    empty.write_text("hello: there\n")
    board.write_text('{"panels": [}\n')
    found = rows("--rules", broken, "--rules", empty, "--dashboards", board)
    assert {(Path(row["path"]).name, row["reason"]) for row in found} == {
        ("broken.yml", "unreadable"),
        ("empty.yml", "nothing-to-verify"),
        ("board.json", "unreadable"),
    }
    assert "inventory" not in " ".join(row["message"] + row["advice"] for row in found)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name an inventory, or files after --rules or --dashboards"),
        (["--rules", "nowhere.yml"], "nowhere.yml"),
        (["--rules", ".", "--engine-version", "vllm"], "such as vllm=0.11"),
        (["--rules", ".", "--engine-version", "vlm=0.11"], "there is no engine vlm"),
        (["--rules", ".", "--scrape-interval", "0s"], "such as 15s or 1m"),
        (["--rules", ".", "--skip", "everything"], "there is no everything"),
        (["--rules", ".", "--prometheus", "localhost"], "begins with http"),
        (["--rules", ".", "--user", "me", "--password-file", "p"], "--prometheus"),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, list) else "",
)
def test_wrong_usage_is_told(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p").write_text("secret")
    said = run("verify", *arguments)
    assert said.code == 2
    assert words in said.err


def test_a_folder_without_rules_is_told(tmp_path: Path) -> None:
    said = run("verify", "--rules", tmp_path)
    assert said.code == 1
    assert "has no file that ends in .yml or .yaml" in said.err


def test_a_large_dashboard_is_read(tmp_path: Path) -> None:
    panels = [
        {
            "title": f"P{number}",
            "targets": [{"expr": 'vllm:num_requests_waiting{model_name="$m"}'}],
            "fieldConfig": {"overrides": [{"matcher": {"id": "byName"}}] * 40},
        }
        for number in range(300)
    ]
    own = tmp_path / "own.json"
    own.write_text(json.dumps({"title": "Large", "panels": panels}, indent=2))
    assert own.stat().st_size > 500_000
    assert report("--dashboards", own)["checked"]["panels"] == 300
