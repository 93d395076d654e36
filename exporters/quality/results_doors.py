"""Takes result files over HTTP: a door for each format, what they are about in the query."""

import threading
from collections.abc import Callable, Mapping

from exporters.base.exporter import Door, Reply, Request
from exporters.base.receipts import refusal
from exporters.quality.doors import counted
from exporters.quality.ledger import Ledger
from exporters.quality.results import MOST_FILE_BYTES, Told, formats, items

PATH = "/v1/results"
TYPES = ("application/json", "application/x-ndjson", "text/csv", "application/octet-stream")
"""What kind of file it is shows in the file."""

_PARAMETERS = ("model", "environment", "version", "score", "run")


def results_doors(ledger: Ledger) -> tuple[Door, ...]:
    """A door for each format. Large files are read one at a time: that bounds the memory."""
    turn = threading.Lock()
    return tuple(
        Door(
            path=f"{PATH}/{name}",
            method="POST",
            answer=_answer(name, ledger, turn),
            accepts=True,
            max_body_bytes=MOST_FILE_BYTES,
            types=TYPES,
        )
        for name in formats()
    )


def _answer(name: str, ledger: Ledger, turn: threading.Lock) -> Callable[[Request], Reply]:
    def answer(request: Request) -> Reply:
        unknown = sorted(request.query.keys() - set(_PARAMETERS))
        if unknown:
            known = ", ".join(_PARAMETERS)
            return refusal(400, "invalid", f"`{unknown[0][:80]}` is no parameter; there is {known}")
        told = _told(request.query)
        with turn:
            events = list(items(name, request.body, told))
        return counted(ledger, events)

    return answer


def _told(query: Mapping[str, str]) -> Told:
    model, environment, version, score, run = (query.get(name, "") for name in _PARAMETERS)
    return Told(model=model, environment=environment, version=version, score=score, run=run)
