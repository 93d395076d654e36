"""Reads files beside the doors: lines of events as they are written, and results of evaluations.

modelwatch exporter quality --follow /var/log/chat/quality.ndjson
modelwatch exporter quality --results ragas:chat/production=/var/lib/evaluations
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from exporters.base.followed_file import MOST_LINE_BYTES
from exporters.base.following import FOLLOW, Following, files
from exporters.quality.events import Event, Refused
from exporters.quality.json_events import from_json
from exporters.quality.ledger import Ledger
from exporters.quality.results import Told, formats
from exporters.quality.results_folder import ResultsFolder


@dataclass(frozen=True, slots=True)
class EventLines:
    """Counts the lines of followed files in a ledger: each is an event."""

    ledger: Ledger

    @property
    def writable(self) -> bool:
        """Whether the ledger can keep anything."""
        return self.ledger.writable

    def mark(self, name: str) -> str:
        """How far a file was read, as the ledger has it."""
        return self.ledger.mark(name)

    def take(self, lines: Sequence[bytes | None], marks: Mapping[str, str]) -> tuple[int, str]:
        """Count them. Raises `NotWritable` where nothing can be kept."""
        receipt = self.ledger.accept(list(enumerate(map(_event_of, lines), 1)), marks)
        return receipt.rejected, receipt.told[0].message if receipt.told else ""


def _event_of(line: bytes | None) -> Event | Refused:
    """The event of a line, or why there is none."""
    if line is None:
        return Refused("malformed", f"a line has more than {MOST_LINE_BYTES >> 10} KiB")
    try:
        return from_json(json.loads(line.decode()))
    except Refused as refused:
        return refused
    except (ValueError, RecursionError):
        return Refused("malformed", "the line is no JSON, or no UTF-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What `--results` says: the format, what the files are about, and where they are."""

    name: str
    told: Told
    path: Path


class _ResultsOption(click.ParamType[Results]):
    name = "FORMAT[:MODEL[/ENVIRONMENT]]=PATH"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Results:
        if isinstance(value, Results):
            return value
        about, equals, path = str(value).partition("=")
        name, _, model = about.partition(":")
        if not equals or not path:
            self.fail("write it like ragas:chat/production=/var/lib/evaluations", param, ctx)
        if name not in formats():
            self.fail(f"there is no format '{name}'; there is {', '.join(formats())}", param, ctx)
        model, _, environment = model.partition("/")
        told = Told(model=model, environment=environment)
        return Results(name=name, told=told, path=Path(path))


OPTIONS = (
    FOLLOW,
    click.Option(
        ["--results"],
        multiple=True,
        type=_ResultsOption(),
        metavar=_ResultsOption.name,
        help="Result files of an evaluation library, or a folder of them; may be repeated.",
    ),
)


def following(options: Mapping[str, Any], ledger: Ledger) -> tuple[Following, ...]:
    """The work that the options ask for; none without any."""
    followed = files(options, EventLines(ledger))
    folders = [
        ResultsFolder(one.name, one.told, one.path, ledger) for one in options.get("results", ())
    ]
    return (Following([*followed, *folders]),) if followed or folders else ()
