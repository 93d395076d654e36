"""`kill -9` of an Alertmanager: the only one, and one of two that know each other."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests

from compose import waiting
from compose.demo import stage, webhook
from compose.native import processes, servers
from compose.native.processes import Process
from compose.ports import Ports, free_port
from generator import tree
from generator.build import build
from generator.definitions import definitions
from generator.opening import inventory_at
from modelwatch.inventory import Inventory
from tests import real
from tests.faults.site import (
    COMPRESSION,
    HEAD,
    alertmanager_alerts,
    eventually,
    healthy_again,
    kill,
    measured,
    model,
    site,
    supervised,
    watch,
)
from tests.small_site import serving

pytestmark = [pytest.mark.real, pytest.mark.servers, pytest.mark.slow]

TEXT = f"{HEAD}models:\n{model('mute', 1)}"
PEER_TIMEOUT_S = 15
"""What the second waits for a sign that the first has told; see `--cluster.peer-timeout`."""


def test_the_only_one_comes_back_and_tells_what_still_fires(
    tmp_path: Path, native_path: str
) -> None:
    """It forgets what it told in its last minute: twice is the price of never not at all."""
    with site(tmp_path, TEXT, native_path) as where, supervised(where) as said:
        eventually(lambda: where.told("ModelEndpointDown"), "the first notification")
        killed = kill(where.process("Alertmanager"))
        measured("ready again", f"{healthy_again(killed, where.stack.alertmanager_url):.1f} s")
        eventually(
            lambda: alertmanager_alerts(where.stack.alertmanager_url, "ModelEndpointDown"),
            "Prometheus to send the alert again, which it does each minute",
        )
        watch(4 * 60 / COMPRESSION)
        told = [one.status for one in where.told("ModelEndpointDown")]
        measured("notifications", told)
        assert set(told) == {"firing"}
        assert len(told) <= 2
        assert len(said) == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One Alertmanager of two."""

    process: Process
    url: str

    @property
    def name(self) -> str:
        """By which the two decide who tells first."""
        status = requests.get(f"{self.url}/api/v2/status", timeout=10).json()
        return str(status["cluster"]["name"])

    @property
    def peers(self) -> int:
        status = requests.get(f"{self.url}/api/v2/status", timeout=10).json()
        return len(status["cluster"]["peers"])


def peer(program: Path, folder: Path, web: int, gossip: int, other: int) -> Peer:
    """Started as profile `ha` of the compose file does, but for the addresses."""
    storage = folder / f"alertmanager-{web}"
    command: list[str | Path] = [
        program,
        f"--config.file={folder / 'config/alertmanager/alertmanager.yml'}",
        f"--storage.path={storage}",
        "--data.maintenance-interval=1m",
        f"--cluster.listen-address=127.0.0.1:{gossip}",
        f"--cluster.peer=127.0.0.1:{other}",
        f"--web.listen-address=127.0.0.1:{web}",
    ]
    process = processes.spawn(
        "Alertmanager",
        command,
        mark=f"--storage.path={storage}",
        log=folder / f"{storage.name}.log",
    )
    return Peer(process=process, url=f"http://127.0.0.1:{web}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two Alertmanagers, and what starts the Prometheus that tells both."""

    fleet: Inventory
    peers: tuple[Peer, Peer]
    inbox: webhook.Inbox
    folder: Path
    ports: Ports
    path: str

    @property
    def first(self) -> Peer:
        """The one that tells unless it is gone."""
        return min(self.peers, key=lambda one: one.name)

    def told(self) -> list[float]:
        """When it was told that the endpoint is down."""
        names = [
            (one["at"], alert["labels"]["alertname"], alert["status"])
            for one in self.inbox.listed()
            for alert in one["alerts"]
        ]
        return [at for at, *what in names if what == ["ModelEndpointDown", "firing"]]


@contextlib.contextmanager
def pair(folder: Path, path: str) -> Iterator[Pair]:
    file, inbox = folder / "models.yaml", webhook.Inbox()
    file.write_text(TEXT)
    ports = Ports(prometheus=free_port(), alertmanager=free_port())
    webs, gossips = (ports.alertmanager, free_port()), (free_port(), free_port())
    program = real.program("alertmanager", path)
    with contextlib.ExitStack() as ended:
        port = ended.enter_context(serving(webhook.server(0, inbox)))
        fleet = stage.localised(inventory_at(str(file)), ports, f"http://127.0.0.1:{port}", path)
        both = tuple(f"127.0.0.1:{web}" for web in webs)
        fleet = replace(fleet, settings=replace(fleet.settings, alertmanagers=both))
        tree.write(folder / "config", build(fleet, definitions()))
        started = []
        for web, gossip, other in zip(webs, gossips, reversed(gossips), strict=True):
            started.append(peer(program, folder, web, gossip, other))
            ended.callback(processes.stop, started[-1].process)
        eventually(lambda: all(waiting.answers(f"{one.url}/-/ready") for one in started), "them")
        eventually(lambda: all(one.peers == len(started) for one in started), "them to meet")
        yield Pair(
            fleet=fleet,
            peers=(started[0], started[1]),
            inbox=inbox,
            folder=folder,
            ports=ports,
            path=path,
        )


@pytest.mark.parametrize("moment", ["before", "arrived", "told"])
def test_one_of_two_dies_and_the_other_tells(tmp_path: Path, native_path: str, moment: str) -> None:
    with pair(tmp_path, native_path) as two, contextlib.ExitStack() as ended:
        first = two.first
        if moment == "before":
            os.kill(first.process.pid, signal.SIGKILL)
        program = real.program("prometheus", native_path)
        prometheus = servers.start_prometheus(program, tmp_path / "config", tmp_path, two.ports)
        ended.callback(processes.stop, prometheus)
        survivor = next(one for one in two.peers if one != first)
        if moment == "arrived":
            eventually(lambda: alertmanager_alerts(first.url, "ModelEndpointDown"), "the alert")
            os.kill(first.process.pid, signal.SIGKILL)
        if moment == "told":
            eventually(two.told, "the notification")
            os.kill(first.process.pid, signal.SIGKILL)
        eventually(lambda: alertmanager_alerts(survivor.url, "ModelEndpointDown"), "the alert")
        arrived = time.time()
        eventually(two.told, "the notification")
        watch(PEER_TIMEOUT_S + 4 * 60 / COMPRESSION)
        assert 1 <= len(two.told()) <= 2
        after = [f"{at - arrived:.1f} s" for at in two.told()]
        measured(f"killed {moment}: told so long after it arrived", after)
