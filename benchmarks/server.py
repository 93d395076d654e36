"""A Prometheus for one measurement: started, asked, ended."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from compose import programs
from compose.native import processes
from compose.ports import free_port
from generator.yaml_text import dump
from modelwatch.problems import Unreachable

READY_WITHIN_S = 120.0
ANSWER_WITHIN_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running Prometheus."""

    url: str
    version: str

    def samples(self) -> dict[str, float]:
        """What it says about itself: every line of its own metrics page."""
        page = requests.get(f"{self.url}/metrics", timeout=ANSWER_WITHIN_S).text
        lines = (line.rpartition(" ") for line in page.splitlines() if not line.startswith("#"))
        return {series: float(value) for series, _, value in lines}

    def groups(self) -> list[dict[str, Any]]:
        """Its rule groups with their rules."""
        answer = requests.get(f"{self.url}/api/v1/rules", timeout=ANSWER_WITHIN_S)
        found: list[dict[str, Any]] = answer.json()["data"]["groups"]
        return found

    def asked(self, query: str, **window: float) -> tuple[float, dict[str, Any]]:
        """Seconds that a range query takes, and its answer."""
        started = time.perf_counter()
        answer = requests.get(
            f"{self.url}/api/v1/query_range",
            params={"query": query, "stats": "all"} | {key: str(at) for key, at in window.items()},
            timeout=ANSWER_WITHIN_S,
        )
        elapsed = time.perf_counter() - started
        document = json.loads(answer.text)
        if document["status"] != "success":
            raise Unreachable(f"Prometheus refused {query}: {document['error']}")
        result: dict[str, Any] = document["data"]
        return elapsed, result


@contextmanager
def prometheus(
    folder: Path, *, storage: Path, configuration: Mapping[str, object] | None = None
) -> Iterator[Server]:
    """Run a Prometheus on a loopback port, over blocks that are there or none."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "prometheus.yml"
    config.write_text(dump(dict(configuration or {"global": {}})), encoding="utf-8")
    program = programs.require("prometheus")["prometheus"]
    address = f"127.0.0.1:{free_port()}"
    process = processes.spawn(
        "Prometheus",
        [
            program.path,
            f"--config.file={config}",
            f"--storage.tsdb.path={storage}",
            "--storage.tsdb.min-block-duration=2h",  # equal: blocks are never merged meanwhile
            "--storage.tsdb.max-block-duration=2h",
            f"--web.listen-address={address}",
        ],
        mark=f"--storage.tsdb.path={storage}",
        log=folder / "prometheus.log",
    )
    try:
        _await_ready(f"http://{address}", process)
        yield Server(url=f"http://{address}", version=program.version)
    finally:
        processes.stop(process)


def _await_ready(url: str, process: processes.Process) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        if not process.alive:
            raise processes.died(process)
        try:
            if requests.get(f"{url}/-/ready", timeout=5).ok:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.1)
    raise Unreachable(f"{process.name} was not ready after {READY_WITHIN_S:.0f} s")
