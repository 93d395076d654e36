"""`kill -9` of each of our exporters: back by itself, nothing accepted is lost, nobody is told."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import requests

from compose import answers
from compose.native import exporters
from compose.native.processes import Process
from compose.ports import free_port
from exporters.quality.doors import PATH
from modelwatch.inventory import Inventory
from tests.exporters.prometheus_server import values
from tests.faults import pages
from tests.faults.pages import Counted, counting
from tests.faults.site import (
    HEAD,
    Site,
    eventually,
    healthy_again,
    kill,
    measured,
    settled,
    site,
    supervised,
    watch,
)
from tests.small_site import serving

pytestmark = [pytest.mark.real, pytest.mark.servers, pytest.mark.slow]

TEXT = """\
exporters:
  probe: {{targets: ["127.0.0.1:{probe}"]}}
  quality: {{targets: ["127.0.0.1:{quality}"]}}
  inventory: {{targets: ["127.0.0.1:{inventory}"]}}
models:
  - name: chat
    sources: [{{engine: shelf, targets: ["127.0.0.1:{page}"], model: chat}}]
    quality: {{groundedness: {{good: above 0.7}}}}
    probes:
      sum:
        api: http
        url: http://127.0.0.1:{answers}/
        answer: text
        every: 1s
        timeout: 1s
        prompts: {{two: {{body: "{{}}", expect: {{contains: four}}}}}}
gpus:
  - {{pool: l4, cards: 2, sources: [{{engine: modelwatch_gpu, targets: ["127.0.0.1:{gpu}"]}}]}}
"""
NAMES = ("gpu", "probe", "quality", "inventory")
JUDGED = "sum (modelwatch_quality_judgements_total)"
PROBED = "sum (modelwatch_probe_requests_total)"
CARDS = "sum (modelwatch_gpu_host_present_cards)"
DECLARED = "sum (modelwatch_model_info)"
SEEN = 30
"""Seconds in which ten minutes of compressed time pass: enough for every hold of the exporters."""


def test_each_exporter_comes_back_and_nobody_is_told(
    tmp_path: Path, native_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulate_cards(monkeypatch)
    ports = {name: free_port() for name in NAMES}
    head = HEAD.replace("settings: {", "settings: {constants: exporter, ")
    with (
        serving(counting(Counted(), 'm="chat"')) as page,
        serving(pages.answering('{"text": "four"}')) as answering,
    ):
        text = head + TEXT.format(page=page, answers=answering, **ports)
        with site(tmp_path, text, native_path) as where, supervised(where) as said:
            judge(ports["quality"], 30)
            eventually(lambda: sums(where, JUDGED, PROBED, CARDS, DECLARED), "every exporter")
            for name in NAMES:
                judge(ports["quality"], 5)
                killed = kill(where.process(f"the {name} exporter"))
                seconds = healthy_again(killed, f"http://127.0.0.1:{ports[name]}")
                measured(f"{name} exporter ready again", f"{seconds:.1f} s")
                settled(where)
                eventually(lambda: all_up(where), "every target")
            judged = 30 + 5 * len(NAMES)
            eventually(lambda: sums(where, JUDGED) == [judged], "all that was accepted")
            eventually(lambda: sums(where, JUDGED, PROBED, CARDS, DECLARED), "every exporter")
            assert not answers.rule_errors(where.prometheus)
            watch(SEEN)
            ended = [line.partition(" ended")[0] for line in said]
            assert ended == [f"the {name} exporter" for name in NAMES]
            assert where.told() == []
            (lowest,) = values(where.prometheus, f"min_over_time(({JUDGED})[1m:1s])").values()
            measured("judgements that were accepted, and fewest seen", (judged, lowest))


def simulate_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the cards are simulated; the exporter and who starts it are real."""
    spawn = exporters.spawn_one

    def spawned(
        name: str, inventory: Inventory, data_dir: Path, options: Sequence[str] = ()
    ) -> Process:
        more = ("--library=compose.fleet.cards",) if name == "gpu" else ()
        return spawn(name, inventory, data_dir, (*options, *more))

    monkeypatch.setattr(exporters, "spawn_one", spawned)


def judge(port: int, number: int) -> None:
    """Good answers; every one of them is accepted."""
    score = {"score": "groundedness", "value": 0.9, "model": "chat"}
    answer = requests.post(f"http://127.0.0.1:{port}{PATH}", json=[score] * number, timeout=10)
    assert answer.ok, answer.text


def sums(where: Site, *queries: str) -> list[float]:
    """The values of the queries; empty as long as one of them has none."""
    found = [list(values(where.prometheus, query).values()) for query in queries]
    return [value for one in found for value in one] if all(found) else []


def all_up(where: Site) -> bool:
    return all(one["health"] == "up" for one in answers.targets(where.prometheus))
