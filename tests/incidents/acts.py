"""An act: one fresh stack, several incidents that do not touch each other, played at once."""

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from compose.demo import playing
from compose.demo.playing import BUSY, Notification, Record
from compose.demo.scene import Scene, Write, await_answers, await_measured, set_up, tear_down
from compose.demo.story import Teller
from compose.fleet.incidents import INCIDENTS
from compose.ports import free_port
from generator import stack
from generator.opening import inventory_at

_EXAMPLES = Path(__file__).parents[2] / "examples"

DEMO = (_EXAMPLES / "demo.yaml").read_text().replace("baselines/", f"{_EXAMPLES}/baselines/")

PATIENT = DEMO.replace("scrape_interval: 15s", "scrape_interval: 60s")
"""A scrape may take four times as long: a machine that has much to do is no incident."""

Delivery = tuple[str, str, tuple[str, ...], tuple[str, ...]]
"""Receiver, status, names of the alerts and their severities."""


def on_free_ports(text: str) -> str:
    """The inventory with other ports: of pages and exporters, and so of what probes ask."""
    ports: dict[str, int] = {}
    return re.sub(
        r"(127\.0\.0\.1:)(\d+)",
        lambda found: f"{found[1]}{ports.setdefault(found[2], free_port())}",
        text,
    )


@contextmanager
def scene(folder: Path, path: str, text: str = DEMO, write: Write = stack.write) -> Iterator[Scene]:
    """The scene of an inventory on free ports: measured, and nothing fires. Ended afterwards.

    What `write` leaves in the data folder is there when the servers start.
    """
    file = folder / "fleet.yaml"
    file.write_text(on_free_ports(text))
    inventory = inventory_at(str(file))
    teller = Teller(say=say)
    try:
        made = set_up(
            inventory,
            write,
            folder / "scene",
            teller=teller,
            path=path,
            usual_ports=False,
        )
        await_answers(made)
        await_measured(made, inventory)
        playing.calm(made)
        teller.step("every model is measured and no alert fires")
        yield made
    finally:
        tear_down(folder / "scene")


def act(
    folder: Path,
    path: str,
    *names: str,
    text: str = DEMO,
    linger: str = "0m",
    watch: str = "10m",
    write: Write = stack.write,
) -> Record:
    """Play these on a fresh stack, and check that exactly what is promised happened."""
    with scene(folder, path, text, write) as made:
        record = playing.play(made, names, linger=linger, watch=watch, said=say)
    say("\n".join(playing.times(record.played)))
    check(record, *names)
    return record


def check(record: Record, *names: str) -> None:
    """Each told once and resolved once, nothing else told, nothing else fired than is listed."""
    sent = [delivery(one) for one in record.notifications if not one.names <= BUSY]
    assert sorted(sent) == sorted(promised(*names)), story(record)
    known = {
        name
        for one in names
        for name in (*(told.alert for told in INCIDENTS[one].told), *INCIDENTS[one].muted)
    }
    assert {one.labels["alertname"] for one in record.fired} <= known | BUSY, story(record)


def promised(*names: str) -> Iterator[Delivery]:
    """What is delivered because of these incidents: each alert once firing, once resolved."""
    for name in names:
        for told in INCIDENTS[name].told:
            for status in told.statuses:
                yield told.receiver, status, (told.alert,), (told.severity,)


def delivery(one: Notification) -> Delivery:
    """A notification without its time. One may hold the same alert of two prompts or cards."""
    labels = [each["labels"] for each in one.alerts]
    return (
        one.receiver,
        one.status,
        tuple(sorted({each["alertname"] for each in labels})),
        tuple(sorted({each["severity"] for each in labels})),
    )


def story(record: Record) -> str:
    """Everything in the record, for the reader of a test that failed."""
    sent = [
        f"{one.at - record.since:7.1f} s  {one.status} to {one.receiver}: "
        + ", ".join(f"{each['status']} {_alert(each['labels'])}" for each in one.alerts)
        for one in record.notifications
    ]
    fired = [
        f"{one.first - record.since:7.1f} s to {one.last - record.since:7.1f} s  "
        f"{_alert(one.labels)}"
        for one in sorted(record.fired, key=lambda one: one.first)
    ]
    return "\n".join(["", "delivered:", *sent, "fired:", *fired, *playing.times(record.played)])


def _alert(labels: Mapping[str, str]) -> str:
    about = [labels[name] for name in ("model", "pool", "budget") if labels.get(name)]
    return " ".join([labels["alertname"], labels.get("severity", ""), *about])


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
