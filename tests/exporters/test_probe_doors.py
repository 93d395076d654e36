from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exporters.base import rendering
from exporters.base.exporter import Context, Parts, Reply, Request
from exporters.base.families import Family
from exporters.probe import start
from exporters.probe.measuring import Measured
from exporters.probe.targets import targets
from modelwatch.catalogue import probe as names
from modelwatch.problems import ModelwatchError
from tests.exporters.probes import CAPITAL, SUM, Sender, inventory, measured, probe, quantity

ANSWER = measured(time_to_first_token_s=0.2, served="llama", correct=True)


class Started:
    """The exporter's parts, at work."""

    def __init__(self, folder: Path, *probes: Any, reply: Measured = ANSWER) -> None:
        self.sender = Sender(lambda *_: reply)
        context = Context(
            inventory=inventory(*probes), constants=lambda _: (), state_dir=folder, options={}
        )
        self.parts: Parts = start(context, self.sender)
        for work in self.parts.work:
            work.start()

    def ask(self, name: str | None, accept: str = "") -> Reply:
        (door,) = self.parts.doors
        query = {} if name is None else {"target": name}
        return door.answer(
            Request(path="/probe", query=query, headers={"accept": accept}, body=b"")
        )

    def stop(self) -> None:
        for work in self.parts.work:
            work.stop()


RARE: dict[str, Any] = {"every": quantity("86400"), "timeout": quantity("5")}


@pytest.fixture(name="started")
def _started(tmp_path: Path) -> Iterator[Started]:
    made = Started(tmp_path, probe(**RARE))
    yield made
    made.stop()


def test_the_door_measures_a_declared_probe(started: Started) -> None:
    reply = started.ask("golden")
    text = reply.body.decode()
    assert reply.status == 200
    assert reply.content_type == rendering.CONTENT_TYPE_TEXT
    own = 'environment="production",model="chat",probe="golden"'
    assert f"{names.PROBE_SUCCESS}{{{own}}} 1.0\n" in text
    assert f"{names.PROBE_LAST_FIRST_TOKEN}{{{own}}} 0.2\n" in text
    # Who scrapes the page and the door counts nothing twice.
    assert "counter" not in text


def test_the_door_speaks_openmetrics_to_who_wants_it(started: Started) -> None:
    reply = started.ask("golden", "application/openmetrics-text; version=1.0.0")
    assert reply.content_type == rendering.CONTENT_TYPE_OPENMETRICS
    assert reply.body.endswith(b"# EOF\n")


def test_the_door_asks_no_more_often_than_the_inventory_says(started: Started) -> None:
    for _ in range(5):
        started.ask("golden")
    assert len(started.sender.sent) == 1


@pytest.mark.parametrize(
    "name", [None, "", "gold", "http://169.254.169.254/", "../golden", "golden "]
)
def test_the_door_takes_only_names_that_the_inventory_declares(
    started: Started, name: str | None
) -> None:
    reply = started.ask(name)
    assert (reply.status, reply.reason) == (404, "unknown")
    assert b"169.254" not in reply.body
    assert started.sender.sent == []


def test_the_door_keeps_the_cap(tmp_path: Path) -> None:
    started = Started(tmp_path, probe(tokens_per_day=10, **RARE))
    reply = started.ask("golden")
    started.stop()
    assert (reply.status, reply.reason) == (429, "cap")
    assert b"cap of the day" in reply.body
    assert started.sender.sent == []


def test_the_door_keeps_the_patience_that_a_server_asked_for(tmp_path: Path) -> None:
    asked = measured("rate_limited", retry_after_s=100.0)
    started = Started(tmp_path, probe(**{**RARE, "every": quantity("0.01")}), reply=asked)
    while (reply := started.ask("golden")).status == 200:
        pass
    started.stop()
    assert (reply.status, reply.reason) == (429, "busy")
    assert 90 < int(reply.headers["Retry-After"]) <= 100


def test_the_door_gives_up_on_a_server_that_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporters.probe.doors._GRACE_S", 0.0)
    started = Started(tmp_path, probe(**{**RARE, "timeout": quantity("0.05")}))
    started.sender.gate.clear()
    reply = started.ask("golden")
    started.sender.gate.set()
    started.stop()
    assert (reply.status, reply.reason) == (503, "busy")


# Reloading.


def pages(parts: Parts) -> dict[str, Family]:
    (collector,) = parts.collectors
    return {family.metric.name: family for family in collector.collect()}


def test_a_reload_keeps_counters_of_probes_that_stay_and_forgets_the_others(
    tmp_path: Path,
) -> None:
    both = probe("stays", **RARE), probe("goes", **RARE)
    started = Started(tmp_path, *both)
    for one in both:
        started.ask(one.name)
    moved = replace(both[0], line=99, prompts=(CAPITAL, SUM))
    started.parts.reconfigure(inventory(moved, probe("comes", **RARE)))
    requests = pages(started.parts)[names.PROBE_REQUESTS_TOTAL.name].samples
    assert requests["chat", "production", "stays", "success"] == 1
    assert requests["chat", "production", "comes", "success"] == 0
    assert {labels[2] for labels in requests} == {"stays", "comes"}
    assert started.ask("goes").status == 404
    started.stop()


def test_a_place_in_the_file_is_no_change_of_a_probe() -> None:
    before, after = inventory(probe(line=3)), inventory(probe(line=30))
    assert targets(before) == targets(after)


def test_a_second_exporter_on_the_same_state_does_not_start(started: Started) -> None:
    folder = started.parts.collectors[0].runs.spending._path.parent  # type: ignore[attr-defined]
    with pytest.raises(ModelwatchError, match="in use by another probe exporter"):
        Started(folder, probe(**RARE))


def test_stopping_lets_the_next_one_start_at_once(tmp_path: Path) -> None:
    first = Started(tmp_path, probe(**RARE))
    first.ask("golden")
    first.stop()
    second = Started(tmp_path, probe(**RARE))
    assert second.ask("golden").status == 200
    second.stop()
