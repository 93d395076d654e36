"""Learns a baseline from live traffic, where the inventory says how long and there is none yet.

What was learned is kept in a file of its own, each minute and at the end. It holds a sample of each
feature's values by itself, no rows, and is deleted once the baseline is there.
"""

import logging
import os
import pickle  # see `_Ours`: it makes nothing but what we wrote
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from exporters.drift import embeddings
from exporters.drift.baseline import text
from exporters.drift.building import Builder
from exporters.drift.observations import Batch, Values, Watched
from modelwatch.catalogue.drift import PREDICTED
from modelwatch.problems import ModelwatchError

_LOG = logging.getLogger(__name__)

SAMPLE = 10_000
"""Values that are kept of each number: 80 kB, and quantiles that are right within one percent."""

SAVED_EVERY_S = 60.0

_SCORE = "score"


class Learning:
    """A baseline in the making. Times are seconds since 1970."""

    def __init__(self, watched: Watched, folder: Path) -> None:
        self._watched = watched
        self._path = folder / f"{watched.model}-{watched.environment}.learning"
        self._builder = Builder(sample=SAMPLE)
        self._began_s = self._newest_s = 0.0
        self._saved_s = self._tried_s = 0.0
        self._read()

    @property
    def rows(self) -> int:
        """Observations so far."""
        return self._builder.rows

    @property
    def progress(self) -> float:
        """From 0 to 1: as long as was said, and as many as are needed."""
        watched = self._watched
        learned_s = max(0.0, self._newest_s - self._began_s)
        return min(1.0, learned_s / watched.learn_s, self.rows / max(1, watched.at_least))

    def add(self, batch: Batch, now: float) -> None:
        """Learn from a batch."""
        self._began_s = self._began_s or now
        self._newest_s = now
        names = self._watched.features
        columns: dict[str, Values] = {}
        if batch.features is not None:
            others = [name for name in names if name not in (_SCORE, PREDICTED)]
            columns = {name: batch.features.column(name) for name in others}
        if batch.embeddings is not None and embeddings.available():
            found = {name: _vectors(batch.embeddings.column(name)) for name in names}
            columns |= {name: vectors for name, vectors in found.items() if any(vectors)}
        self._builder.add(
            columns,
            scores=batch.scores if _SCORE in names else None,
            predicted=batch.predicted,
        )

    def finished(self, now: float) -> bool:
        """Whether it is enough; time goes on without observations as well."""
        if self._began_s:
            self._newest_s = max(self._newest_s, now)
        return self.progress >= 1 and now - self._tried_s >= SAVED_EVERY_S

    def freeze(self, now: float) -> None:
        """Write the baseline where it belongs, unless there is one.

        What is there is never replaced: whoever wants another one moves it away.
        """
        watched, self._tried_s = self._watched, now
        path = Path(watched.baseline)
        moment = datetime.fromtimestamp(now, UTC)
        try:
            made = self._builder.freeze(
                model=watched.model, version=watched.version, created=moment, newest=moment
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            written = _write_new(path, text(made))
        except (OSError, ModelwatchError) as problem:
            _LOG.error(  # it says all that there is to say
                "%s in %s: what was learned cannot become %s: %s", *watched.key, path, problem
            )
            return
        if written:
            _LOG.info("%s in %s: learned %s of %d rows", *watched.key, path, made.rows)

    def forget(self) -> None:
        """The baseline is there: what it was learned from is not needed any more."""
        self._path.unlink(missing_ok=True)

    def save(self, now: float, *, at_once: bool = False) -> None:
        """Keep what was learned, if that is due."""
        if not self.rows or (not at_once and now - self._saved_s < SAVED_EVERY_S):
            return
        self._saved_s = now
        new = self._path.with_suffix(".learning.new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new.write_bytes(pickle.dumps((self._began_s, self._builder)))
            new.replace(self._path)
        except OSError as problem:
            _LOG.error("%s cannot be kept: %s", self._path, problem)  # says it all

    def _read(self) -> None:
        """Go on from what was kept; what another version wrote is begun anew."""
        try:
            with self._path.open("rb") as file:
                self._began_s, self._builder = _Ours(file).load()
        except FileNotFoundError:
            return
        except Exception as problem:  # noqa: BLE001  # damaged bytes can raise anything
            _LOG.warning("%s cannot be read (%s): learning begins anew", self._path, problem)


def _vectors(values: Values) -> list[object]:
    """What could be vectors; all else is missing here, and refused once there is a baseline."""
    return [
        one if isinstance(one, list) and 0 < len(one) <= embeddings.LONGEST else None
        for one in values
    ]


def _write_new(path: Path, content: str) -> bool:
    """Write a file as a whole; false where there is one already, which stays."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with new.open("w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(new, path)
    except FileExistsError:
        return False
    finally:
        new.unlink(missing_ok=True)
    return True


class _Ours(pickle.Unpickler):
    """Makes what a builder is made of and nothing else, whatever stands in the file."""

    def find_class(self, module: str, name: str) -> Any:
        """The class of that name, if it is one of ours."""
        ours = module in _MODULES and name.isidentifier()
        if not ours and (module, name) not in _BESIDE:
            raise pickle.UnpicklingError(f"{module}.{name} is nothing of ours")
        found = super().find_class(module, name)
        if ours and getattr(found, "__module__", "") != module:
            raise pickle.UnpicklingError(f"{module} only imports {name}")
        return found


_MODULES = frozenset(
    f"exporters.drift.{name}"
    for name in ("building", "columns", "scores", "embeddings.building", "embeddings.column")
)
_BESIDE = frozenset(
    (
        ("array", "array"),
        ("array", "_array_reconstructor"),
        ("collections", "Counter"),
        ("random", "Random"),
    )
)
