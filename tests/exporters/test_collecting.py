import logging
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count

import pytest

from exporters.base.collecting import Page
from exporters.base.families import Distribution, Family
from exporters.base.rendering import render
from modelwatch import __version__
from modelwatch.catalogue.exporters import (
    EXPORTER_BUILD_INFO,
    EXPORTER_LAST_SUCCESS,
    EXPORTER_SCRAPE_DURATION,
    EXPORTER_UP,
)
from modelwatch.catalogue.metric import Layer, Metric
from modelwatch.problems import Unreachable
from tests.exporters import reference
from tests.real import program

ROOMS = Metric(
    name="room_celsius", help="Warmth.", unit="celsius", labels=("room",), layer=Layer.EXPOSED
)
VISITS = Metric(name="visits", help="People.", unit="count", labels=("room",), layer=Layer.EXPOSED)
LONG_S = 10.0
"""A deadline that only a broken test reaches."""


@dataclass(frozen=True, slots=True)
class Source:
    """A collector made of a function."""

    name: str
    collect: Callable[[], Iterable[Family]]


def rooms(**warmth: float) -> Family:
    return Family(ROOMS, {(room,): value for room, value in warmth.items()})


def fixed(name: str, *families: Family) -> Source:
    return Source(name, lambda: families)


def failing(name: str, problem: BaseException) -> Source:
    def fail() -> Iterable[Family]:
        raise problem

    return Source(name, fail)


class Gate:
    """A source that hangs until it is opened; it counts how often it was asked."""

    name = "gate"

    def __init__(self) -> None:
        self.open = threading.Event()
        self.entered = threading.Semaphore(0)
        self.asked = count()

    def collect(self) -> Iterator[Family]:
        number = next(self.asked)
        self.entered.release()
        assert self.open.wait(LONG_S)
        yield rooms(behind_the_gate=float(number))


def values(families: Iterable[Family], metric: Metric) -> Mapping[tuple[str, ...], object]:
    return {
        labels: value
        for family in families
        if family.metric == metric
        for labels, value in family.samples.items()
    }


def up(families: Iterable[Family]) -> dict[str, object]:
    found = values(families, EXPORTER_UP)
    return {collector: value for (_, collector), value in found.items() if collector != "process"}


def test_a_page_holds_the_samples_and_what_the_exporter_says_about_itself() -> None:
    before = time.time()
    page = Page("gpu", [fixed("nvml", rooms(hall=20))]).families(LONG_S)
    assert values(page, ROOMS) == {("hall",): 20}
    assert up(page) == {"nvml": 1}
    [[*labels]] = values(page, EXPORTER_BUILD_INFO)
    assert labels[:2] == ["gpu", __version__]
    assert 0 <= values(page, EXPORTER_SCRAPE_DURATION)["gpu", "nvml"] < LONG_S  # type: ignore[operator]  # a number
    assert before <= values(page, EXPORTER_LAST_SUCCESS)["gpu", "nvml"] <= time.time()  # type: ignore[operator]  # a number
    reference.read_openmetrics(render(page, openmetrics=True))


def test_processor_time_and_memory_of_the_exporter_are_on_the_page() -> None:
    text = render(Page("gpu", []).families(LONG_S), openmetrics=False)
    for name in (
        b"cpu_seconds_total",
        b"resident_memory_bytes",
        b"open_fds",
        b"start_time_seconds",
    ):
        assert b"\nprocess_" + name + b" " in text


@pytest.mark.real
def test_promtool_finds_nothing_wrong_with_what_every_exporter_says() -> None:
    page = render(Page("gpu", [fixed("nvml", rooms(hall=20))]).families(LONG_S), openmetrics=False)
    done = subprocess.run(
        [program("promtool"), "check", "metrics"], input=page, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_samples_are_made_afresh_so_that_what_is_gone_disappears() -> None:
    turns = iter([rooms(hall=1, attic=2), rooms(hall=3)])
    page = Page("gpu", [Source("nvml", lambda: [next(turns)])])
    assert values(page.families(LONG_S), ROOMS) == {("hall",): 1, ("attic",): 2}
    assert values(page.families(LONG_S), ROOMS) == {("hall",): 3}


@pytest.mark.parametrize(
    "problem",
    [
        pytest.param(Unreachable("no driver"), id="ours"),
        pytest.param(KeyError("x"), id="any"),
        pytest.param(SystemExit(1), id="exit"),
    ],
)
def test_a_collector_that_raises_costs_its_own_samples_only(problem: BaseException) -> None:
    page = Page("gpu", [failing("bad", problem), fixed("good", rooms(hall=1))])
    for _ in range(2):
        families = page.families(LONG_S)
        assert up(families) == {"bad": 0, "good": 1}
        assert values(families, ROOMS) == {("hall",): 1}
        assert values(families, EXPORTER_LAST_SUCCESS)["gpu", "bad"] == 0


def test_a_collector_that_raises_halfway_gives_nothing_at_all() -> None:
    def halfway() -> Iterator[Family]:
        yield rooms(hall=1)
        raise OSError("unplugged")

    families = Page("gpu", [Source("bad", halfway)]).families(LONG_S)
    assert (values(families, ROOMS), up(families)) == ({}, {"bad": 0})


def test_the_time_of_the_last_success_stays_when_a_collector_begins_to_fail() -> None:
    answers = iter([[rooms(hall=1)]])
    page = Page("gpu", [Source("once", lambda: next(answers))])
    first = values(page.families(LONG_S), EXPORTER_LAST_SUCCESS)["gpu", "once"]
    second = page.families(LONG_S)
    assert up(second) == {"once": 0}
    assert values(second, EXPORTER_LAST_SUCCESS)["gpu", "once"] == first != 0


def test_a_collector_that_hangs_is_not_asked_again_until_it_returns() -> None:
    gate = Gate()
    page = Page("gpu", [gate, fixed("good", rooms(hall=1))])
    took = []
    for _ in range(3):
        families = page.families(0.5)
        assert up(families) == {"gate": 0, "good": 1}
        assert values(families, ROOMS) == {("hall",): 1}
        took.append(values(families, EXPORTER_SCRAPE_DURATION)["gpu", "gate"])
    assert 0.5 <= took[0] < took[1] < took[2]  # type: ignore[operator]  # numbers: so far
    assert next(gate.asked) == 1


def test_while_one_hangs_pages_do_not_wait_for_it_once_more() -> None:
    page = Page("gpu", [Gate()])
    page.families(1.0)
    started = time.monotonic()
    assert up(page.families(1.0)) == {"gate": 0}
    assert time.monotonic() - started < 0.9


def test_an_answer_that_came_too_late_is_on_no_page() -> None:
    gate = Gate()
    page = Page("gpu", [gate])
    deadline_s = 0.2
    assert values(page.families(deadline_s), ROOMS) == {}
    gate.open.set()
    while not (found := values(page.families(deadline_s), ROOMS)):
        pass
    assert found != {("behind_the_gate",): 0}


def test_scrapes_at_the_same_time_share_one_collection() -> None:
    gate = Gate()
    page = Page("gpu", [gate])
    answers: list[list[Family]] = []
    scrapes = [
        threading.Thread(target=lambda: answers.append(page.families(LONG_S))) for _ in range(4)
    ]
    for scrape in scrapes:
        scrape.start()
    assert gate.entered.acquire(timeout=LONG_S)
    time.sleep(0.1)
    gate.open.set()
    for scrape in scrapes:
        scrape.join()
    assert [values(answer, ROOMS) for answer in answers] == [{("behind_the_gate",): 0}] * 4
    assert all(up(answer) == {"gate": 1} for answer in answers)


def test_many_scrapes_at_once_never_mix_their_samples() -> None:
    numbers = count()
    page = Page("gpu", [Source("s", lambda: [rooms(**{f"r{next(numbers)}": 1.0})])])
    answers: list[Mapping[tuple[str, ...], object]] = []

    def scrape() -> None:
        for _ in range(50):
            families = page.families(LONG_S)
            render(families, openmetrics=True)
            answers.append(values(families, ROOMS))

    threads = [threading.Thread(target=scrape) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {len(answer) for answer in answers} == {1}
    assert len(answers) == 200


def test_a_metric_of_two_collectors_is_one_block() -> None:
    page = Page("gpu", [fixed("a", rooms(hall=1)), fixed("b", rooms(attic=2))]).families(LONG_S)
    text = render(page, openmetrics=True)
    assert text.count(b"# TYPE room_celsius gauge") == 1
    assert b'\nroom_celsius{room="hall"} 1.0\nroom_celsius{room="attic"} 2.0\n' in text
    reference.read_openmetrics(text)


def test_a_metric_that_one_collector_gives_in_parts_is_one_block() -> None:
    page = Page("gpu", [fixed("a", rooms(hall=1), rooms(attic=2))]).families(LONG_S)
    assert render(page, openmetrics=False).count(b"# TYPE room_celsius gauge") == 1
    assert values(page, ROOMS) == {("hall",): 1, ("attic",): 2}


OTHER_HELP = replace(ROOMS, help="Cold.")


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param((rooms(hall=1), rooms(hall=1)), id="the same sample twice"),
        pytest.param((rooms(hall=1), Family(OTHER_HELP)), id="one name, two meanings"),
        pytest.param((Family(ROOMS, {("a", "b"): 1.0}),), id="too many labels"),
        pytest.param(
            (Family(ROOMS, {("a",): Distribution(bounds=(), counts=(1,), sum=1)}),), id="histogram"
        ),
    ],
)
def test_samples_that_cannot_be_written_fail_their_collector(
    bad: tuple[Family, ...], caplog: pytest.LogCaptureFixture
) -> None:
    page = Page("gpu", [fixed("bad", *bad), fixed("good", rooms(hall=1))]).families(LONG_S)
    assert up(page) == {"bad": 0, "good": 1}
    assert values(page, ROOMS) == {("hall",): 1}
    assert "room_celsius" in caplog.text


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(rooms(attic=3, hall=2), id="the same sample"),
        pytest.param(Family(OTHER_HELP, {("attic",): 1.0}), id="one name, two meanings"),
    ],
)
def test_of_two_collectors_that_contradict_each_other_the_first_is_believed(
    second: Family, caplog: pytest.LogCaptureFixture
) -> None:
    other = Family(VISITS, {("hall",): 1.0})
    page = Page("gpu", [fixed("a", rooms(hall=1)), fixed("b", other, second)]).families(LONG_S)
    assert up(page) == {"a": 1, "b": 0}
    assert (values(page, ROOMS), values(page, VISITS)) == ({("hall",): 1}, {})
    assert "another collector" in caplog.text


def test_collectors_of_one_name_are_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="one name"):
        Page("gpu", [fixed("a"), fixed("a")])


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_failure_is_logged_once_and_not_with_every_scrape(
    caplog: pytest.LogCaptureFixture,
) -> None:
    page = Page("gpu", [failing("nvml", Unreachable("no driver"))])
    for _ in range(5):
        page.families(LONG_S)
    assert logged(caplog) == ["gpu: collector nvml failed; its samples are missing: no driver"]


def test_another_kind_of_failure_is_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    problems = iter([OSError("1"), KeyError("2"), OSError("3"), KeyError("4")])

    def fail() -> Iterable[Family]:
        raise next(problems)

    page = Page("gpu", [Source("nvml", fail)])
    for _ in range(4):
        page.families(LONG_S)
    assert [message.splitlines()[-1] for message in logged(caplog)] == [
        "OSError: 1",
        "KeyError: '2'",
    ]
    assert "Traceback" in logged(caplog)[0]


def test_a_collector_that_hangs_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    page = Page("gpu", [Gate()])
    for _ in range(3):
        page.families(0.0)
    [message] = [line for line in logged(caplog) if "process" not in line]
    assert message.startswith("gpu: collector gate has not answered for 0.0 s")


def test_threads_of_collectors_do_not_keep_the_program_from_ending() -> None:
    page = Page("gpu", [Gate()])
    page.families(0.0)
    threads = [thread for thread in threading.enumerate() if thread.name == "collect-gate"]
    assert threads
    assert all(thread.daemon for thread in threads)


def test_scrapes_start_no_further_threads() -> None:
    page = Page("gpu", [fixed("a", rooms(hall=1))])
    page.families(LONG_S)
    before = threading.active_count()
    for _ in range(5):
        page.families(LONG_S)
    assert threading.active_count() == before
