"""The observer within a program: whatever the exporter does, the program goes on."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from modelwatch import observer as under_test
from modelwatch.observer import Observer
from tests.exporters.prometheus_server import free_address, server, until

QUICK_S = 0.02


class Exporter:
    """Answers as the exporter does, or as told; keeps what arrived."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.statuses: list[int] = []
        """Of the next answers; 200 after these."""
        self.hold = threading.Event()
        self.hold.set()

    @property
    def observations(self) -> list[dict[str, Any]]:
        return [one for body in self.bodies for one in body["observations"]]

    @contextmanager
    def running(self) -> Iterator[str]:
        exporter = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                exporter.hold.wait(20)
                exporter.headers.append(dict(self.headers))
                status = exporter.statuses.pop(0) if exporter.statuses else 200
                if status == 200:
                    exporter.bodies.append(body)
                answer = b'{"accepted": 1, "rejected": 0}'
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Nothing: tests do not read it."""

        with server(Handler) as address:
            try:
                yield f"http://{address}"
            finally:
                self.hold.set()


@pytest.fixture
def exporter() -> Exporter:
    return Exporter()


@contextmanager
def observing(url: str, **settings: Any) -> Iterator[Observer]:
    made = Observer(url, model="fraud", every_s=QUICK_S, **settings)
    yield made
    made.close()


def test_what_is_observed_arrives_with_its_model_and_its_moment(exporter: Exporter) -> None:
    with exporter.running() as url, observing(url) as observer:
        observer.observe({"amount": 12.5}, score=0.93, predicted="fraud", id="tx-1", time_s=5.0)
        until(lambda: observer.sent == 1, "one observation")
    (body,) = exporter.bodies
    assert (body["model"], body["sampling"]) == ("fraud", 1.0)
    assert body["observations"] == [
        {
            "features": {"amount": 12.5},
            "score": 0.93,
            "predicted": "fraud",
            "id": "tx-1",
            "time": 5.0,
        }
    ]


def test_a_share_is_observed_and_the_exporter_is_told(exporter: Exporter) -> None:
    chances = iter([0.05, 0.5, 0.9, 0.01])
    with (
        exporter.running() as url,
        observing(url, sampling=0.1, chance=lambda: next(chances)) as observer,
    ):
        for amount in range(4):
            observer.observe({"amount": amount})
        until(lambda: observer.sent == 2, "two observations")
    assert [one["features"]["amount"] for one in exporter.observations] == [0, 3]
    assert exporter.bodies[0]["sampling"] == 0.1


def test_the_token_is_shown(exporter: Exporter, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    with (
        exporter.running() as url,
        observing(url, token_file=str(tmp_path / "token")) as observer,
    ):
        observer.observe({"amount": 1})
        until(lambda: observer.sent == 1, "one observation")
    assert exporter.headers[0]["Authorization"] == "Bearer secret"


def test_a_busy_exporter_gets_the_same_batch_under_the_same_name(exporter: Exporter) -> None:
    exporter.statuses = [503, 503]
    with exporter.running() as url, observing(url) as observer:
        observer.observe({"amount": 1})
        until(lambda: observer.sent == 1, "one observation")
    assert len(exporter.headers) == 3
    assert exporter.bodies[0]["batch"]
    assert dict(observer.dropped) == {}


@pytest.mark.parametrize(
    ("statuses", "reason"),
    [([401], "refused"), ([413], "refused"), ([422], "refused"), ([503] * 3, "busy")],
    ids=str,
)
def test_what_is_refused_is_dropped_and_counted(
    statuses: list[int], reason: str, exporter: Exporter
) -> None:
    exporter.statuses = statuses
    with exporter.running() as url, observing(url) as observer:
        observer.observe({"amount": 1})
        until(lambda: dict(observer.dropped) == {reason: 1}, "the refusal")
        observer.observe({"amount": 2})
        until(lambda: observer.sent == 1, "the next observation")


def test_without_an_exporter_observations_are_dropped() -> None:
    with observing(f"http://{free_address()}") as observer:
        observer.observe({"amount": 1})
        until(lambda: dict(observer.dropped) == {"unreachable": 1}, "the drop")


def test_nobody_waits_for_an_exporter_that_hangs(exporter: Exporter) -> None:
    exporter.hold.clear()
    with exporter.running() as url, observing(url, most_queued=50) as observer:
        calls = [_took(observer) for _ in range(5000)]
        assert max(calls) < under_test.WITHIN_S / 2  # a request that hangs takes all of it
        assert observer.dropped["full"] >= 5000 - 50 - under_test.MOST_AT_ONCE
        exporter.hold.set()


def _took(observer: Observer) -> float:
    began = time.monotonic()
    observer.observe({"amount": 1})
    return time.monotonic() - began


class _Hostile:
    def tolist(self) -> object:
        raise RuntimeError("no")


_ENDLESS: list[Any] = []
_ENDLESS.append(_ENDLESS)


@pytest.mark.parametrize(
    "features",
    [
        _Hostile(),
        {"a": _Hostile()},
        {"a": _ENDLESS},
        {("a", "b"): 1},
        {"a": "x" * (under_test.MOST_CHARACTERS + 1)},
        object(),
        {"a": b"bytes"},
        {"a": float("nan"), "b": "\ud800", "c": 10**400},
        "text",
        [1],
    ],
    ids=lambda value: type(value).__name__,
)
def test_garbage_raises_nothing(features: Any, exporter: Exporter) -> None:
    with exporter.running() as url, observing(url) as observer:
        observer.observe(features)
        observer.observe({"amount": 1})
        until(lambda: observer.sent + sum(observer.dropped.values()) == 2, "both")
    assert {"amount": 1} in [one.get("features") for one in exporter.observations]


def test_arrays_of_numpy_are_written_as_numbers(exporter: Exporter) -> None:
    numpy = pytest.importorskip("numpy")
    with exporter.running() as url, observing(url) as observer:
        observer.observe({"amount": numpy.float32(0.5)}, embeddings={"text": numpy.zeros(2)})
        until(lambda: observer.sent == 1, "one observation")
    (one,) = exporter.observations
    assert (one["features"], one["embeddings"]) == ({"amount": 0.5}, {"text": [0.0, 0.0]})


def test_a_thousand_threads_lose_nothing(exporter: Exporter) -> None:
    with exporter.running() as url, observing(url) as observer:

        def observe() -> None:
            for number in range(5):
                observer.observe({"n": number})

        threads = [threading.Thread(target=observe) for _ in range(1000)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        until(lambda: observer.sent == 5000, "all of them")
    assert dict(observer.dropped) == {}
    assert len(exporter.observations) == 5000


def test_after_the_end_nothing_is_kept(exporter: Exporter) -> None:
    with exporter.running() as url, observing(url) as observer:
        observer.close()
        observer.close()
        observer.observe({"amount": 1})
    assert dict(observer.dropped) == {"closed": 1}


PROGRAM = """
import os, sys, time
from modelwatch.observer import Observer
observer = Observer(sys.argv[1], model="fraud")
observer.observe({"amount": 1})
"""


def run(program: str, url: str) -> float:
    began = time.monotonic()
    root = Path(__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-c", program, url],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert (done.returncode, done.stderr) == (0, "")
    return time.monotonic() - began


def test_a_program_that_ends_sends_what_is_left(exporter: Exporter) -> None:
    with exporter.running() as url:
        run(PROGRAM, url)
    assert len(exporter.observations) == 1


def test_a_program_ends_though_the_exporter_hangs(exporter: Exporter) -> None:
    exporter.hold.clear()
    with exporter.running() as url:
        assert run(PROGRAM, url) < 15  # two seconds, on a machine with other work


def test_each_process_after_a_fork_sends_its_own(exporter: Exporter) -> None:
    forks = f"""{PROGRAM}
if os.fork() == 0:
    observer.observe({{"amount": 2}})
    observer.close()
    os._exit(0)
os.wait()
observer.observe({{"amount": 3}})
"""
    with exporter.running() as url:
        run(forks, url)
    amounts = sorted(one["features"]["amount"] for one in exporter.observations)
    assert amounts == [1, 2, 3]
