"""XID errors are counted while the exporter runs, whatever else happens to the cards."""

from collections.abc import Iterator

import pytest

from exporters.gpu import xid
from exporters.gpu.library import Library, address
from exporters.gpu.session import LOOK_AGAIN_AFTER_S, Session
from exporters.gpu.xid import CODES, LABELS, Xids
from tests.exporters.gpu_bench import UUIDS, until
from tests.exporters.gpu_pages import Clock
from tests.exporters.nvml import Event, Scripted, error, h100, struct


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xid, "WAIT_MS", 5)
    monkeypatch.setattr(xid, "PAUSE_S", 0.01)


@pytest.fixture
def library() -> Scripted:
    return Scripted(h100(0), h100(1))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def xids(library: Scripted, clock: Clock) -> Iterator[Xids]:
    watching = Xids(Session(Library(library), clock))
    watching.start()
    yield watching
    watching.stop()


def counted(xids: Xids) -> dict[tuple[str, str], int]:
    return {
        (gpu, code): count
        for gpu, codes in xids.seen().items()
        for code, count in codes.items()
        if count
    }


def test_every_code_is_there_before_the_first_error(xids: Xids) -> None:
    until(lambda: set(xids.seen()) == set(UUIDS[:2]))
    assert {tuple(codes) for codes in xids.seen().values()} == {LABELS}
    assert counted(xids) == {}
    assert len(LABELS) == len(CODES) + 1 == len(set(LABELS))


def test_errors_are_counted_by_card_and_code(library: Scripted, xids: Xids) -> None:
    for code in (79, 13, 79):
        library.xid(library.cards[1], code)
    until(lambda: counted(xids) == {(UUIDS[1], "79"): 2, (UUIDS[1], "13"): 1})
    assert xids.last == {UUIDS[1]: 79}


def test_a_rare_code_counts_as_other(library: Scripted, xids: Xids) -> None:
    library.xid(library.cards[0], 12_345)
    until(lambda: counted(xids) == {(UUIDS[0], "other"): 1})
    assert xids.last == {UUIDS[0]: 12_345}


def test_other_events_and_other_cards_count_nothing(library: Scripted, xids: Xids) -> None:
    library.events.put(Event(library.cards[0], 1, 79))
    library.xid(h100(7), 79)
    library.xid(library.cards[0], 48)
    until(lambda: counted(xids) == {(UUIDS[0], "48"): 1})


@pytest.mark.parametrize("kind", ["NOT_SUPPORTED", "NO_PERMISSION", "GPU_IS_LOST"])
def test_a_card_that_tells_no_errors_has_none_on_the_page(kind: str) -> None:
    library = Scripted(h100(0), h100(1))
    library.cards[0].answers["nvmlDeviceRegisterEvents"] = error(kind)
    watching = Xids(Session(Library(library)))
    watching.start()
    until(lambda: set(watching.seen()) == {UUIDS[1]})
    watching.stop()


@pytest.mark.parametrize("kind", ["GPU_IS_LOST", "UNKNOWN", "UNINITIALIZED"])
def test_waiting_goes_on_after_a_failure(kind: str, library: Scripted, xids: Xids) -> None:
    library.xid(library.cards[0], 79)
    library.events.put(error(kind))
    library.xid(library.cards[0], 79)
    until(lambda: counted(xids) == {(UUIDS[0], "79"): 2})


def test_waiting_goes_on_after_nvml_was_opened_anew(
    library: Scripted, xids: Xids, clock: Clock
) -> None:
    until(lambda: len(library.watched) == 2)
    clock.now += LOOK_AGAIN_AFTER_S
    xids.session.look_again()
    assert not library.is_open
    xids.session.ready()
    until(lambda: len(library.watched) == 2)
    library.xid(library.cards[1], 63)
    until(lambda: counted(xids) == {(UUIDS[1], "63"): 1})


def test_without_a_driver_it_waits_until_there_is_one(clock: Clock) -> None:
    library = Scripted(h100(0))
    library.unopenable = error("DRIVER_NOT_LOADED")
    watching = Xids(Session(Library(library), clock))
    watching.start()
    until(lambda: library.opened == 1)
    library.unopenable = None
    clock.now += 60
    until(lambda: set(watching.seen()) == {UUIDS[0]})
    watching.stop()


def test_a_card_is_known_by_its_handle_however_often_it_is_asked_for() -> None:
    import ctypes

    import pynvml

    first, second = (ctypes.cast(0xABC0, pynvml.c_nvmlDevice_t) for _ in range(2))
    assert first is not second
    assert address(first) == address(second) == 0xABC0
    event = struct("c_nvmlEventData_t", device=first)
    assert address(event.device) == address(second)
