"""Takes observations over HTTP: one, many, by row or by column; and counts made elsewhere."""

import json
import threading
from collections.abc import Callable, Iterator

from exporters.base.exporter import Door, Reply, Request
from exporters.base.intake import media_type
from exporters.base.receipts import JSON, LINES, Receipt, Refused, refusal, reply_to
from exporters.drift.binned import binned
from exporters.drift.gathering import MOST_KEY_CHARACTERS, Gathering, is_key
from exporters.drift.ledger import Ledger
from exporters.drift.observations import Binned

OBSERVE = "/v1/observe"
COUNTS = "/v1/counts"
MOST_BODY_BYTES = 4 << 20
KEY_HEADER = "idempotency-key"
"""Names a request, so that it is counted once however often it is sent."""

Values = Iterator[tuple[int, object]]


def doors(ledger: Ledger) -> tuple[Door, ...]:
    """The doors of the exporter. Bodies are read one at a time: that bounds the memory."""
    turn = threading.Lock()
    return tuple(
        Door(
            path=path,
            method="POST",
            answer=_answer(ledger, turn, count),
            accepts=True,
            max_body_bytes=MOST_BODY_BYTES,
            types=(JSON, *LINES),
        )
        for path, count in ((OBSERVE, observed), (COUNTS, added))
    )


def _answer(
    ledger: Ledger, turn: threading.Lock, count: Callable[[Ledger, Values, str], Receipt]
) -> Callable[[Request], Reply]:
    def answer(request: Request) -> Reply:
        key = request.headers.get(KEY_HEADER, "")
        if not is_key(key):
            message = f"{KEY_HEADER} has up to {MOST_KEY_CHARACTERS} characters"
            return refusal(400, "invalid", message)
        with turn:
            if media_type(request.headers) in LINES:
                return reply_to(count(ledger, of_lines(request.body.split(b"\n")), key))
            try:
                found = json.loads(request.body)
            except (ValueError, RecursionError):
                return refusal(400, "json", "the body is no JSON, or no UTF-8")
            return reply_to(count(ledger, iter(((1, found),)), key))

    return answer


def observed(ledger: Ledger, values: Values, key: str) -> Receipt:
    """Count observations."""
    gathering = Gathering(ledger.now(), key)
    for line, value in values:
        if isinstance(value, Refused):
            gathering.refuse(line, value)
        else:
            gathering.add(line, value)
    return ledger.observe(gathering.batches(), gathering.refused)


def added(ledger: Ledger, values: Values, key: str) -> Receipt:
    """Add counts that were made elsewhere."""
    each = (
        (number, one)
        for line, value in values
        for number, one in enumerate(value if type(value) is list else [value], line)
    )
    now = ledger.now()
    read = [(line, _binned(line, one, key and f"{key}/{line}", now)) for line, one in each]
    return ledger.add(
        [one for _, one in read if isinstance(one, Binned)],
        [(line, one) for line, one in read if isinstance(one, Refused)],
    )


def _binned(line: int, value: object, key: str, now: float) -> Binned | Refused:
    if isinstance(value, Refused):
        return value
    try:
        return binned(line, value, key, now)
    except Refused as refused:
        return refused


def of_lines(lines: list[bytes]) -> Values:
    """The value of each line, or why there is none."""
    for number, line in enumerate(lines, 1):
        if line and not line.isspace():
            yield number, value_of(line)


def value_of(line: bytes) -> object:
    """The JSON value of a line; a refusal where there is none."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return Refused("malformed", "the line is no JSON, or no UTF-8")
