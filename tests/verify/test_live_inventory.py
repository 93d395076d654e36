"""What an inventory generates, against a real Prometheus that evaluates it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.build import build
from generator.definitions import definitions
from generator.opening import inventory_at
from generator.verify.pages import FOLDER
from generator.verify.running import questions
from tests import small_site
from tests.command import run
from tests.verify_sites import count

pytestmark = [pytest.mark.real]

INVENTORY = """\
settings: {scrape_interval: 15s, time_compression: 20}
teams: {assist: {page: on-call}}
receivers: {on-call: {webhook: {url: "http://127.0.0.1:9/"}}}
models:
  - name: chat
    team: assist
    sources: [{engine: vllm, job: vllm, model: meta-llama/Llama-3.1-8B-Instruct}]
    slo: {availability: 99.9%, latency: 95% under 5s}
"""


@contextmanager
def watched(
    folder: Path, page: str, *, loaded: bool = True, there: str = "model:requests_running:sum"
) -> Iterator[tuple[Path, str]]:
    """The inventory, and a Prometheus that scrapes the page and, `loaded`, has its rules.

    It has evaluated them when a series is `there`.
    """
    inventory = folder / "models.yaml"
    inventory.write_text(INVENTORY)
    files = build(inventory_at(str(inventory)), definitions())
    groups = [
        json.dumps(group)
        for path, text in files.items()
        if path.startswith("prometheus/rules/")
        for group in yaml.safe_load(text)["groups"]
    ]
    with small_site.page(page) as port:
        scrape = f'{{job_name: vllm, static_configs: [{{targets: ["127.0.0.1:{port}"]}}]}}'
        rules = ",".join(groups) if loaded else ""
        with small_site.prometheus(folder, rules=rules, scrape=scrape) as address:
            small_site.eventually(lambda: count(address, there))
            yield inventory, address


def _told(inventory: Path, address: str) -> list[dict[str, Any]]:
    live = [name for name, check in questions().items() if check]
    skips = [f"--skip={name}" for name in live]
    said = run("verify", inventory, "--prometheus", address, "--format", "json", *skips)
    rows: list[dict[str, Any]] = json.loads(said.out)["findings"]
    return [row for row in rows if row["check"] == "selector"]


def _selectors(inventory: Path, address: str) -> list[dict[str, Any]]:
    return [row for row in _told(inventory, address) if row["level"] != "note"]


def _without(*names: str) -> str:
    """The page of a server that never exposed some metrics."""
    lines = (FOLDER / "vllm-0.33.prom").read_text("utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if not any(name in line for name in names))


def test_what_is_generated_is_alive_or_waits_for_traffic(tmp_path: Path) -> None:
    with watched(tmp_path, (FOLDER / "vllm-0.33.prom").read_text("utf-8")) as (inventory, address):
        assert _selectors(inventory, address) == []


def test_a_metric_that_the_server_renamed_is_found_with_its_new_name(tmp_path: Path) -> None:
    page = (FOLDER / "vllm-0.33.prom").read_text("utf-8")
    renamed = page.replace("vllm:num_requests_waiting", "vllm:num_requests_waiting_now")
    with watched(tmp_path, renamed) as (inventory, address):
        (row,) = _selectors(inventory, address)
    assert (row["reason"], row["level"]) == ("renamed", "error")
    assert "vllm:num_requests_waiting_now" in row["advice"]
    assert "ModelRequestsWaiting" in row["message"], "says what is silent with it"


def test_a_missing_part_is_a_note_and_a_missing_whole_an_error_but_no_neighbour_its_new_name(
    tmp_path: Path,
) -> None:
    part, whole = "vllm:admission_rejections_total", "vllm:num_requests_waiting"
    with watched(tmp_path, _without(part, whole)) as (inventory, address):
        told = _told(inventory, address)
    (error,) = [row for row in told if row["level"] != "note"]
    assert (error["selector"], error["reason"], error["level"]) == (
        whole,
        "unknown-metric",
        "error",
    )
    assert "another version" in error["advice"]
    (note,) = [row for row in told if part in row["message"]]
    assert (note["reason"], "silent with it" in note["message"]) == ("not-exposed", False)


def test_before_the_rules_are_loaded_that_is_said_once_and_fits_on_a_screen(
    tmp_path: Path,
) -> None:
    page = (FOLDER / "vllm-0.33.prom").read_text("utf-8")
    with watched(tmp_path, page, loaded=False, there="up") as (inventory, address):
        asked = ("verify", inventory, "--prometheus", address, "--days=0", "--skip=staleness")
        text = run(*asked).out
        found = json.loads(run(*asked, "--format", "json").out)
    levels = [(row["level"], row["reason"]) for row in found["findings"] if row["level"] != "note"]
    assert levels == [("error", "nothing-loaded"), ("warning", "not-recorded")]
    assert len([row for row in found["findings"] if row["reason"] == "not-loaded"]) == 1
    assert len(text.splitlines()) < 40
    assert text.splitlines()[-1].startswith("next: this Prometheus: name prometheus/rules/*.yml")
    (table,) = [one for one in found["tables"] if one["name"] == "silent"]
    assert len([row for row in table["rows"] if row["reason"] == "not-loaded"]) > 100


def test_an_engine_of_which_nothing_is_there_is_told_once(tmp_path: Path) -> None:
    with watched(tmp_path, "up_to_now 1\n", there="modelwatch_source_info") as (inventory, address):
        (row,) = _selectors(inventory, address)
    assert (row["level"], row["reason"]) == ("error", "unknown-metric")
    assert row["message"].startswith("there is nothing of vLLM here: ")
