"""The same selectors against a real Prometheus that scrapes a captured page."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from generator.asking import Prometheus
from generator.verify.expression import Selector
from generator.verify.matching import Matcher
from generator.verify.pages import FOLDER
from generator.verify.present import askable, present
from tests import small_site
from tests.command import run
from tests.verify_sites import count

pytestmark = [pytest.mark.real]

MADE_UP = """\
# TYPE vllm:odd_requests_total counter
"""
RULES = """\
groups:
  - name: own
    rules:
      - {alert: Alive, expr: 'vllm:num_requests_waiting > 10'}
      - {alert: AliveOfModel, expr: 'vllm:num_requests_waiting{model_name=~".+"} > 10'}
      - {alert: Renamed, expr: 'vllm:gpu_cache_usage_perc > 0.9'}
      - {alert: OldOrNew, expr: 'vllm:gpu_cache_usage_perc > 0.9 or vllm:kv_cache_usage_perc > 0.9'}
      - {alert: Misspelt, expr: 'rate(vllm:request_succes_total[5m]) > 1'}
      - {alert: WrongLabel, expr: 'vllm:num_requests_waiting{model="chat"} > 10'}
      - {alert: WrongValue, expr: 'vllm:request_success_total{finished_reason="broken"} > 1'}
      - {alert: NoTraffic, expr: 'rate(vllm:odd_requests_total[5m]) > 1'}
      - {alert: Unknown, expr: 'rate(clicks_total[5m]) > 1'}
      - {alert: Gone, expr: 'absent(up{job="vllm"})'}
      - {record: 'own:waiting:max', expr: 'max(vllm:num_requests_waiting)'}
      - {alert: NotLoaded, expr: 'own:waiting:max > 10'}
"""


@pytest.fixture(scope="module", name="address")
def _address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    text = (FOLDER / "vllm-0.33.prom").read_text("utf-8") + MADE_UP
    with small_site.page(text) as port:
        scrape = f'{{job_name: vllm, static_configs: [{{targets: ["127.0.0.1:{port}"]}}]}}'
        folder = tmp_path_factory.mktemp("site")
        with small_site.prometheus(folder, scrape=scrape) as address:
            small_site.eventually(lambda: count(address, "vllm:num_requests_waiting"))
            yield address


def _verified(address: str, folder: Path, rules: str = RULES) -> dict[str, Any]:
    path = folder / "own.yml"
    path.write_text(rules)
    said = run("verify", "--rules", path, "--prometheus", address, "--format", "json")
    report: dict[str, Any] = json.loads(said.out)
    return report


def test_dead_is_told_from_alive_and_from_no_traffic_yet(address: str, tmp_path: Path) -> None:
    report = _verified(address, tmp_path)
    said = {
        row["subject"].removeprefix("alert "): (row["level"], row["reason"])
        for row in report["findings"]
        if row["check"] == "selector"
    }
    assert said == {
        "Renamed": ("error", "renamed"),
        "Misspelt": ("error", "renamed"),
        "WrongLabel": ("error", "label-missing"),
        "WrongValue": ("warning", "label-value-missing"),
        "NoTraffic": ("note", "no-traffic-yet"),
        "Unknown": ("error", "unknown-metric"),
        "NotLoaded": ("note", "no-traffic-yet"),
    }
    renamed = next(row for row in report["findings"] if row["subject"] == "alert Renamed")
    assert "vllm:kv_cache_usage_perc" in renamed["advice"]


class Counting(requests.Session):
    """Counts what is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def request(self, *arguments: Any, **options: Any) -> requests.Response:
        self.asked += 1
        return super().request(*arguments, **options)


def test_a_thousand_selectors_are_asked_with_a_few_dozen_questions(address: str) -> None:
    selectors = [
        Selector(
            name="vllm:num_requests_waiting",
            matchers=(Matcher(label="zone", operator="=" if n % 10 else "!=", value=str(n)),),
        )
        for n in range(1000)
    ]
    session = Counting()
    prometheus = Prometheus(url=address, session=session)
    found = present(askable(selectors), prometheus, time.time())
    assert sum(found[one.written] is True for one in selectors) == 100
    assert session.asked < 30


def test_a_prometheus_that_does_not_answer_ends_with_3(tmp_path: Path) -> None:
    path = tmp_path / "own.yml"
    path.write_text(RULES)
    said = run("verify", "--rules", path, "--prometheus", "http://127.0.0.1:9")
    assert said.code == 3
    assert "no Prometheus answers at http://127.0.0.1:9" in said.err


def test_one_selector_that_is_refused_leaves_the_others_asked(address: str, tmp_path: Path) -> None:
    """Go reads other patterns than we do, so that a server may refuse what we could read."""
    rules = """\
groups:
  - name: own
    rules:
      - {alert: Odd, expr: 'vllm:num_requests_waiting{model_name=~"(?u)x"} > 10'}
      - {alert: Renamed, expr: 'vllm:gpu_cache_usage_perc{engine!="9"} > 0.9'}
"""
    report = _verified(address, tmp_path, rules)
    reasons = {row["subject"]: row["reason"] for row in report["findings"]}
    assert reasons["alert Renamed"] == "renamed"
    assert reasons["alert Odd"] == "not-answered"
