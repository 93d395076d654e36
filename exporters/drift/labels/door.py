"""Takes late labels over HTTP: one, a list, a batch, or one per line."""

from collections.abc import Iterable, Iterator

from exporters.base import intake
from exporters.base.exporter import Door, Reply, Request
from exporters.base.receipts import JSON, LINES, NotWritable, Refused, later, reply_to
from exporters.drift.labels.rows import Label, row, rows
from exporters.drift.labels.store import Store

PATH = "/v1/labels"
MOST_BODY_BYTES = 4 << 20


def door(store: Store) -> Door:
    """The door that labels come in by."""
    return Door(
        path=PATH,
        method="POST",
        answer=lambda request: answer(store, request),
        accepts=True,
        max_body_bytes=MOST_BODY_BYTES,
        types=(JSON, *LINES),
    )


def answer(store: Store, request: Request) -> Reply:
    """Count the labels in the request, and say what became of them."""
    labels: Iterable[tuple[int, Label | Refused]]
    if intake.media_type(request.headers) in LINES:
        labels = _of_lines(request.body)
    else:
        try:
            labels = rows(intake.json_body(request.body))
        except intake.Refused as refused:
            return refused.reply()
    try:
        return reply_to(store.labelled(labels))
    except NotWritable as problem:
        return later(problem)


def _of_lines(body: bytes) -> Iterator[tuple[int, Label | Refused]]:
    for number, line in intake.lines(body):
        try:
            yield number, row(intake.json_body(line))
        except intake.Refused as refused:
            yield number, Refused(refused.reason, refused.message)
