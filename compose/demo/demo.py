"""The demo: a healthy fleet, an incident, and the notification that it causes.

Everything keeps running afterwards, to look around; `stop` ends it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import requests

from compose import answers, programs
from compose.demo import story
from compose.demo.playing import PATIENCE, fits
from compose.demo.scene import (
    Scene,
    Write,
    alarming,
    await_answers,
    await_measured,
    near,
    set_up,
    tear_down,
)
from compose.demo.story import Teller
from compose.fleet.incidents import INCIDENTS
from compose.fleet.incidents import Told as Promise
from compose.programs import Program
from compose.waiting import until
from modelwatch.catalogue.recorded import ERROR_RATIO, MEANS, QUANTILES, REQUESTS
from modelwatch.inventory import Inventory, Model
from modelwatch.problems import ModelwatchError, Unreachable
from modelwatch.promql import duration_seconds, select, shortened

INCIDENT = "vision-slow"
MODEL = "vision"
SIGNAL = "request_duration"
CALM_WITHIN_S = 60.0


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
    incident: str = INCIDENT,
) -> Told:
    """Tell the story. `write` generates an inventory into a folder; `path` replaces PATH.

    An earlier demo in the same folder is ended and forgotten first.

    Raises:
        ModelwatchError: there is no such incident, or nobody is told of it.
        Unreachable: a program is missing, a port is taken, or nothing was delivered in time.
    """
    told = _promise(incident)
    teller = Teller(say=say)
    data_dir = data_dir.resolve()
    found = programs.require("prometheus", "alertmanager", path=path)
    teller.step(f"found {' and '.join(_title(program) for program in found.values())}")
    try:
        scene = set_up(inventory, write, data_dir, teller=teller, path=path)
        _healthy(teller, scene, inventory)
        _begin(teller, scene, inventory, incident)
        receiver, alert = _delivered(teller, scene, told)
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
    return tear_down(data_dir)


def _healthy(teller: Teller, scene: Scene, inventory: Inventory) -> None:
    """Wait until every target answers, every model is measured and nothing is wrong."""
    url = scene.stack.prometheus_url
    await_answers(scene)
    teller.step("every target answers")
    window_s = await_measured(scene, inventory)
    teller.step(f"every model is measured over a whole window of {window_s:.0f} s")
    teller.detail(story.table(_models(url)))
    try:
        until(lambda: not alarming(url), "calm", CALM_WITHIN_S, scene.running)
    except Unreachable:
        teller.step("alerts before the incident:")
        teller.detail(alarming(url))
    else:
        teller.step("no alert fires, except the heartbeat that always does")


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


def _promise(incident: str) -> Promise:
    """The first notification of an incident, which the story is about."""
    telling = [name for name, one in INCIDENTS.items() if one.told]
    if incident not in telling:
        raise ModelwatchError(
            f"nobody is told of {incident!r}; a demo can have: {', '.join(telling)}"
        )
    return INCIDENTS[incident].told[0]


def _begin(teller: Teller, scene: Scene, inventory: Inventory, incident: str) -> None:
    scene.begin(incident)
    teller.step(f"INCIDENT: {INCIDENTS[incident].what}")
    model = _model(inventory, MODEL)
    for limit in model.thresholds if model and incident == INCIDENT else ():
        if limit.signal == SIGNAL:
            hold = shortened(limit.hold, inventory.settings.time_compression)
            teller.detail(
                [f"the inventory allows {limit.limit.text} for {limit.hold} ({hold} here)"]
            )


def _delivered(teller: Teller, scene: Scene, told: Promise) -> tuple[str, Mapping[str, Any]]:
    """Wait for the notification; say when the alert fires."""
    url = scene.stack.prometheus_url
    within_s = float(duration_seconds(PATIENCE)) / scene.compression

    def fires() -> bool:
        return any(fits(labels, told) for labels in answers.firing(url))

    until(fires, "the alert to fire", within_s, scene.running)
    slow = answers.query(url, select(QUANTILES[SIGNAL], model=MODEL, quantile="0.95"))
    slowness = f": p95 of {MODEL} is {_time(slow[0].value)}" if slow else ""
    said = slowness if told == _promise(INCIDENT) else f": {told.alert}"
    teller.step(f"the alert fires in Prometheus{said}")
    found = until(
        lambda: in_inbox(scene.inbox_url, "firing", told),
        "the notification",
        within_s,
        scene.running,
    )
    teller.step(f"the notification is delivered to {found[0]}")
    return found


def in_inbox(inbox_url: str, status: str, told: Promise) -> tuple[str, Mapping[str, Any]] | None:
    """The receiver and the alert of the incident, once it was delivered in this state."""
    for came in requests.get(f"{inbox_url}/notifications", timeout=5).json():
        for alert in came.get("alerts", []):
            if alert["status"] == status and fits(alert["labels"], told):
                return came["to"], alert
    return None


def _readable(
    receiver: str, alert: Mapping[str, Any], inventory: Inventory, scene: Scene
) -> list[str]:
    model = _model(inventory, alert["labels"].get("model", ""))
    boards = near(scene.stack.config_dir / "grafana" / "dashboards")
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


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
