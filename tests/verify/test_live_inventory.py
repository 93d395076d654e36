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
def watched(folder: Path, page: str) -> Iterator[tuple[Path, str]]:
    """The inventory, and the address of a Prometheus that scrapes the page and has its rules."""
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
        with small_site.prometheus(folder, rules=",".join(groups), scrape=scrape) as address:
            small_site.eventually(lambda: count(address, "model:requests_running:sum"))
            yield inventory, address


def _selectors(inventory: Path, address: str) -> list[dict[str, Any]]:
    live = [name for name, check in questions().items() if check]
    skips = [f"--skip={name}" for name in live]
    said = run("verify", inventory, "--prometheus", address, "--format", "json", *skips)
    rows: list[dict[str, Any]] = json.loads(said.out)["findings"]
    return [row for row in rows if row["check"] == "selector" and row["level"] != "note"]


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
