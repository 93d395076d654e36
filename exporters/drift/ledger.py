"""All counts of the exporter: what comes in by any door or file is counted here."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TypeVar

from exporters.base.families import OTHER
from exporters.base.models import Models
from exporters.base.receipts import Receipt, Refused
from exporters.base.remembered import Remembered, id_hash
from exporters.drift.becoming import Becoming
from exporters.drift.counting import Counted, Counting, Tally
from exporters.drift.observations import REASONS, Batch, Binned, Part, Watched
from exporters.drift.state import Kept, State, StateFile, written
from exporters.drift.watching import KEPT_S, Watch

_LOG = logging.getLogger(__name__)
_Result = TypeVar("_Result")

SAVED_EVERY_S = 5.0
"""A crash costs no more than what came within this time, and nothing that a scrape has seen."""
LOOK_EVERY_S = 1.0
REMEMBERED = 1 << 14
"""At least so many batches are known again, at most twice as many."""

Numbered = tuple[int, Refused]


class Ledger:
    """The counts, in memory and in a folder.

    A folder that cannot be written is no reason not to count: the page and the log tell.

    Raises:
        InUse: another exporter counts in this folder.
        OSError: the folder cannot be read.
    """

    def __init__(
        self,
        folder: Path,
        watched: Models[Watched],
        *,
        parts: Sequence[Part] = (),
        clock: Callable[[], float] = time.time,
        kept_s: float = KEPT_S,
    ) -> None:
        self._clock, self._kept_s, self.parts = clock, kept_s, tuple(parts)
        self._lock, self._saving = threading.RLock(), threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._file = StateFile(folder)
        self._learning = folder / "learning"
        self._state = self._file.read()
        self._remembered = Remembered(REMEMBERED)
        self._remembered.add(self._state.ids)
        self._marks = self._state.marks
        self.rejected = Counter(self._state.rejected)
        self._dirty, self._saved_s = False, clock()
        self.writable = True
        self.watches: Models[Watch] = Models(())
        for part in self.parts:
            if part.name in self._state.parts:
                part.restore(self._state.parts[part.name])
        self.declare(watched)

    def observe(
        self,
        batches: Iterable[Batch],
        refused: Iterable[Numbered] = (),
        marks: Mapping[str, str] | None = None,
    ) -> Receipt:
        """Count batches of observations; with them the `marks`, which say how far a file was read.

        `refused` are lines that could not be read, which are counted as such.
        """
        with self._lock if marks else nullcontext():  # marks are kept with their counts, or not yet
            becoming = self._refused(refused)
            for batch in batches:
                try:
                    self._observe(becoming, batch)
                except Refused as problem:
                    self._refuse((batch.model, batch.environment), problem, batch.length)
                    becoming.refuse(batch.line, problem, batch.length)
            with self._lock:
                self._marks |= marks or {}
                self._dirty = True
        return becoming.receipt()

    def add(self, binned: Iterable[Binned], refused: Iterable[Numbered] = ()) -> Receipt:
        """Add counts that were made elsewhere, each once."""
        becoming = self._refused(refused)
        for one in binned:
            try:
                self._add(becoming, one)
            except Refused as problem:
                self._refuse((one.model, one.environment), problem, 1)
                becoming.refuse(one.line, problem, 1)
        self._dirty = True
        return becoming.receipt()

    def declare(self, watched: Models[Watched]) -> None:
        """Watch what another inventory says; counts of what it does not name are forgotten."""
        with self._lock:
            self._save_learning()
            before = {one.watched.key: one for one in self.watches.all()}
            kept = self._state.models
            self._state = State()
            watches = {}
            for one in watched.all():
                watch = watches[one.key] = Watch(watched=one)
                old = before.get(one.key)
                watch.restore(old.kept() if old else kept.get(one.key, Kept()))
                self._look(watch)
                same = old is not None and old.watched.baseline == one.baseline
                if same and old and old.in_use and watch.counting is None:  # its file is bad
                    watch.take(old.in_use, self._clock())
            self.watches = Models(watches.items())
            known = {OTHER, *(model for model, _ in watches)}
            for key in [key for key in self.rejected if key[0] not in known]:
                del self.rejected[key]
            for identity in ((OTHER, OTHER), *watches):
                for reason in REASONS:
                    self.rejected[(*identity, reason)] += 0

    def look(self) -> None:
        """Take baselines that have changed."""
        for watch in self.watches.all():
            self._look(watch)

    def shown(self, made: Callable[[], _Result]) -> _Result:
        """What `made` makes of the counts, once these are on disk: no counter on a page falls."""
        with self._saving:
            with self._lock:
                for watch in self.watches.all():
                    watch.forget(self._clock(), self._kept_s)
                result = made()
                text = self._text() if self._dirty else None
                self._dirty = False
            self._write(text)
        return result

    def mark(self, name: str) -> str:
        """How far `name` was read, or nothing."""
        with self._lock:
            return self._marks.get(name, "")

    def now(self) -> float:
        """The time it counts by."""
        return self._clock()

    def start(self) -> None:
        """Look at baselines and keep counts, beside all else."""
        self._thread = threading.Thread(target=self._run, name="drift-ledger", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Everything on disk, and the folder free for others."""
        self._ended.set()
        if self._thread:
            self._thread.join(0.2)
        self.shown(lambda: None)
        with self._lock:
            self._save_learning()
        self._file.close()

    def _run(self) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            try:
                self.look()
                if self._clock() - self._saved_s >= SAVED_EVERY_S:
                    self.shown(lambda: None)
            except Exception:  # noqa: BLE001  # without this thread nothing is kept
                _LOG.exception("looking at baselines failed")

    def _look(self, watch: Watch) -> None:
        baseline = watch.changed()
        if baseline is None:
            with self._lock:
                watch.learn(self._learning, self._clock())
            return
        with self._lock:
            watch.take(baseline, self._clock())
            for part in self.parts:
                part.taken(watch.watched, baseline)
            self._dirty = True
        _LOG.info("%s in %s: baseline %s is in use", *watch.watched.key, baseline.identity)

    def _save_learning(self) -> None:
        for watch in self.watches.all():
            if watch.learning:
                watch.learning.save(self._clock(), at_once=True)

    def _observe(self, becoming: Becoming, batch: Batch) -> None:
        if self._learned(becoming, batch):
            return
        watch, counting, tally = self._in_use(batch.model, batch.environment)
        counted = counting.count(batch)  # takes its time, and others count meanwhile
        with self._lock:
            if tally not in self.watches.find(*watch.watched.key).tallies:
                self._observe(becoming, batch)  # what is watched has changed meanwhile
                return
            if not self._is_new(becoming, watch, batch.key, batch.length, in_parts=True):
                return
            tally.add(counted.counts)
            self._note(becoming, watch, batch, counted)

    def _learned(self, becoming: Becoming, batch: Batch) -> bool:
        """Whether there is no baseline yet, and one is learned from this."""
        with self._lock:
            watch = self.watches.find(batch.model, batch.environment)
            if watch.learning is None or watch.trouble:
                return False
            if self._is_new(becoming, watch, batch.key, batch.length, in_parts=True):
                watch.learning.add(batch, self._clock())
                self._note(becoming, watch, batch, Counted())
            return True

    def _note(self, becoming: Becoming, watch: Watch, batch: Batch, counted: Counted) -> None:
        """What else there is to a batch that is new."""
        if batch.sampling is not None:
            watch.sampling = batch.sampling
        for part in self.parts:
            for reason, amount in part.observed(watch.watched, batch).items():
                counted.refused.append((reason, amount, f"{amount} values of {part.name}"))
        self._count_values(becoming, watch, batch.line, counted)
        becoming.accepted += batch.length

    def _add(self, becoming: Becoming, binned: Binned) -> None:
        with self._lock:
            watch, counting, tally = self._in_use(binned.model, binned.environment)
            counted = counting.binned(binned)
            if not self._is_new(becoming, watch, binned.key, 1):
                return
            tally.add(counted.counts)
            if binned.sampling is not None:
                watch.sampling = binned.sampling
            self._count_values(becoming, watch, binned.line, counted)
        becoming.accepted += 1

    def _in_use(self, model: str, environment: str) -> tuple[Watch, Counting, Tally]:
        with self._lock:
            watch = self.watches.find(model, environment)
            if watch.counting is None or watch.tally is None:
                raise Refused("no_baseline", f"{model!r} has no baseline that can be used")
            return watch, watch.counting, watch.tally

    def _is_new(
        self, becoming: Becoming, watch: Watch, key: str, length: int, *, in_parts: bool = False
    ) -> bool:
        """Whether it was not counted before; observations of one key may come in several parts."""
        if not key:
            return True
        hashed = id_hash("\0".join((*watch.watched.key, key)), 0)
        if hashed in self._remembered:
            becoming.duplicates += 0 if hashed in becoming.parts else length
            return hashed in becoming.parts
        self._remembered.add((hashed,))
        if in_parts:
            becoming.parts.add(hashed)
        return True

    def _count_values(self, becoming: Becoming, watch: Watch, line: int, counted: Counted) -> None:
        for reason, amount, message in counted.refused:
            self.rejected[(*watch.watched.key, reason)] += amount
            becoming.tell(line, reason, message)

    def _refused(self, refused: Iterable[Numbered]) -> Becoming:
        becoming = Becoming()
        for line, problem in refused:
            self._refuse((problem.model, problem.environment), problem, 1)
            becoming.refuse(line, problem, 1)
        return becoming

    def _refuse(self, key: tuple[str, str], refused: Refused, amount: int) -> None:
        try:
            identity = self.watches.find(*key).watched.key
        except Refused:
            identity = (OTHER, OTHER)  # no model of that name, which may be why it is refused
        with self._lock:
            self.rejected[(*identity, refused.reason)] += amount

    def _text(self) -> bytes:
        return written(
            State(
                models={one.watched.key: one.kept() for one in self.watches.all()},
                rejected=dict(self.rejected),
                marks=self._marks,
                ids=self._remembered.in_order(),
                parts={part.name: part.state() for part in self.parts},
            )
        )

    def _write(self, text: bytes | None) -> None:
        self._saved_s = self._clock()
        if text is None:
            return
        try:
            self._file.write(text)
        except OSError as problem:
            if self.writable:
                _LOG.error("counts cannot be kept: %s", problem)  # says it all
            self.writable, self._dirty = False, True
        else:
            if not self.writable:
                _LOG.info("counts are kept again")
            self.writable = True
