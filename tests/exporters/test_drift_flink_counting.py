"""What the Flink job counts, without Flink: as the exporter does, and handed over once."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
import requests

from exporters.base.exporter import Request
from exporters.drift.baseline import identified
from exporters.drift.doors import COUNTS, doors
from exporters.drift.flink.counting import Found, Windows
from exporters.drift.flink.handing import TRIES, NotTaken, hand
from exporters.drift.ledger import Ledger
from tests.exporters.drift_predictions import (
    BASELINE,
    ENVIRONMENT,
    MODEL,
    Process,
    counted,
    declare,
    ledger,
    of,
    on_pages,
    predictions,
    until,
)

WINDOWS = Windows({(MODEL, ENVIRONMENT): identified(BASELINE)})
LATE = Windows({(MODEL, ENVIRONMENT): identified(BASELINE)}, late=True)
MINUTE_MS = 60_000


def found_in(messages: Iterable[object], windows: Windows = WINDOWS) -> Found:
    found = Found()
    for message in messages:
        windows.add(found, json.dumps(message))
    return found


def add(counts: Ledger, documents: str) -> dict[str, int]:
    door = next(one for one in doors(counts) if one.path == COUNTS)
    body = documents.encode()
    reply = door.answer(Request(path=COUNTS, query={}, headers={}, body=body))
    found: dict[str, int] = json.loads(reply.body)
    return found


@pytest.fixture
def counts(tmp_path: Path) -> Ledger:
    return ledger(tmp_path / "state", declare(tmp_path))


def test_windows_add_up_to_what_one_exporter_counts(counts: Ledger) -> None:
    for first in range(0, 3000, 700):
        found = found_in(predictions(first, min(first + 700, 3000)))
        documents = WINDOWS.documents(found, f"job/{first}", 0, MINUTE_MS)
        assert add(counts, without_times(documents))["accepted"] == 1
    assert counted(counts) == of(3000)


def without_times(documents: str) -> str:
    """Windows of the tests are of 1970."""
    told = json.loads(documents)
    for one in told:
        del one["from"], one["to"]
    return json.dumps(told)


def test_parts_of_a_window_can_be_merged(counts: Ledger) -> None:
    merged = WINDOWS.merged(found_in(predictions(0, 800)), found_in(predictions(800, 1000)))
    add(counts, without_times(WINDOWS.documents(merged, "job/1", 0, MINUTE_MS)))
    assert counted(counts) == of(1000)


def test_a_window_that_is_handed_over_again_is_counted_once(counts: Ledger) -> None:
    documents = without_times(
        WINDOWS.documents(found_in(predictions(0, 100)), "job/1", 0, MINUTE_MS)
    )
    add(counts, documents)
    assert add(counts, documents)["duplicates"] == 1
    assert counted(counts) == of(100)


def test_what_cannot_be_counted_is_told_with_the_counts(counts: Ledger) -> None:
    bad = [
        {"model": MODEL, "features": {"amount": "much", "country": "DE", "size": 1}},
        {"model": MODEL, "features": 7},
        {"model": "another", "features": {"amount": 1}},
    ]
    found = found_in(bad)
    found.lines.append("{")
    add(counts, without_times(WINDOWS.documents(found, "job/1", 0, MINUTE_MS)))
    rejected = {
        key[2]: amount for key, amount in counts.rejected.items() if amount and key[0] == MODEL
    }
    assert rejected == {"number": 1, "wrong_type": 1, "unknown_feature": 1}
    assert WINDOWS.of_nobody(found) == 2


def test_late_messages_are_told_and_not_counted(counts: Ledger) -> None:
    found = found_in(predictions(0, 30), LATE)
    add(counts, without_times(LATE.documents(found, "job/late/1", 0, MINUTE_MS)))
    assert counts.rejected[MODEL, ENVIRONMENT, "too_old"] == 30
    assert counted(counts) == of(0)


def test_nothing_found_is_nothing_to_hand_over() -> None:
    assert WINDOWS.documents(Found(), "job/1", 0, MINUTE_MS) == ""


def test_counts_are_handed_over_when_the_exporter_is_back(tmp_path: Path) -> None:
    declare(tmp_path)
    exporter = Process(tmp_path, "exporter")
    documents = without_times(
        WINDOWS.documents(found_in(predictions(0, 100)), "job/1", 0, MINUTE_MS)
    )

    def comes_back(_pause_s: float) -> None:
        exporter.start()
        until(lambda: bool(exporter.page()), 60)

    session = requests.Session()
    try:
        assert hand(session, exporter.url, documents, sleep=comes_back) == 0
        assert on_pages(exporter.page()) == of(100)
        other = documents.replace(identified(BASELINE).identity, "another", 1)
        assert hand(session, exporter.url, other) == 1
    finally:
        exporter.kill()
    pauses: list[float] = []
    with pytest.raises(NotTaken, match="did not take the counts: ConnectionError"):
        hand(session, exporter.url, documents, sleep=pauses.append)
    assert len(pauses) == TRIES - 1
    assert 30 < sum(pauses) < 120
