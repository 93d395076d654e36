"""The demo: a healthy fleet, an incident, and the notification that it causes.

Everything keeps running afterwards, to look around; `stop` ends it.
"""

import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import requests

from compose import answers, exporters, native, processes, programs, stage, story
from compose.fleet.incidents import INCIDENTS
from compose.fleet.serve import PORTS
from compose.native import Stack
from compose.processes import Process
from compose.programs import Program
from compose.story import Teller
from compose.waiting import until
from modelwatch.catalogue.recorded import ERROR_RATIO, MEANS, QUANTILES, REQUESTS
from modelwatch.inventory import Inventory, Model
from modelwatch.problems import ModelwatchError, Unreachable
from modelwatch.promql import duration_seconds, select, shortened

INCIDENT = "vision-slow"
MODEL = "vision"
SIGNAL = "request_duration"
INBOX_PORT = 9406

RATE_WINDOW = "5m"
"""Over which rates are recorded: before one has passed, they are too low."""

ANSWERS_WITHIN_S = 60.0
MEASURED_WITHIN_S = 60.0
CALM_WITHIN_S = 60.0
DELIVERED_WITHIN_S = 120.0

Write = Callable[[Inventory, Path], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What runs while the story is told, and afterwards."""

    stack: Stack
    inbox_url: str
    control_url: str
    helpers: tuple[Process, ...]

    @property
    def running(self) -> tuple[Process, ...]:
        """All processes."""
        return (self.stack.prometheus, self.stack.alertmanager, *self.helpers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How the story went: what was delivered to whom, after how many seconds, and what runs."""

    scene: Scene
    receiver: str
    alert: Mapping[str, Any]
    seconds: float


def run(
    inventory: Inventory,
    write: Write,
    *,
    data_dir: Path = Path(".modelwatch/demo"),
    say: Callable[[str], None] = click.echo,
    path: str | None = None,
) -> Told:
    """Tell the story. `write` generates an inventory into a folder; `path` replaces PATH.

    An earlier demo in the same folder is ended and forgotten first.

    Raises:
        Unreachable: a program is missing, a port is taken, or nothing was delivered in time.
    """
    teller = Teller(say=say)
    data_dir = data_dir.resolve()
    found = programs.require("prometheus", "alertmanager", path=path)
    teller.step(f"found {' and '.join(_title(program) for program in found.values())}")
    stop(data_dir)
    shutil.rmtree(data_dir, ignore_errors=True)
    try:
        scene = _set(teller, inventory, write, data_dir, path)
        _healthy(teller, scene, inventory)
        _begin(teller, scene, inventory)
        receiver, alert = _delivered(teller, scene)
    except BaseException:
        stop(data_dir)  # whatever it was, also Ctrl-C: leave nothing running behind
        raise
    teller.say("")
    teller.detail(_readable(receiver, alert, inventory, scene))
    teller.say("")
    teller.detail(_where_to_look(scene))
    return Told(scene=scene, receiver=receiver, alert=alert, seconds=teller.seconds)


def stop(data_dir: Path) -> bool:
    """End everything that a demo in this folder left running. False when nothing was."""
    helpers = [one for one in stage.known_helpers(data_dir) if one.alive]
    stopped = native.stop(data_dir)
    for helper in helpers:
        processes.stop(helper)
    (data_dir / stage.HELPERS).unlink(missing_ok=True)
    return stopped or bool(helpers)


def _set(
    teller: Teller, inventory: Inventory, write: Write, data_dir: Path, path: str | None
) -> Scene:
    """Generate the configuration and start everything."""
    ports = native.choose_ports()
    pages = {"control": stage.free(PORTS["control"]), **stage.page_ports(inventory)}
    inbox_port = stage.free(INBOX_PORT)
    inbox_url = f"http://127.0.0.1:{inbox_port}"
    config_dir = data_dir / "config"
    write(stage.localised(inventory, ports, inbox_url, path), config_dir)
    teller.step(
        f"{_count(config_dir)} files for {_fleet(inventory)} generated in {_near(config_dir)}"
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
    )


def _healthy(teller: Teller, scene: Scene, inventory: Inventory) -> None:
    """Wait until every target answers, every model is measured and nothing is wrong."""
    url, running = scene.stack.prometheus_url, scene.running
    until(
        lambda: not answers.targets_down(url),
        "every target to answer",
        ANSWERS_WITHIN_S,
        running,
        lambda: answers.targets_down(url),
    )
    teller.step("every target answers")
    window_s = float(duration_seconds(RATE_WINDOW)) / inventory.settings.time_compression
    whole = time.monotonic() + window_s
    wanted = {model.name for model in inventory.models if model.sources}
    until(
        lambda: (
            time.monotonic() > whole and wanted <= _measured(url) and not answers.rule_errors(url)
        ),
        "every model to be measured",
        window_s + MEASURED_WITHIN_S,
        running,
        lambda: [*sorted(wanted - _measured(url)), *answers.rule_errors(url)[:3]],
    )
    teller.step(f"every model is measured over a whole window of {window_s:.0f} s")
    teller.detail(story.table(_models(url)))
    try:
        until(lambda: not _alarming(url), "calm", CALM_WITHIN_S, running)
    except Unreachable:
        teller.step("alerts before the incident:")
        teller.detail(_alarming(url))
    else:
        teller.step("no alert fires, except the heartbeat that always does")


def _measured(url: str) -> set[str]:
    return {one.labels["model"] for one in answers.query(url, f"{REQUESTS} > 0")}


def _alarming(url: str) -> list[str]:
    """Alerts that somebody would be told about; the heartbeat has no severity."""
    return [
        f"{labels['severity']} {labels['alertname']} {labels.get('model', '')}".rstrip()
        for labels in answers.firing(url)
        if labels.get("severity", "none") != "none"
    ]


def _models(url: str) -> list[list[str]]:
    """A row per model: traffic, errors, and latency as far as its engine tells."""
    errors = {one.labels["model"]: one.value for one in answers.query(url, str(ERROR_RATIO))}
    p95 = {
        one.labels["model"]: one.value
        for one in answers.query(url, select(QUANTILES[SIGNAL], quantile="0.95"))
    }
    means = {one.labels["model"]: one.value for one in answers.query(url, str(MEANS[SIGNAL]))}
    rows = [["model", "requests/s", "errors", "mean", "p95"]]
    for one in sorted(answers.query(url, str(REQUESTS)), key=lambda one: one.labels["model"]):
        name = one.labels["model"]
        rows.append(
            [
                name,
                f"{one.value:.1f}",
                f"{errors[name]:.2%}" if name in errors else "-",
                _time(means.get(name)),
                _time(p95.get(name)),
            ]
        )
    return rows


def _begin(teller: Teller, scene: Scene, inventory: Inventory) -> None:
    answer = requests.post(f"{scene.control_url}/incident/{INCIDENT}", timeout=5)
    if not answer.ok:
        raise ModelwatchError(f"the incident did not begin: {answer.text.strip()}")
    teller.step(f"INCIDENT: {INCIDENTS[INCIDENT]}")
    model = _model(inventory, MODEL)
    for limit in model.thresholds if model else ():
        if limit.signal == SIGNAL:
            hold = shortened(limit.hold, inventory.settings.time_compression)
            teller.detail(
                [f"the inventory allows {limit.limit.text} for {limit.hold} ({hold} here)"]
            )


def _delivered(teller: Teller, scene: Scene) -> tuple[str, Mapping[str, Any]]:
    """Wait for the notification; say when the alert fires."""
    url = scene.stack.prometheus_url

    def fires() -> bool:
        return any(_wanted(labels) for labels in answers.firing(url))

    until(fires, "the alert to fire", DELIVERED_WITHIN_S, scene.running)
    slow = answers.query(url, select(QUANTILES[SIGNAL], model=MODEL, quantile="0.95"))
    said = f": p95 of {MODEL} is {_time(slow[0].value)}" if slow else ""
    teller.step(f"the alert fires in Prometheus{said}")
    found = until(
        lambda: in_inbox(scene.inbox_url, "firing"),
        "the notification",
        DELIVERED_WITHIN_S,
        scene.running,
    )
    teller.step(f"the notification is delivered to {found[0]}")
    return found


def in_inbox(inbox_url: str, status: str) -> tuple[str, Mapping[str, Any]] | None:
    """The receiver and the alert of the incident, once it was delivered in this state."""
    for came in requests.get(f"{inbox_url}/notifications", timeout=5).json():
        for alert in came.get("alerts", []):
            if alert["status"] == status and _wanted(alert["labels"]):
                return came["to"], alert
    return None


def _wanted(labels: Mapping[str, str]) -> bool:
    return labels.get("model") == MODEL and labels.get("signal") == SIGNAL


def _readable(
    receiver: str, alert: Mapping[str, Any], inventory: Inventory, scene: Scene
) -> list[str]:
    model = _model(inventory, alert["labels"]["model"])
    boards = _near(scene.stack.config_dir / "grafana" / "dashboards")
    return story.notification(
        alert,
        receiver=receiver,
        owner=model.owner if model else "",
        contact=inventory.teams[alert["labels"]["team"]].contact,
        board_note=f"(in your Grafana, once {boards} is imported)",
    )


def _where_to_look(scene: Scene) -> list[str]:
    return [
        f"Prometheus       {scene.stack.prometheus_url}/alerts",
        f"Alertmanager     {scene.stack.alertmanager_url}",
        f"Notifications    {scene.inbox_url}/notifications",
        f"Other incidents  curl {scene.control_url}/incident",
        f"End this one     curl -X POST {scene.control_url}/incident/clear",
        "End the demo     make demo-stop",
    ]


def _model(inventory: Inventory, name: str) -> Model | None:
    return next((model for model in inventory.models if model.name == name), None)


def _title(program: Program) -> str:
    return f"{program.name.capitalize()} {program.version}"


def _fleet(inventory: Inventory) -> str:
    return f"{len(inventory.models)} models of {len(inventory.teams)} teams"


def _count(folder: Path) -> int:
    return sum(1 for file in folder.rglob("*") if file.is_file() and not file.name.startswith("."))


def _near(folder: Path) -> str:
    """The path as one would type it here."""
    return os.path.relpath(folder)


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
