"""Counts events and keeps them: each batch is on disk before it is answered."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from exporters.base.receipts import NotWritable, Receipt
from exporters.base.remembered import GENERATION, Remembered
from exporters.quality.books import Books
from exporters.quality.declared import Declared
from exporters.quality.events import Event, Refused
from exporters.quality.journal import MOST_JOURNAL_BYTES, Entry, Journal
from exporters.quality.tally import Counts, read, written
from modelwatch.problems import ModelwatchError

_LOG = logging.getLogger(__name__)

SYNC_EVERY_S = 0.5
"""A power failure takes no more than what came in about a second, disks included."""


class Ledger:
    """The counts of one folder.

    A folder that cannot be read or written is no error: batches are refused until it can.

    Raises:
        InUse: another process counts in this folder.
    """

    def __init__(
        self,
        folder: Path,
        declared: Declared,
        *,
        clock: Callable[[], float] = time.time,
        most_journal_bytes: int = MOST_JOURNAL_BYTES,
        generation: int = GENERATION,
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._most_journal_bytes = most_journal_bytes
        self._generation = generation
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._journal: Journal | None = None
        self._trouble = "the counts were not read yet"
        self._unsynced = False
        self._doubtful = False  # there may be less on disk than was answered
        self._books = self._empty(declared)
        self.work()

    def accept(
        self,
        events: Iterable[tuple[int, Event | Refused]],
        marks: Mapping[str, str] | None = None,
    ) -> Receipt:
        """Count the events of a batch, all or, when it raises, none; with them the `marks`.

        Each comes with its line. A mark says how far something was read, such as a file: it is
        kept exactly when the events are.

        Raises:
            NotWritable: it could not be kept on disk: send it again later.
        """
        with self._lock:
            if self._trouble:
                raise NotWritable(self._trouble)
            now = self._clock()
            receipt, counts, ids = self._books.counted(events, marks or {}, now)
            if not (receipt.accepted or counts.marks or counts.forgotten):
                self._books.wait(counts, now)
                return receipt
            try:
                self._keep(counts, ids)
            except OSError as problem:
                self._fail(problem)
                raise NotWritable(self._trouble) from problem
            return receipt

    def mark(self, name: str) -> str:
        """How far `name` was read, or nothing."""
        with self._lock:
            return self._books.counts.marks.get(name, "")

    def declare(self, declared: Declared) -> None:
        """Count by another inventory from now on; what it does not name is forgotten."""
        with self._lock:
            self._books.declare(declared)

    @contextmanager
    def reading(self) -> Iterator[Books]:
        """The counts, which stand still until it ends."""
        with self._lock:
            self._books.grow_up(self._clock())
            yield self._books

    def now(self) -> float:
        """The time it counts by."""
        return self._clock()

    @property
    def writable(self) -> bool:
        """Whether batches can be kept."""
        return not self._trouble

    @property
    def bytes(self) -> int:
        """Size of the files."""
        return self._journal.bytes + self._journal.snapshot_bytes if self._journal else 0

    def start(self) -> None:
        """Synchronise twice a second."""
        self._thread = threading.Thread(target=self._run, name="quality-ledger", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Everything on disk, and the folder free for others."""
        self._ended.set()
        if self._thread:
            self._thread.join()
        self.work()
        with self._lock:
            if self._journal:
                self._journal.close()
            self._journal = None
            self._trouble = "the exporter is stopping"

    def work(self) -> None:
        """What is due: synchronise, make a snapshot of a long journal, try again what failed."""
        try:
            with self._lock:
                journal = self._journal or self._opened()
                tried = self._trouble and not self._doubtful
                if tried or self._books.waiting:
                    self._keep(Counts(), [])
            self._sync(journal)
            if self._doubtful or journal.bytes > self._most_journal_bytes:
                self._snapshot(journal)
        except OSError as problem:
            self._fail(problem)
            return
        if self._trouble:
            _LOG.info("the counts are kept in %s", self._folder)
        self._trouble = ""

    def _run(self) -> None:
        while not self._ended.wait(SYNC_EVERY_S):
            try:
                self.work()
            except ModelwatchError as problem:  # the folder came late, and is not ours to use
                self._fail(problem)
            except Exception:  # noqa: BLE001  # without this thread nothing is synchronised
                _LOG.exception("keeping the counts on disk failed")

    def _empty(self, declared: Declared) -> Books:
        books = Books(declared=declared, remembered=Remembered(self._generation))
        books.declare(declared)
        return books

    def _opened(self) -> Journal:
        """Read what is in the folder."""
        journal = Journal(self._folder)
        books = self._empty(self._books.declared)
        try:
            for entry in journal.entries():
                books.counts.add(read(entry.counts))
                books.remembered.add(entry.ids)
        except (OSError, ModelwatchError):
            journal.close()
            raise
        books.declare(books.declared)
        books.learn(self._clock())
        self._books, self._journal = books, journal
        return journal

    def _keep(self, counts: Counts, ids: Sequence[int]) -> None:
        """On disk first, then in memory."""
        if self._journal is None:
            raise OSError("the folder is closed")
        counts.add(self._books.waiting)
        self._journal.append(ids, written(counts))
        self._unsynced = True
        self._books.add(counts, ids, self._clock())
        self._books.waiting = Counts()

    def _sync(self, journal: Journal) -> None:
        with self._lock:
            file = journal.unsynced() if self._unsynced else None
            self._unsynced = False
        if file is None:
            return
        try:
            os.fsync(file)
        except OSError:
            self._doubtful = True
            raise
        finally:
            os.close(file)

    def _snapshot(self, journal: Journal) -> None:
        with self._lock:
            number = journal.rotate()
            ids = self._books.remembered.in_order()
            counts = written(self._books.counts)
        self._doubtful = True  # the batches before may not be synchronised
        journal.replace(Entry(number=number, ids=ids, counts=counts))
        self._doubtful = False

    def _fail(self, problem: OSError | ModelwatchError) -> None:
        words = problem.strerror if isinstance(problem, OSError) else None
        trouble = f"the counts cannot be kept on disk: {words or problem}"
        if trouble != self._trouble:
            _LOG.error("%s", trouble)
        self._trouble = trouble
