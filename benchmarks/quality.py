"""What taking in scores costs: events per second of one core, and memory over ten million."""

import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from benchmarks.measured import table, verdict
from compose.ports import free_port
from exporters.base.exporter import Request
from exporters.quality.declared import Anything
from exporters.quality.doors import PATH, answer
from exporters.quality.ledger import Ledger
from modelwatch.catalogue.quality import QUALITY_STATE_BYTES
from modelwatch.problems import Unreachable

BATCH = 1_000
EVENTS = 200_000
"""Of each way to call the door."""

MILESTONES = (100_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000)
"""Events sent over HTTP by then, all of them with ids."""

GOAL_PER_S = 50_000
FULL = 5_000_000
"""By then as many ids are known as ever will be, and the first snapshot was made: from here on
memory has no reason to grow."""

GOAL_GROWTH = 1.1
READY_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """The server after so many events."""

    events: int
    elapsed_s: float
    cpu_s: float
    memory_bytes: float
    disk_bytes: float


def run() -> None:
    """Measure both, print tables and whether the goals are reached."""
    ways = {
        "NDJSON, ids": _rate(lines=True, ids=True),
        "NDJSON, no ids": _rate(lines=True, ids=False),
        "JSON list, ids": _rate(lines=False, ids=True),
        "JSON list, no ids": _rate(lines=False, ids=False),
    }
    print(
        table(
            (f"the door, batches of {BATCH}", "events/s of a core"),
            [(name, f"{rate:,.0f}") for name, rate in ways.items()],
        )
    )
    print()
    reached, ready_s = _over_http()
    print(
        table(
            ("events over HTTP", "events/s", "events/s of a core", "memory", "on disk"),
            [
                (
                    f"{one.events:,}",
                    f"{one.events / one.elapsed_s:,.0f}",
                    f"{one.events / one.cpu_s:,.0f}",
                    f"{one.memory_bytes / 1e6:.0f} MB",
                    f"{one.disk_bytes / 1e6:.0f} MB",
                )
                for one in reached
            ],
        )
    )
    print(f"\nready {ready_s:.2f} s after a kill -9 at the end\n")
    slowest = min(ways.values())
    print(
        verdict(f"{slowest:,.0f} events/s of {GOAL_PER_S:,}, on disk", reached=slowest > GOAL_PER_S)
    )
    full = next(one for one in reached if one.events == FULL)
    growth = reached[-1].memory_bytes / full.memory_bytes
    print(verdict(f"memory is {growth:.2f} times that at {FULL:,}", reached=growth < GOAL_GROWTH))


def _body(number: int, *, lines: bool, ids: bool) -> bytes:
    """A batch of 20 models with two scores each."""
    events = [
        {
            "model": f"model-{at % 20}",
            "environment": "production",
            "score": ("groundedness", "relevance")[at % 2],
            "value": (number * 7 + at * 13) % 1000 / 1000,
            "version": "2027-01",
            "evaluator": "judge",
            "evaluator_version": "3",
            "time": round(time.time(), 3),
            **({"id": f"{number}-{at}-4e2a9c-1111-2222"} if ids else {}),
        }
        for at in range(BATCH)
    ]
    text = "\n".join(map(json.dumps, events)) if lines else json.dumps(events)
    return text.encode()


def _type(*, lines: bool) -> dict[str, str]:
    return {"content-type": "application/x-ndjson" if lines else "application/json"}


def _rate(*, lines: bool, ids: bool) -> float:
    """Events per second of processor time, fsync's thread included."""
    with tempfile.TemporaryDirectory(prefix="modelwatch-benchmark-") as folder:
        ledger = Ledger(Path(folder), Anything())
        ledger.start()
        cpu_s = 0.0
        for number in range(EVENTS // BATCH):
            request = Request(
                path=PATH,
                query={},
                headers=_type(lines=lines),
                body=_body(number, lines=lines, ids=ids),
            )
            before = time.process_time()
            status = answer(ledger, request).status
            cpu_s += time.process_time() - before
            if status != 200:
                raise Unreachable(f"the door answered {status}")
        ledger.stop()
    return EVENTS / cpu_s


def _over_http() -> tuple[list[Reached], float]:
    """What the whole exporter took by each milestone, and until it was ready after a kill."""
    with tempfile.TemporaryDirectory(prefix="modelwatch-benchmark-") as folder:
        address = f"127.0.0.1:{free_port()}"
        with _exporter(address, Path(folder)) as server:
            reached = list(_sent(address))
            server.kill()
        started = time.perf_counter()
        with _exporter(address, Path(folder)):
            return reached, time.perf_counter() - started


def _sent(address: str) -> Iterator[Reached]:
    connection = http.client.HTTPConnection(address)
    template = _body(0, lines=True, ids=True).replace(b'"id": "0-', b'"id": "@-')
    idle_s = _own(address)["process_cpu_seconds_total"]
    elapsed_s = 0.0
    sent = 0
    for milestone in MILESTONES:
        started = time.perf_counter()
        while sent < milestone:
            body = template.replace(b"@", str(sent).encode())
            connection.request("POST", PATH, body, _type(lines=True))
            reply = connection.getresponse()
            if json.loads(reply.read()).get("accepted") != BATCH:
                raise Unreachable(f"the exporter answered {reply.status}")
            sent += BATCH
        elapsed_s += time.perf_counter() - started
        own = _own(address)
        yield Reached(
            events=sent,
            elapsed_s=elapsed_s,
            cpu_s=own["process_cpu_seconds_total"] - idle_s,
            memory_bytes=own["process_resident_memory_bytes"],
            disk_bytes=own[QUALITY_STATE_BYTES.name],
        )
    connection.close()


def _own(address: str) -> dict[str, float]:
    page = requests.get(f"http://{address}/metrics", timeout=READY_WITHIN_S).text
    rows = (line.rpartition(" ") for line in page.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in rows}


@contextmanager
def _exporter(address: str, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    command = Path(sys.executable).with_name("modelwatch")
    arguments = ["exporter", "quality", "--listen", address, "--state-dir", str(folder / "state")]
    with (folder / "log").open("ab") as log:
        server = subprocess.Popen([command, *arguments], stdout=log, stderr=log)
    try:
        _await_ready(address, folder / "log")
        yield server
    finally:
        server.kill()
        server.wait()


def _await_ready(address: str, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        try:
            if requests.get(f"http://{address}/-/ready", timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.05)
    raise Unreachable(f"the exporter was not ready: {log.read_text()[-2000:]}")
