"""A folder in which evaluations leave their result files; each is read once it is complete.

How far the folder was read is the time of the newest file that was taken (that of its last change
of any kind, which copying and renaming set as well), kept together with the counts.
"""

import json
import logging
import math
import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from exporters.quality.ledger import Ledger
from exporters.quality.results import MOST_FILE_BYTES, Told, items

_LOG = logging.getLogger(__name__)

SUFFIXES = (".json", ".jsonl", ".ndjson", ".csv")
SETTLED_S = 2.0
"""A file that was changed more recently may still be written."""

EVERY_S = 5.0
"""Folders are listed at most so often."""


MOST_FILES = 10_000
"""More files are not looked at in one listing; a folder is no archive."""

_Found = tuple[int, str]
"""When the file was last changed in any way (ns since 1970), and its path."""


class ResultsFolder:
    """Results in one format: a file, or a folder with all folders below it."""

    def __init__(
        self,
        name: str,
        told: Told,
        path: Path,
        ledger: Ledger,
        *,
        settled_s: float = SETTLED_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._name, self._told, self.path = name, told, path.absolute()
        self._ledger, self._clock, self._settled_s = ledger, clock, settled_s
        self._mark = f"results {name} {told.model} {told.environment} {self.path}"
        self._pending: list[_Found] = []
        self._listed_s = -math.inf

    def poll(self) -> bool:
        """Count the oldest file that is new."""
        if not self._ledger.writable:  # what was read so far is not known either
            self._pending = []
            return False
        if not self._pending:
            if 0 <= self._clock() - self._listed_s < EVERY_S:
                return False
            self._pending = self._new()
            self._listed_s = self._clock()
        if self._pending:
            found = self._pending[0]
            self._count(found)
            del self._pending[0]
        return bool(self._pending)

    def close(self) -> None:
        """Begin where the counts say."""
        self._pending = []

    def _new(self) -> list[_Found]:
        """Complete files that were not read yet, oldest first."""
        kept = self._ledger.mark(self._mark)
        reached: _Found = tuple(json.loads(kept)) if kept else (0, "")
        until = int((self._clock() - self._settled_s) * 1e9)
        files = list(islice(_files(self.path), MOST_FILES + 1))
        if len(files) > MOST_FILES:
            _LOG.error("%s has more than %d files: move old ones away", self.path, MOST_FILES)
        return sorted(found for found in files if reached < found and found[0] <= until)

    def _count(self, found: _Found) -> None:
        """Its identity is its content and when that was written: a file may be moved about."""
        taken = _taken(*found)
        if taken is None:
            return
        body, written_ns = taken
        told = replace(self._told, run=str(written_ns), time_s=written_ns / 1e9)
        receipt = self._ledger.accept(
            list(items(self._name, body, told)), {self._mark: json.dumps(found)}
        )
        _LOG.info(
            "%s: %d counted, %d known, %d refused%s",
            found[1],
            receipt.accepted,
            receipt.duplicates,
            receipt.rejected,
            f", such as: {receipt.told[0].message}" if receipt.told else "",
        )


def _files(path: Path) -> Iterator[_Found]:
    """Every result file there, as the last change of any kind and the path."""
    if path.is_file():
        yield from _found(path)
        return
    for folder, below, names in os.walk(path):
        below[:] = [name for name in below if not name.startswith(".")]
        for name in names:
            if name.endswith(SUFFIXES) and not name.startswith("."):
                yield from _found(Path(folder, name))


def _found(path: Path) -> Iterator[_Found]:
    try:
        state = path.stat()
    except FileNotFoundError:
        return  # moved away since it was listed
    if stat.S_ISREG(state.st_mode):
        yield state.st_ctime_ns, str(path)


def _taken(changed_ns: int, path: str) -> tuple[bytes, int] | None:
    """The content and when it was written (ns since 1970).

    None of a file that is gone, or that has changed once more and comes again for that.
    """
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            body = file.read(MOST_FILE_BYTES + 1)
            state = os.fstat(file.fileno())
    except FileNotFoundError:
        return None
    except PermissionError as problem:
        _LOG.warning("%s: %s; it is read once that changes", path, problem.strerror)
        return None
    return (body, state.st_mtime_ns) if state.st_ctime_ns == changed_ns else None


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)
