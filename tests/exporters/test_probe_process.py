"""The exporter as a process: killed, started twice, and with a key that nobody must see."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
import requests

from tests.exporters import misbehaving
from tests.exporters.misbehaving import STALL, whole

INVENTORY = """\
receivers: {{hook: {{webhook: {{url_file: /etc/hook}}}}}}
teams: {{assist: {{page: hook}}}}
models:
  - name: chat
    team: assist
    sources: [{{engine: modelwatch_probe, job: modelwatch-probe}}]
    probes:
      golden:
        api: openai_chat
        url: {url}/v1
        every: 1s
        stream: false
        key_file: {key_file}
        tokens_per_day: 60
        prompts: {{capital: {{prompt: "Capital of France?", max_tokens: 16}}}}
"""
Found = TypeVar("Found")
SECRET = "sk-nobody-must-see-this"  # noqa: S105  # of a scripted server


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A folder with an inventory of one probe, whose cap is enough for one request at a time."""

    folder: Path
    server: misbehaving.Server

    @property
    def log(self) -> str:
        return "".join(file.read_text() for file in sorted(self.folder.glob("*.log")))

    @contextmanager
    def exporter(self, name: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
        """The process and its address."""
        log = self.folder / f"{name}.log"
        with log.open("wb") as written:
            process = subprocess.Popen(self.command(), stdout=written, stderr=written)
        try:
            yield process, eventually(lambda: re.search(r"is at (\S+)/\n", log.read_text()))[1]
        finally:
            process.kill()
            process.wait(10)

    def command(self) -> list[str | Path]:
        return [
            *(sys.executable, "-m", "generator", "exporter", "probe", "--listen", "127.0.0.1:0"),
            *("--inventory", self.folder / "models.yaml", "--state-dir", self.folder / "state"),
        ]


def eventually(true: Callable[[], Found | None], within_s: float = 15.0) -> Found:
    deadline = time.monotonic() + within_s
    while not (found := true()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


@contextmanager
def site(folder: Path, *script: misbehaving.Step) -> Iterator[Site]:
    (folder / "key").write_text(f"{SECRET}\n")
    with misbehaving.server(script) as server:
        text = INVENTORY.format(url=server.url, key_file=folder / "key")
        (folder / "models.yaml").write_text(text)
        yield Site(folder=folder, server=server)


def test_a_killed_exporter_does_not_spend_its_cap_again(tmp_path: Path) -> None:
    with site(tmp_path, STALL) as stalled:
        with stalled.exporter("first") as (process, _):
            eventually(lambda: stalled.server.received)
            process.send_signal(signal.SIGKILL)
            process.wait(10)
        with stalled.exporter("second") as (_, url):
            reply = requests.get(f"{url}/probe?target=golden", timeout=10)
            page = requests.get(f"{url}/metrics", timeout=10).text
    assert (reply.status_code, len(stalled.server.received)) == (429, 1)
    assert "the cap of the day" in reply.text
    assert re.search(r'^modelwatch_probe_cap_reached{.*probe="golden"} 1\.0$', page, re.MULTILINE)


def test_a_second_exporter_on_the_same_state_says_why_it_does_not_start(tmp_path: Path) -> None:
    with site(tmp_path, STALL) as stalled, stalled.exporter("first"):
        second = subprocess.run(
            stalled.command(), capture_output=True, text=True, check=False, timeout=30
        )
    assert second.returncode == 1
    assert "in use by another probe exporter" in second.stderr
    assert "Traceback" not in second.stderr


@pytest.mark.parametrize("status", [200, 401, 500])
def test_the_key_is_sent_and_shown_nowhere(tmp_path: Path, status: int) -> None:
    # The server is so kind as to say it back.
    said = {"message": {"content": f"Bearer {SECRET}"}, "finish_reason": "stop"}
    document: dict[str, object] = {"model": SECRET, "choices": [said]}
    if status >= 400:
        document["error"] = {"message": f"no such key: {SECRET}"}
    with site(tmp_path, *whole(document, status, x_key=SECRET)) as kind:
        with kind.exporter("only") as (process, url):
            pages = [
                requests.get(f"{url}{path}", timeout=10).text
                for path in ("/probe?target=golden", "/metrics", "/")
            ]
            process.send_signal(signal.SIGTERM)
            assert process.wait(5) == 0
        sent = [one.headers["authorization"] for one in kind.server.received]
        state = "".join(file.read_text() for file in (tmp_path / "state").iterdir())
    assert set(sent) == {f"Bearer {SECRET}"}
    for text in (*pages, state, kind.log):
        assert SECRET not in text


def test_an_ending_exporter_does_not_wait_for_a_server_that_hangs(tmp_path: Path) -> None:
    with site(tmp_path, STALL) as stalled, stalled.exporter("only") as (process, _):
        eventually(lambda: stalled.server.received)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
        assert time.monotonic() - began < 1
