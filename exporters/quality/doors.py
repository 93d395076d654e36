"""Takes events over HTTP: one, a list, or one per line."""

import json
from collections.abc import Iterable, Iterator

from exporters.base.exporter import Door, Reply, Request
from exporters.base.intake import media_type
from exporters.base.receipts import JSON, LINES, NotWritable, later, refusal, reply_to
from exporters.quality.events import Event, Refused
from exporters.quality.json_events import from_json
from exporters.quality.ledger import Ledger

PATH = "/v1/scores"
MOST_BODY_BYTES = 4 << 20


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
        return later(problem)
    return reply_to(receipt)


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
