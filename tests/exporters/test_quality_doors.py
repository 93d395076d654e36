import json
import math
from pathlib import Path

import pytest

from exporters.base.intake import REASONS
from exporters.quality.doors import doors
from modelwatch.catalogue import quality
from tests.exporters.quality_ledgers import Books, lines, score

NDJSON = "application/x-ndjson"
DEEP = b"[" * 200_000


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (json.dumps(score()).encode(), "application/json"),
        (json.dumps([score()]).encode(), "application/json; charset=utf-8"),
        (json.dumps({"scores": [score()]}).encode(), "application/json"),
        (lines([score()]), NDJSON),
        (b"\n\r\n" + lines([score()]).replace(b"\n", b"\r\n"), "application/jsonl"),
        (json.dumps(score()).encode(), "application/ndjson"),
    ],
    ids=["one", "a list", "a named list", "a line", "CR LF", "no end"],
)
def test_one_event_arrives_however_it_is_written(body: bytes, kind: str, books: Books) -> None:
    reply = books.post(body, kind)
    assert reply.status == 200
    assert json.loads(reply.body) == {
        "accepted": 1,
        "duplicates": 0,
        "rejected": 0,
        "reasons": [],
    }
    assert books.samples(quality.QUALITY_SAMPLES) == {("groundedness", "v1"): 1}


@pytest.mark.parametrize(
    ("body", "kind", "status", "reason"),
    [
        (b"", "application/json", 400, "json"),
        (b"{", "application/json", 400, "json"),
        (b'{"model": "\xff"}', "application/json", 400, "json"),
        (DEEP, "application/json", 400, "json"),
        (b"9" * 10_000, "application/json", 400, "json"),
        (b'"text"', "application/json", 422, "invalid"),
        (DEEP, NDJSON, 422, "invalid"),
        (b"9" * 10_000, NDJSON, 422, "invalid"),
        (b"\xff\n\xfe", NDJSON, 422, "invalid"),
        (b"\x00\n", NDJSON, 422, "invalid"),
        (lines([score(model="x")]), NDJSON, 422, "invalid"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_cannot_be_read_is_refused(
    body: bytes, kind: str, status: int, reason: str, books: Books
) -> None:
    reply = books.post(body, kind)
    assert (reply.status, reply.reason) == (status, reason)
    assert reply.reason in REASONS
    assert json.loads(reply.body)
    assert books.samples(quality.QUALITY_SAMPLES) == {}


def test_good_events_of_a_batch_are_counted_and_bad_ones_are_told_by_line(books: Books) -> None:
    body = lines([score(), score(model="chatt")]) + b"{nonsense\n\xff\n" + lines([score(math.nan)])
    reply = books.post(body, NDJSON)
    assert reply.status == 200
    found = json.loads(reply.body)
    assert (found["accepted"], found["rejected"]) == (1, 4)
    assert [(one["line"], one["reason"]) for one in found["reasons"]] == [
        (2, "unknown_model"),
        (3, "malformed"),
        (4, "malformed"),
        (5, "not_a_number"),
    ]
    assert found["reasons"][0]["message"] == "the inventory has no model 'chatt'"


def test_only_the_first_reasons_are_told(books: Books) -> None:
    found = books.receipt([score(2)] * 100)
    assert found["rejected"] == 100
    assert len(found["reasons"]) == 20


def test_nothing_is_an_empty_batch(books: Books) -> None:
    assert books.post([]).status == 200
    assert books.post(b"", NDJSON).status == 200


def test_a_batch_sent_again_is_fine(books: Books) -> None:
    books.post(score(id="a"))
    assert books.post(score(id="a")).status == 200


def test_a_door_takes_data_only_from_those_who_may_send_it(books: Books) -> None:
    (door,) = doors(books.ledger)
    assert door.accepts
    assert {"application/json", NDJSON} <= set(door.types)
    assert "application/x-www-form-urlencoded" not in door.types, "any web page could send it"
