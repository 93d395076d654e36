"""Reads files again when they change or when SIGHUP asks for it; what is bad changes nothing."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from exporters.base.families import Family
from modelwatch.catalogue.exporters import EXPORTER_RELOADED, EXPORTER_RELOADED_AT
from modelwatch.problems import InventoryError, ModelwatchError, render

_LOG = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
"""Looking costs one system call per file, and works on network and container file systems."""
SETTLED_AFTER_S = 0.1
"""A file that is still being written changes within this time."""

Mark = tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Something that was read from files: `files` names them as of now, `read` reads them again.

    `read` raises when they are bad, and then has changed nothing.
    """

    name: str
    files: Callable[[], Sequence[Path]]
    read: Callable[[], None]


class Reloading:
    """A thread that looks at files, and what it has to say for the page."""

    def __init__(self, watched: Sequence[Watched], every_s: float) -> None:
        self._watched = tuple(watched)
        self._every_s = every_s
        self._marks = [mark(one.files()) for one in self._watched]
        self._good = [True] * len(self._watched)
        self._read_at = time.time()
        self._asked = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._look, name="reloading", daemon=True)

    def start(self) -> None:
        """Look from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; returns at once."""
        self._ended = True
        self._asked.set()

    def ask(self) -> None:
        """Read everything again, changed or not. Safe in a signal handler."""
        self._asked.set()

    def families(self, exporter: str) -> Iterable[Family]:
        """Whether the last reload worked, and when one did."""
        reloaded, reloaded_at = Family(EXPORTER_RELOADED), Family(EXPORTER_RELOADED_AT)
        reloaded.add(float(all(self._good)), exporter)
        reloaded_at.add(self._read_at, exporter)
        return reloaded, reloaded_at

    def _look(self) -> None:
        while not self._ended:
            asked = self._asked.wait(self._every_s)
            self._asked.clear()
            for index, one in enumerate(self._watched):
                if self._ended:
                    return
                if asked or mark(one.files()) != self._marks[index]:
                    self._read(index, one)

    def _read(self, index: int, one: Watched) -> None:
        files = tuple(one.files())
        before = _settled(files)  # before reading: a change in between is seen the next time
        try:
            one.read()
        except Exception as problem:  # noqa: BLE001  # a boundary: nothing in a file ends us
            self._marks[index] = before
            self._good[index] = False
            _tell(one.name, problem)
            return
        # What was read can name other files than before: these are as they were when it was read.
        after = tuple(one.files())
        self._marks[index] = before if after == files else mark(after)
        self._good[index] = True
        self._read_at = time.time()
        _LOG.info("%s was read again", one.name)


def mark(files: Iterable[Path]) -> Mark:
    """What changes when a file does; None for one that cannot be looked at."""
    return tuple(_mark(path) for path in files)


def _mark(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _settled(files: Sequence[Path]) -> Mark:
    """The mark once it stays the same, or after ten looks."""
    found = mark(files)
    for _ in range(10):
        time.sleep(SETTLED_AFTER_S)
        before, found = found, mark(files)
        if before == found:
            break
    return found


def _tell(name: str, problem: Exception) -> None:
    if isinstance(problem, InventoryError):
        for one in problem.problems:
            _LOG.error("%s", render(one))
    elif isinstance(problem, ModelwatchError):
        _LOG.error("%s", problem)
    else:
        _LOG.error("reading %s again failed", name, exc_info=problem)
    _LOG.error("%s was not read again; what was read before stays in force", name)
