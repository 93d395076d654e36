"""The simulated cards of the demo, through the whole exporter."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pynvml
import pytest

from compose.fleet import cards
from compose.fleet.incidents import INCIDENTS
from exporters.gpu import CardsPage
from exporters.gpu.cards import Cards
from exporters.gpu.library import load
from exporters.gpu.place import Place
from exporters.gpu.session import Session
from exporters.gpu.xid import Xids
from modelwatch.catalogue import gpu as series
from modelwatch.problems import Unreachable
from tests.exporters.gpu_bench import Page, down, numbers
from tests.exporters.prometheus_server import server

CARD_INCIDENTS = [name for name in INCIDENTS if name.startswith("card-")]
FIRST, SECOND = (f"GPU-{card:08d}-5eed-4000-8000-0000000000de" for card in range(2))


@pytest.fixture(name="clock")
def _clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [cards._BEGAN + 3600]
    monkeypatch.setattr(cards, "_clock", lambda: now[0])
    monkeypatch.setitem(cards._heat, "at", now[0])
    monkeypatch.setitem(cards._seen, "at", 0.0)
    monkeypatch.setattr(cards, "_told", set())
    return now


@pytest.fixture(name="exporter")
def _exporter(clock: list[float]) -> CardsPage:
    session = Session(load("compose.fleet.cards"))
    read = Cards(session, deadline_s=5, clock=lambda: clock[0])
    return CardsPage(
        cards=read, xids=Xids(session), place=Place(pool="l4", host="demo", expected=2)
    )


@pytest.fixture(name="active")
def _active(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Incidents of a fleet that answers."""
    active: set[str] = set()

    class Control(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = {name: {"active": name in active} for name in CARD_INCIDENTS}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(known).encode())

        def log_message(self, *_: object) -> None:
            """Nothing: tests do not read it."""

    with server(Control) as address:
        monkeypatch.setenv(cards.CONTROL, f"http://{address}")
        yield active


def scrape(exporter: CardsPage) -> Page:
    return {
        family.metric.name: {labels[3:]: value for labels, value in numbers(family)}
        for family in exporter.collect()
    }


def test_what_the_rules_need_is_there(exporter: CardsPage) -> None:
    page = scrape(exporter)
    assert page[series.GPU_EXPORTER_HOST_PRESENT.name] == {(): 2}
    for metric in (
        series.GPU_EXPORTER_UTILIZATION,
        series.GPU_EXPORTER_MEMORY_USED,
        series.GPU_EXPORTER_MEMORY_TOTAL,
        series.GPU_EXPORTER_POWER,
        series.GPU_EXPORTER_POWER_LIMIT,
        series.GPU_EXPORTER_TEMPERATURE,
        series.GPU_EXPORTER_ECC_TOTAL,
        series.GPU_EXPORTER_INFO,
    ):
        assert {labels[0] for labels in page[metric.name]} == {FIRST, SECOND}, metric


def test_load_varies_with_the_time_and_is_the_same_for_everybody(
    exporter: CardsPage, clock: list[float]
) -> None:
    found = []
    for _ in range(24):
        clock[0] += 3600
        found.append(scrape(exporter)[series.GPU_EXPORTER_UTILIZATION.name][FIRST,])
    assert all(0 < share < 1 for share in found)
    assert max(found) - min(found) > 0.3
    again = cards.busy(0, clock[0])
    assert found[-1] == pytest.approx(again, abs=0.005)


def test_counters_only_rise(exporter: CardsPage, clock: list[float]) -> None:
    energy = []
    for _ in range(5):
        clock[0] += 60
        energy.append(scrape(exporter)[series.GPU_EXPORTER_ENERGY_TOTAL.name][FIRST,])
    assert energy == sorted(set(energy))


def test_a_hot_card_is_held_back_until_the_incident_ends(
    exporter: CardsPage, clock: list[float], active: set[str]
) -> None:
    scrape(exporter)
    active.add("card-hot")
    for _ in range(100):
        clock[0] += 15
        page = scrape(exporter)
    assert page[series.GPU_EXPORTER_TEMPERATURE.name][SECOND,] > 90
    assert page[series.GPU_EXPORTER_THROTTLED.name] == {
        (FIRST,): 0,
        (SECOND,): pytest.approx(0.4),
    }
    active.clear()
    for _ in range(30):
        clock[0] += 15
        page = scrape(exporter)
    assert page[series.GPU_EXPORTER_THROTTLED.name][SECOND,] == pytest.approx(0)
    assert page[series.GPU_EXPORTER_TEMPERATURE.name][SECOND,] < 90


def test_a_lost_card_comes_back(exporter: CardsPage, clock: list[float], active: set[str]) -> None:
    scrape(exporter)
    active.add("card-lost")
    clock[0] += 15
    assert down(scrape(exporter)) == {SECOND: "lost"}
    active.clear()
    clock[0] += 15
    assert down(scrape(exporter)) == {}


def test_a_card_that_is_lost_tells_it_once(clock: list[float], active: set[str]) -> None:
    active.add("card-lost")
    clock[0] += 15
    event = cards.nvmlEventSetWait_v2(None, 1)
    assert (event.device, event.eventData) == (cards.SICK, 79)
    with pytest.raises(pynvml.NVMLError_Timeout):
        cards.nvmlEventSetWait_v2(None, 1)


def test_a_card_with_an_error_tells_it_once_each_time(clock: list[float], active: set[str]) -> None:
    for _ in range(2):
        active.add("card-xid")
        clock[0] += 15
        event = cards.nvmlEventSetWait_v2(None, 1)
        assert (event.device, event.eventData) == (0, 94)
        with pytest.raises(pynvml.NVMLError_Timeout):
            cards.nvmlEventSetWait_v2(None, 1)
        active.clear()
        clock[0] += 15
        with pytest.raises(pynvml.NVMLError_Timeout):
            cards.nvmlEventSetWait_v2(None, 1)


def test_a_fleet_that_does_not_answer_has_no_incidents(
    exporter: CardsPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cards.CONTROL, "http://127.0.0.1:1")
    assert down(scrape(exporter)) == {}


@pytest.mark.parametrize("name", ["nvmlDeviceGetFanSpeed_v2", "nvmlDeviceGetNvLinkState"])
def test_what_such_cards_do_not_have_is_not_supported(name: str) -> None:
    with pytest.raises(pynvml.NVMLError_NotSupported):
        getattr(cards, name)(0, 0)


@pytest.mark.parametrize(
    ("name", "words"),
    [("no.such.module", "cannot be imported"), ("json", "it is no NVML")],
)
def test_a_library_that_is_none_is_refused(name: str, words: str) -> None:
    with pytest.raises(Unreachable, match=words):
        load(name)


def test_every_answer_is_to_a_question_of_the_binding() -> None:
    answers: dict[str, Any] = cards.ANSWERS
    assert all(callable(getattr(pynvml, name)) for name in answers)
