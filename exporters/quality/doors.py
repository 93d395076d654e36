"""Takes events over HTTP: one, a list, or one per line."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from exporters.base.exporter import Door, Reply, Request
from exporters.base.following import NotWritable
from exporters.base.intake import media_type
from exporters.quality.books import Receipt
from exporters.quality.events import Event, Refused
from exporters.quality.json_events import from_json
from exporters.quality.ledger import Ledger

PATH = "/v1/scores"
MOST_BODY_BYTES = 4 << 20
JSON = "application/json"
LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl")

RETRY_AFTER_S = 5


def doors(ledger: Ledger) -> tuple[Door, ...]:
    """The doors of the exporter."""
    return (
        Door(
            path=PATH,
            method="POST",
            answer=lambda request: answer(ledger, request),
            accepts=True,
            max_body_bytes=MOST_BODY_BYTES,
            types=(JSON, *LINES),
        ),
    )


def answer(ledger: Ledger, request: Request) -> Reply:
    """Count what is in the request, and say what became of it."""
    if media_type(request.headers) in LINES:
        events = _of_lines(request.body)
    else:
        try:
            found = json.loads(request.body)
        except (ValueError, RecursionError):
            return refusal(400, "json", "the body is no JSON, or no UTF-8")
        events = _of_list(found)
    return counted(ledger, events)


def counted(ledger: Ledger, events: Iterable[tuple[int, Event | Refused]]) -> Reply:
    """Count the events of a request, and say what became of them."""
    try:
        receipt = ledger.accept(events)
    except NotWritable as problem:
        later = {"retry-after": str(RETRY_AFTER_S)}
        return replace(refusal(503, "busy", str(problem)), headers=later)
    useless = receipt.rejected and not receipt.accepted and not receipt.duplicates
    return Reply(
        status=422 if useless else 200,
        body=_json(_words(receipt)),
        reason="invalid" if useless else "",
    )


_Numbered = Iterator[tuple[int, Event | Refused]]


def _of_list(found: object) -> _Numbered:
    if type(found) is dict and type(found.get("scores")) is list:
        found = found["scores"]
    for number, one in enumerate(found if type(found) is list else [found], 1):
        yield number, _event(one)


def _of_lines(body: bytes) -> _Numbered:
    for number, line in enumerate(body.split(b"\n"), 1):
        if not line or line.isspace():
            continue
        try:
            yield number, _event(_decode(line.decode()))
        except (ValueError, RecursionError):
            yield number, Refused("malformed", "the line is no JSON, or no UTF-8")


_decode = json.JSONDecoder().decode


def _event(found: object) -> Event | Refused:
    try:
        return from_json(found)
    except Refused as refused:
        return refused


def _words(receipt: Receipt) -> dict[str, Any]:
    return {
        "accepted": receipt.accepted,
        "duplicates": receipt.duplicates,
        "rejected": receipt.rejected,
        "reasons": [
            {"line": one.line, "reason": one.reason, "message": one.message} for one in receipt.told
        ],
    }


def refusal(status: int, reason: str, message: str) -> Reply:
    """An answer to a request that is not taken, and why."""
    return Reply(status=status, body=_json({"error": message}), reason=reason)


def _json(words: dict[str, Any]) -> bytes:
    return json.dumps(words).encode() + b"\n"
