"""Reads files beside the doors: lines of events as they are written, and results of evaluations.

modelwatch exporter quality --follow /var/log/chat/quality.ndjson
modelwatch exporter quality --results ragas:chat/production=/var/lib/evaluations
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import click

from exporters.quality.followed_file import FollowedFile
from exporters.quality.ledger import Ledger, NotWritable
from exporters.quality.results import Told, formats
from exporters.quality.results_folder import ResultsFolder

_LOG = logging.getLogger(__name__)

EVERY_S = 1.0
"""Files are looked at so often."""

_ENDS_WITHIN_S = 0.4


class Source(Protocol):
    """Something that is looked at every second."""

    @property
    def path(self) -> Path:
        """Where it is."""

    def poll(self) -> bool:
        """Count some of what is new; true when there may be more at once.

        Raises:
            OSError: it cannot be read.
            NotWritable: nothing can be counted now.
        """

    def close(self) -> None:
        """Let go of files; the next poll begins where the counts say."""


class Following:
    """One thread that reads all sources, a little of each in turn."""

    def __init__(self, sources: Sequence[Source], *, every_s: float = EVERY_S) -> None:
        self._sources, self._every_s = sources, every_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="quality-following", daemon=True)
        self._troubles: dict[Source, str] = {}

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """End; what was read is counted, or read again at the next start."""
        self._ended.set()
        self._thread.join(_ENDS_WITHIN_S)

    def _run(self) -> None:
        busy = True
        while not self._ended.wait(0 if busy else self._every_s):
            polled = [self._poll(source) for source in self._sources]  # each of them
            busy = any(polled)
        for source in self._sources:
            source.close()

    def _poll(self, source: Source) -> bool:
        try:
            more = source.poll()
        except NotWritable:
            trouble = ""  # the ledger tells, in its metric and in the log
        except OSError as problem:
            trouble = f"cannot be read: {problem}"
        except Exception as problem:  # noqa: BLE001  # a boundary, for the reason below
            # The thread must live: the other files are read on.
            trouble = f"{type(problem).__name__} while it was read"
            _LOG.debug("%s: %s", source.path, trouble, exc_info=True)
        else:
            self._troubles.pop(source, None)
            return more
        source.close()
        if trouble and self._troubles.get(source) != trouble:
            _LOG.error("%s %s", source.path, trouble)
        self._troubles[source] = trouble
        return False


# Options.


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
    click.Option(
        ["--follow"],
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="File with one JSON event per line that is read as it grows; may be repeated.",
    ),
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
    files = [FollowedFile(path, ledger) for path in options.get("follow", ())]
    folders = [
        ResultsFolder(one.name, one.told, one.path, ledger) for one in options.get("results", ())
    ]
    return (Following([*files, *folders]),) if files or folders else ()
