"""The sample exporter as a process of its own, and ways to talk to it."""

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from prometheus_client.parser import text_string_to_metric_families

from modelwatch.catalogue.exporters import EXPORTER_REJECTED_TOTAL

ROOT = Path(__file__).parent.parent.parent
TOKEN = "0123456789abcdef" * 2


def until(done: Callable[[], bool], within_s: float = 10.0) -> bool:
    """Ask again until it is true; false when it never was."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if done():
            return True
        time.sleep(0.02)
    return done()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


class Sample:
    """A running sample exporter. `url` has no slash at its end."""

    def __init__(self, state_dir: Path, *arguments: str | Path, quick: bool = False) -> None:
        self.state_dir = state_dir
        command = [sys.executable, "-m", "tests.exporters.more", "exporter", "sample"]
        chosen = ["--state-dir", str(state_dir), *map(str, arguments)]
        if "--listen" not in chosen:
            chosen += ["--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(
            [*command, *chosen],
            cwd=ROOT,
            env={**os.environ, **({"QUICK": "1"} if quick else {})},
            stderr=subprocess.PIPE,
            text=True,
        )
        self.log: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.log.append(line.rstrip())

    def said(self, text: str) -> bool:
        return any(text in line for line in self.log)

    def started(self) -> "Sample":
        assert until(lambda: self.said(" is at ") or self.process.poll() is not None), self.log
        assert self.process.poll() is None, self.log
        return self

    @property
    def url(self) -> str:
        found = re.search(r" is at (\S+)/$", next(line for line in self.log if " is at " in line))
        assert found
        return found[1]

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def end(self, number: int = signal.SIGTERM) -> float:
        """Seconds until it has ended."""
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(20)
        self._reader.join(5)
        return time.monotonic() - began

    def end_reading(self) -> None:
        self._reader.join(5)
        assert self.process.stderr
        self.process.stderr.close()

    def samples(self, **settings: object) -> dict[str, float]:
        """Everything on the page, by name and the values of the labels."""
        page = requests.get(f"{self.url}/metrics", timeout=10, **settings)  # type: ignore[arg-type]
        page.raise_for_status()
        return {
            f"{sample.name}{{{','.join(sample.labels.values())}}}": sample.value
            for family in text_string_to_metric_families(page.text)
            for sample in family.samples
        }

    def rejected(self, reason: str) -> float:
        line = f'{EXPORTER_REJECTED_TOTAL}{{exporter="sample",reason="{reason}"}} '
        page = requests.get(f"{self.url}/metrics", timeout=10).text
        return float(page.partition(line)[2].partition("\n")[0])

    def health_s(self) -> float:
        """How long the health check takes."""
        began = time.monotonic()
        answer = requests.get(f"{self.url}/-/healthy", timeout=5)
        assert answer.text == "healthy\n"
        return time.monotonic() - began

    def memory_bytes(self, peak: bool = False) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB" if peak else r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def raw(self, *pieces: bytes, pause_s: float = 0.0) -> bytes:
        """What is answered to these bytes until the connection is closed or nothing comes."""
        with self.connect() as connection:
            try:
                for piece in pieces:
                    connection.sendall(piece)
                    time.sleep(pause_s)
            except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
                pass  # it has heard enough; its answer is read below
            return _everything(connection)


def _everything(connection: socket.socket) -> bytes:
    answer = b""
    try:
        while piece := connection.recv(65_536):
            answer += piece
    except ConnectionResetError:
        return answer
    return answer


@contextmanager
def running(state_dir: Path, *arguments: str | Path, quick: bool = False) -> Iterator[Sample]:
    """The exporter, started and ready, until the end of the block."""
    sample = Sample(state_dir, *arguments, quick=quick)
    try:
        yield sample.started()
    finally:
        if sample.process.poll() is None:
            sample.end(signal.SIGKILL)
        sample.end_reading()
