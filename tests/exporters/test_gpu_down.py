"""Cards that fall off the bus or hang, drivers that are reloaded or gone: the page comes."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from exporters.gpu import Nvml
from exporters.gpu.session import LONGEST_PAUSE_S, LOOK_AGAIN_AFTER_S
from modelwatch.catalogue import gpu as series
from modelwatch.problems import Unreachable
from tests.exporters.gpu_bench import UUIDS, Bench, down, facts, until, up
from tests.exporters.nvml import Card, error, h100, hangs


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("GPU_IS_LOST", "lost"), ("RESET_REQUIRED", "reset_required"), ("GPU_NOT_FOUND", "lost")],
)
def test_a_card_that_falls_off_the_bus_is_down_and_the_others_are_not(
    kind: str, reason: str
) -> None:
    bench = Bench(h100(0), h100(1))
    bench.scrape()
    bench.library.cards[1].answers["nvmlDeviceGetPowerUsage"] = error(kind)
    page = bench.scrape()
    assert up(page) == {UUIDS[0]: 1, UUIDS[1]: 0}
    assert down(page) == {UUIDS[1]: reason}
    assert facts(page, UUIDS[1]) == set()
    assert page[series.GPU_EXPORTER_HOST_PRESENT.name] == {(): 1}
    assert page[series.GPU_EXPORTER_HOST_EXPECTED.name] == {(): 8}


def test_a_card_without_a_handle_keeps_the_name_it_had() -> None:
    bench = Bench(h100(0), h100(1))
    bench.scrape()
    bench.library.cards[1] = error("GPU_IS_LOST")
    assert down(bench.scrape()) == {UUIDS[1]: "lost"}


def test_a_card_that_never_said_its_name_goes_by_its_number() -> None:
    bench = Bench(h100(0))
    bench.library.cards.append(error("GPU_IS_LOST"))
    bench.library.cards.append(error("NO_PERMISSION"))
    bench.library.cards.append(Card({}))
    assert down(bench.scrape()) == {
        "index-1": "lost",
        "index-2": "no_permission",
        "index-3": "unreadable",
    }


def test_a_card_that_was_reset_is_found_again_and_one_that_is_gone_is_missed() -> None:
    bench = Bench(h100(0), h100(1))
    bench.scrape()
    lost = bench.library.cards.pop()
    assert down(bench.scrape()) == {UUIDS[1]: "lost"}
    opened = bench.library.opened
    bench.scrape(LOOK_AGAIN_AFTER_S)
    bench.library.cards.append(lost)
    assert up(bench.scrape()) == dict.fromkeys(UUIDS[:2], 1)
    assert bench.library.opened == opened + 1


def test_a_card_that_hangs_is_told_of_in_time_and_not_asked_again_until_it_returns() -> None:
    bench = Bench(h100(0), h100(1), deadline_s=0.3)
    bench.scrape()
    release = threading.Event()
    asked: list[int] = []

    def stuck() -> Callable[[], Any]:
        asked.append(1)
        return hangs(release)

    bench.library.cards[1].answers["nvmlDeviceGetPowerUsage"] = stuck
    began = time.monotonic()
    assert down(bench.scrape()) == {UUIDS[1]: "hung"}
    page = bench.scrape()
    assert time.monotonic() - began < 2
    assert up(page) == {UUIDS[0]: 1, UUIDS[1]: 0}
    assert len(asked) == 1
    bench.library.cards[1].answers["nvmlDeviceGetPowerUsage"] = 1000
    release.set()
    until(lambda: up(bench.scrape()) == dict.fromkeys(UUIDS[:2], 1))


def test_a_driver_that_was_reloaded_is_opened_again_within_the_same_scrape() -> None:
    bench = Bench(h100(0))
    bench.scrape()
    bench.library.driver = error("UNINITIALIZED")
    page = bench.scrape()
    assert up(page) == {UUIDS[0]: 1}
    assert bench.library.opened == 2
    assert bench.session.generation == 2


def test_without_its_driver_every_known_card_is_down_until_it_is_back() -> None:
    bench = Bench(h100(0), h100(1))
    bench.scrape()
    bench.library.driver = error("DRIVER_NOT_LOADED")
    bench.library.unopenable = error("DRIVER_NOT_LOADED")
    assert down(bench.scrape()) == dict.fromkeys(UUIDS[:2], "driver")
    bench.library.unopenable = None
    assert up(bench.scrape()) == dict.fromkeys(UUIDS[:2], 1)


def test_a_driver_that_stays_away_is_tried_less_and_less_often() -> None:
    bench = Bench()
    bench.library.unopenable = error("DRIVER_NOT_LOADED")
    tries = []
    for _ in range(200):
        bench.scrape(1)
        tries.append(bench.library.opened)
    assert tries[0] == 1
    assert tries[20] <= 6
    assert tries[-1] <= 10
    bench.library.unopenable = None
    bench.scrape(LONGEST_PAUSE_S)
    bench.session.ready()


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (error("LIBRARY_NOT_FOUND"), "NVML Shared Library Not Found"),
        (error("DRIVER_NOT_LOADED"), "Driver Not Loaded"),
        (error("NO_PERMISSION"), "Insufficient Permissions"),
        (error("LIB_RM_VERSION_MISMATCH"), "restart this exporter"),
        (RuntimeError("broken"), "broken"),
    ],
    ids=["no library", "no driver", "no permission", "replaced driver", "anything"],
)
def test_without_nvml_the_page_comes_and_the_collector_says_why(
    problem: Exception, words: str
) -> None:
    bench = Bench()
    bench.library.unopenable = problem
    with pytest.raises(Unreachable, match=words):
        Nvml(bench.session).collect()
    page = bench.scrape()
    assert page[series.GPU_EXPORTER_HOST_PRESENT.name] == {(): 0}
    assert page[series.GPU_EXPORTER_HOST_EXPECTED.name] == {(): 8}


def test_a_stale_value_disappears() -> None:
    bench = Bench(h100(0))
    assert bench.scrape()[series.GPU_EXPORTER_POWER.name]
    bench.library.cards[0].answers["nvmlDeviceGetPowerUsage"] = error("NOT_SUPPORTED")
    assert series.GPU_EXPORTER_POWER.name not in bench.scrape()
