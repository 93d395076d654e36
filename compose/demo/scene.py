"""The scene on which incidents are played: a simulated fleet, an inbox, and the real stack."""

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requests

from compose import answers
from compose.demo import stage
from compose.demo.story import Teller
from compose.fleet.serve import PORTS
from compose.native import exporters, processes
from compose.native import stack as native
from compose.native.processes import Process
from compose.native.stack import Stack
from compose.ports import Ports, free_port
from compose.waiting import until
from modelwatch.catalogue.recorded import REQUESTS
from modelwatch.inventory import Inventory
from modelwatch.problems import ModelwatchError
from modelwatch.promql import duration_seconds

INBOX_PORT = 9406

RATE_WINDOW = "5m"
"""Over which rates are recorded: before one has passed, they are too low."""

ANSWERS_WITHIN_S = 60.0
MEASURED_WITHIN_S = 60.0

Write = Callable[[Inventory, Path], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What runs; one hour of the inventory passes in an hour divided by `compression`."""

    stack: Stack
    inbox_url: str
    control_url: str
    helpers: tuple[Process, ...]
    compression: int

    @property
    def running(self) -> tuple[Process, ...]:
        """All processes."""
        return (self.stack.prometheus, self.stack.alertmanager, *self.helpers)

    def begin(self, incident: str) -> None:
        """Let an incident happen.

        Raises:
            ModelwatchError: the fleet knows no incident of this name.
        """
        self._control(incident)

    def end(self, incident: str) -> None:
        """End it."""
        self._control(f"{incident}/end")

    def _control(self, what: str) -> None:
        answer = requests.post(f"{self.control_url}/incident/{what}", timeout=5)
        if not answer.ok:
            raise ModelwatchError(f"the fleet refused /incident/{what}: {answer.text.strip()}")


def set_up(
    inventory: Inventory,
    write: Write,
    data_dir: Path,
    *,
    teller: Teller,
    path: str | None = None,
    simulated: Inventory | None = None,
    usual_ports: bool = True,
) -> Scene:
    """Generate the configuration and start everything; an earlier scene there is forgotten.

    `write` generates an inventory into a folder; `path` replaces PATH. `simulated` names more
    servers than the inventory does so far: they serve, and nobody watches them yet. Without
    `usual_ports` all servers listen where nobody expects them, and so in nobody's way.

    Raises:
        Unreachable: a program is missing, a port is taken, or something did not start. What
            started then runs still: `tear_down` ends it.
    """
    tear_down(data_dir)
    shutil.rmtree(data_dir, ignore_errors=True)
    ports = native.choose_ports() if usual_ports else _other_ports()
    control_port = stage.free(PORTS["control"]) if usual_ports else free_port()
    pages = {"control": control_port, **stage.page_ports(simulated or inventory)}
    inbox_port = stage.free(INBOX_PORT) if usual_ports else free_port()
    inbox_url = f"http://127.0.0.1:{inbox_port}"
    config_dir = data_dir / "config"
    write(stage.localised(inventory, ports, inbox_url, path), config_dir)
    teller.step(
        f"{_count(config_dir)} files for {_fleet(inventory)} generated in {near(config_dir)}"
    )
    factor = inventory.settings.time_compression
    helpers = stage.start(data_dir, pages, inbox_port, inventory)
    teller.step(f"simulated servers answer: {', '.join(one for one in pages if one != 'control')}")
    control_url = f"http://127.0.0.1:{pages['control']}"
    helpers += stage.start_exporters(data_dir, inventory, control_url, ports, helpers)
    teller.step(f"our exporters answer: {', '.join(exporters.addresses(inventory))}")
    stack = native.start(config_dir, data_dir, ports, path=path)
    teller.step(f"Prometheus at {stack.prometheus_url}, Alertmanager at {stack.alertmanager_url}")
    if factor > 1:
        teller.detail([f"an hour passes in {3600 / factor:.0f} s: windows and holds are shorter"])
    return Scene(
        stack=stack,
        inbox_url=inbox_url,
        control_url=control_url,
        helpers=tuple(helpers),
        compression=factor,
    )


def reload(scene: Scene, inventory: Inventory, write: Write, *, path: str | None = None) -> None:
    """Let the running servers take an inventory that has changed; exporters look by themselves.

    Raises:
        ModelwatchError: a server refused the new configuration.
    """
    stack = scene.stack
    write(stage.localised(inventory, stack.ports, scene.inbox_url, path), stack.config_dir)
    native.start(stack.config_dir, stack.data_dir, stack.ports, path=path)


def tear_down(data_dir: Path) -> bool:
    """End everything that a scene in this folder left running. False when nothing was."""
    helpers = [one for one in stage.known_helpers(data_dir) if one.alive]
    stopped = native.stop(data_dir)
    for helper in helpers:
        processes.stop(helper)
    (data_dir / stage.HELPERS).unlink(missing_ok=True)
    return stopped or bool(helpers)


def await_answers(scene: Scene) -> None:
    """Return when every target answers."""
    url = scene.stack.prometheus_url
    until(
        lambda: not answers.targets_down(url),
        "every target to answer",
        ANSWERS_WITHIN_S,
        scene.running,
        lambda: answers.targets_down(url),
    )


def await_measured(scene: Scene, inventory: Inventory) -> float:
    """Return when every model was measured over a whole window; how long that is, in seconds."""
    url = scene.stack.prometheus_url
    window_s = float(duration_seconds(RATE_WINDOW)) / scene.compression
    whole = time.monotonic() + window_s
    wanted = {model.name for model in inventory.models if model.sources}
    until(
        lambda: (
            time.monotonic() > whole and wanted <= _measured(url) and not answers.rule_errors(url)
        ),
        "every model to be measured",
        window_s + MEASURED_WITHIN_S,
        scene.running,
        lambda: [*sorted(wanted - _measured(url)), *answers.rule_errors(url)[:3]],
    )
    return window_s


def alarming(url: str) -> list[str]:
    """Alerts that somebody would be told about; the heartbeat has no severity."""
    return [
        f"{labels['severity']} {labels['alertname']} {labels.get('model', '')}".rstrip()
        for labels in answers.firing(url)
        if labels.get("severity", "none") != "none"
    ]


def near(folder: Path) -> str:
    """The path as one would type it here."""
    return os.path.relpath(folder)


def _other_ports() -> Ports:
    return Ports(prometheus=free_port(), alertmanager=free_port(), boards=free_port())


def _measured(url: str) -> set[str]:
    return {one.labels["model"] for one in answers.query(url, f"{REQUESTS} > 0")}


def _fleet(inventory: Inventory) -> str:
    return f"{len(inventory.models)} models of {len(inventory.teams)} teams"


def _count(folder: Path) -> int:
    return sum(1 for file in folder.rglob("*") if file.is_file() and not file.name.startswith("."))
