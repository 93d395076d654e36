"""Reads files beside the doors, as they are written."""

import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import click

from exporters.base.followed_file import FollowedFile, Lines
from exporters.base.receipts import NotWritable

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
        self._thread = threading.Thread(target=self._run, name="following", daemon=True)
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
            trouble = ""  # whoever counts tells, in a metric and in the log
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


FOLLOW = click.Option(
    ["--follow"],
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="File with one JSON event per line that is read as it grows; may be repeated.",
)


def files(options: Mapping[str, Any], lines: Lines) -> list[FollowedFile]:
    """The files that `--follow` names; their lines are counted there."""
    return [FollowedFile(path, lines) for path in options.get("follow", ())]
