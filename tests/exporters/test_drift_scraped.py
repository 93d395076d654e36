"""Drift exporters as processes, scraped by a real Prometheus of each release."""

import gzip
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from alerts.recorded.drift_counts import at_edge
from exporters.drift.baseline import Baseline, text
from modelwatch.catalogue import drift
from modelwatch.promql import select
from tests.exporters.drift_ledgers import BASELINE, FRAUD, OTHER_BASELINE, row
from tests.exporters.prometheus_server import free_address, prometheus, until, values
from tests.inventory_texts import MODEL

ROOT = Path(__file__).parent.parent.parent
CONFIG = """\
global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs:
  - job_name: modelwatch-drift
    honor_labels: true
    static_configs: [{{targets: {targets}}}]
"""
SEEN = drift.DRIFT_OBSERVATIONS_TOTAL


class Replica:
    """One exporter, which can be ended and begun again."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name, self.address = folder, name, free_address()
        self.begin()

    def begin(self) -> None:
        command = [sys.executable, "-m", "generator", "exporter", "drift"]
        state = f"--state-dir={self.folder / self.name}"
        more = [f"--inventory={self.folder / 'models.yaml'}", f"--listen={self.address}", state]
        with (self.folder / f"{self.name}.log").open("a") as log:
            self.process = subprocess.Popen([*command, *more], stdout=log, stderr=log, cwd=ROOT)
        until(self._is_ready, f"the exporter, see {self.folder / self.name}.log")

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"http://{self.address}/-/ready", timeout=5).ok
        except requests.ConnectionError:
            return False

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(how)
        self.process.wait(20)

    def send(self, body: object) -> dict[str, Any]:
        answer = requests.post(
            f"http://{self.address}/v1/observe",
            data=gzip.compress(json.dumps(body).encode()),
            headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
            timeout=10,
        )
        found: dict[str, Any] = answer.json()
        return found


def write(folder: Path, baseline: Baseline) -> None:
    (folder / "new").write_text(text(baseline))
    (folder / "new").replace(folder / "fraud.json")


@contextmanager
def scraped(folder: Path, path: str) -> Iterator[tuple[str, Replica, Replica]]:
    """The address of a Prometheus that scrapes two exporters, and these."""
    (folder / "models.yaml").write_text(FRAUD)
    write(folder, BASELINE)
    with ExitStack() as stack:
        replicas = [Replica(folder, name) for name in ("a", "b")]
        for one in replicas:
            stack.callback(one.end, signal.SIGKILL)
        targets = [one.address for one in replicas]
        (folder / "prometheus.yml").write_text(CONFIG.format(targets=targets))
        url = stack.enter_context(prometheus(folder, path, configured=True))
        yield url, replicas[0], replicas[1]


def seen(url: str, baseline: Baseline) -> float:
    where = {"feature_name": "amount", "baseline": baseline.identity}
    return sum(values(url, f"sum({select(SEEN, where)})").values())


@pytest.mark.real
def test_what_is_sent_is_what_prometheus_has(tmp_path: Path, native_path: str) -> None:
    with scraped(tmp_path, native_path) as (url, one, other):
        until(lambda: len(values(url, f"{select(SEEN, {'feature_name': 'amount'})}")) == 2, "zeros")

        # Two replicas add up.
        assert one.send([row(score=0.5, predicted="fraud")] * 30)["accepted"] == 30
        assert other.send([row(15.0, "FR")] * 12)["accepted"] == 12
        until(lambda: seen(url, BASELINE) == 42, "both")
        where = {"bin": "FR", "feature_name": "country"}
        assert sum(values(url, select(drift.DRIFT_CATEGORIES_TOTAL, where)).values()) == 12

        # Every boundary of a bucket is that of the baseline, as text.
        same = "on (model, environment, feature_name, predicted, baseline, le)"
        buckets = drift.DRIFT_VALUES.bucket
        joined = values(url, f"count({buckets} and {same} {at_edge(drift.DRIFT_BASELINE_CDF)})")
        assert joined == values(url, f"count({buckets})")
        edges = {
            dict(labels)["le"] for labels in values(url, f"{buckets}{{feature_name='amount'}}")
        }
        assert edges == {"-1.0", "0.5", "10.0", "1e+06", "+Inf"}

        # Nothing is lost by a restart, and no counter falls with a crash.
        one.end()
        one.begin()
        assert one.send([row()] * 8)["accepted"] == 8
        until(lambda: seen(url, BASELINE) == 50, "what came after the restart")
        one.end(signal.SIGKILL)
        one.begin()
        one.send([row()] * 5)
        until(lambda: seen(url, BASELINE) == 55, "what came after the crash")
        resets = values(url, f"max(resets({SEEN}[1h]))")
        assert list(resets.values()) == [0]

        # Another baseline is counted by itself.
        write(tmp_path, OTHER_BASELINE)
        info = select(drift.DRIFT_BASELINE_INFO, {"baseline": OTHER_BASELINE.identity})
        until(lambda: len(values(url, info)) == 2, "the other baseline")
        one.send([row()] * 3)
        other.send([row()] * 4)
        until(lambda: seen(url, OTHER_BASELINE) == 7, "counts against it")
        assert seen(url, BASELINE) == 55


@pytest.mark.real
def test_a_model_without_a_baseline_does_not_hold_up_the_others(
    tmp_path: Path, native_path: str
) -> None:
    chat = (
        MODEL.partition("models:\n")[2] + "    drift: {features: [length], baseline: none.json}\n"
    )
    with ExitStack() as stack:
        (tmp_path / "models.yaml").write_text(FRAUD + chat)
        write(tmp_path, BASELINE)
        one = Replica(tmp_path, "a")
        stack.callback(one.end, signal.SIGKILL)
        (tmp_path / "prometheus.yml").write_text(CONFIG.format(targets=[one.address]))
        url = stack.enter_context(prometheus(tmp_path, native_path, configured=True))
        until(lambda: bool(values(url, f"{drift.DRIFT_BASELINE_TROUBLE} == 1")), "the trouble")
        (labels,) = values(url, f"{drift.DRIFT_BASELINE_TROUBLE} == 1")
        assert dict(labels)["model"] == "chat"
        assert dict(labels)["trouble"] == "missing"
        assert one.send(row())["accepted"] == 1
    assert "none.json is not there; nothing is counted" in (tmp_path / "a.log").read_text()
