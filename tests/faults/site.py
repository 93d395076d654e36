"""A whole native stack for one test, from an inventory to its receivers in an inbox here."""

import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests

from compose import waiting
from compose.demo import stage, webhook
from compose.native import stack as native
from compose.native.processes import Process
from compose.native.stack import Stack
from compose.ports import Ports, free_port
from generator import stack as commands
from generator import tree
from generator.build import build
from generator.definitions import definitions
from generator.opening import inventory_at
from modelwatch.inventory import Inventory
from tests.small_site import serving

COMPRESSION = 20
"""An hour passes in three minutes: holds, windows and waits of five minutes in 15 seconds."""

HEAD = f"""\
settings: {{scrape_interval: 15s, time_compression: {COMPRESSION}, deadman: heartbeat}}
teams:
  assist: {{page: on-call, ticket: tickets}}
receivers:
  on-call: {{webhook: {{url: "http://127.0.0.1:1/"}}}}
  tickets: {{webhook: {{url: "http://127.0.0.1:1/"}}}}
  heartbeat: {{webhook: {{url: "http://127.0.0.1:1/"}}}}
engines:
  shelf: {{model_label: m, signals: {{requests_running: {{gauge: shelf_running}}}}}}
defaults: {{team: assist, tier: 1, limits: {{silent: off}}}}
"""
"""The start of an inventory; where receivers are is replaced by the inbox of the test."""


def model(name: str, port: int) -> str:
    """The lines of a model whose only source is a page on this machine."""
    source = f'{{engine: shelf, targets: ["127.0.0.1:{port}"], model: {name}}}'
    return f"  - {{name: {name}, sources: [{source}]}}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One alert of one notification."""

    at: float
    to: str
    status: str
    name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What runs, and what it was made from."""

    fleet: Inventory
    stack: Stack
    inbox: webhook.Inbox
    path: str

    @property
    def prometheus(self) -> str:
        return self.stack.prometheus_url

    def process(self, name: str) -> Process:
        """The process of that name as it runs now."""
        known = native.state(self.stack.data_dir) or self.stack
        return next(one for one, _ in known.urls if one.name == name)

    def told(self, name: str = "") -> list[Told]:
        """Everything that was delivered but heartbeats, oldest first."""
        every = (one for came in self.inbox.listed() for one in _told(came))
        return [one for one in every if name in ("", one.name) and one.name != "Watchdog"]


def _told(came: Mapping[str, Any]) -> Iterator[Told]:
    for alert in came.get("alerts", ()):
        yield Told(
            at=came["at"],
            to=came["to"],
            status=alert["status"],
            name=alert["labels"]["alertname"],
            labels=alert["labels"],
            annotations=alert["annotations"],
        )


def _unchanged(fleet: Inventory, _: str) -> Inventory:
    return fleet


@contextmanager
def site(
    folder: Path,
    text: str,
    path: str,
    *,
    server: ThreadingHTTPServer | None = None,
    inbox: webhook.Inbox | None = None,
    change: Callable[[Inventory, str], Inventory] = _unchanged,
    add: Callable[[Path], object] = str,
) -> Iterator[Site]:
    """The stack of an inventory, ended afterwards.

    `server` puts what comes into `inbox` in another way than usual, `change` adapts the inventory
    to the address of the inbox, `add` does something to the generated folder.
    """
    inbox = inbox or webhook.Inbox()
    file = folder / "models.yaml"
    file.write_text(text)
    ports = Ports(prometheus=free_port(), alertmanager=free_port(), boards=free_port())
    with serving(server or webhook.server(0, inbox)) as port:
        inbox_url = f"http://127.0.0.1:{port}"
        fleet = change(stage.localised(inventory_at(str(file)), ports, inbox_url, path), inbox_url)
        tree.write(folder / "config", build(fleet, definitions()))
        add(folder / "config")
        try:
            stack = native.start(
                folder / "config", folder / "data", ports, inventory=fleet, path=path
            )
            yield Site(fleet=fleet, stack=stack, inbox=inbox, path=path)
        finally:
            native.stop(folder / "data")


@contextmanager
def supervised(where: Site) -> Iterator[list[str]]:
    """Supervision as `up --foreground` has it, and what it says."""
    said: list[str] = []
    ended = threading.Event()

    def rounds() -> Iterator[None]:
        while not ended.wait(commands.LOOK_EVERY_S):
            yield

    def supervise() -> None:
        said.extend(
            native.supervise(where.stack, rounds=rounds(), inventory=where.fleet, path=where.path)
        )

    thread = threading.Thread(target=supervise)
    thread.start()
    try:
        yield said
    finally:
        ended.set()
        thread.join()


def settled(where: Site) -> None:
    """Wait until a start is done: whatever ends during one is looked at half a minute later."""
    with (where.stack.data_dir / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)


def kill(process: Process) -> float:
    """`kill -9`; the moment."""
    moment = time.monotonic()
    os.kill(process.pid, signal.SIGKILL)
    eventually(lambda: not process.alive, "its end", 20)
    return moment


def healthy_again(killed: float, url: str) -> float:
    """Seconds from that moment until `url` says that it is ready."""
    eventually(lambda: waiting.answers(f"{url}/-/ready"), f"{url} to be ready", 120)
    return time.monotonic() - killed


def eventually(true: Callable[[], object], what: str, within_s: float = 120) -> None:
    """Wait until it is so; the deadline is for what never happens, not for slow machines."""
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, f"waited {within_s:.0f} s in vain for {what}"
        time.sleep(0.1)


def watch(seconds: float) -> None:
    """Give something that must not happen the time to happen."""
    time.sleep(seconds)


def measured(what: str, value: object) -> None:
    """A figure for the documentation: `pytest -rP` shows it."""
    sys.stdout.write(f"measured: {what}: {value}\n")


def alertmanager_alerts(url: str, name: str) -> list[dict[str, Any]]:
    """The alerts of that name as Alertmanager has them."""
    found: list[dict[str, Any]] = requests.get(
        f"{url}/api/v2/alerts", params={"filter": f"alertname={name}"}, timeout=10
    ).json()
    return found
