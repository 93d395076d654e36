"""Hands observed predictions to the store of labels, and what it counted to the page."""

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from exporters.base.families import Family
from exporters.base.models import Models
from exporters.drift.baseline import Baseline
from exporters.drift.bins import number, word
from exporters.drift.labels.counting import Prediction
from exporters.drift.labels.page import families
from exporters.drift.labels.rows import MOST_CLASS_CHARACTERS, MOST_ID_CHARACTERS
from exporters.drift.labels.store import Store
from exporters.drift.labels.subjects import Subject, subject
from exporters.drift.observations import Batch, Watched


class Labels:
    """The part of the drift exporter that joins late labels to predictions.

    Its state is a file of its own, which is written at once: what was answered is kept.
    """

    name = "labels"

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.store = Store(folder, clock=clock)
        self._clock = clock
        self._subjects: dict[tuple[str, str], Subject] = {}

    def declare(self, watched: Models[Watched]) -> None:
        """Take labels of these models; what is known of their baselines stays."""
        known = {one.key: one for one in watched.all()}
        self._subjects = {key: self._subjects.get(key) or subject(*key, None) for key in known}
        self.store.declare(self._subjects.values())

    def taken(self, watched: Watched, baseline: Baseline) -> None:
        """A baseline says which classes there are, and what scores mean."""
        self._subjects[watched.key] = subject(*watched.key, baseline)
        self.store.declare(self._subjects.values())

    def observed(self, watched: Watched, batch: Batch) -> Mapping[str, int]:
        """Remember the predictions of a batch."""
        known = self._subjects.get(watched.key)  # none when the inventory has just let it go
        if known and batch.predicted is not None:
            self.store.predicted(known, _predictions(batch, self._clock()))
        return {}

    def families(self) -> Iterable[Family]:
        """What labels say."""
        return families(self.store)

    def state(self) -> None:
        """Nothing: it is in the store."""

    def restore(self, state: object) -> None:
        """Go on from the store."""

    def start(self) -> None:
        """Nothing goes on beside requests."""

    def stop(self) -> None:
        """Everything in the file."""
        self.store.close()


def _predictions(batch: Batch, now: float) -> list[Prediction]:
    """The predictions of which a class is known; times that are not told are now."""
    nothing = [None] * batch.length
    said = batch.predicted or nothing
    scores: Iterable[float | None] = nothing
    if batch.scores is not None:
        scores = map(_score, batch.scores)
    times = [now if at is None else at for at in batch.times_s or nothing]
    ids = map(_id, batch.ids) if batch.ids else [""] * batch.length
    classes = map(_class, said)
    return [
        (at, text[:MOST_CLASS_CHARACTERS], identity, score)
        for at, text, identity, score in zip(times, classes, ids, scores, strict=True)
        if text
    ]


def _class(value: object) -> str:
    if type(value) is str:
        if value.isascii():
            return value
        return value.encode(errors="replace").decode()  # half a character cannot be kept
    try:
        return word(value) or ""
    except ValueError:
        return ""  # refused where classes are counted


def _id(value: object) -> str:
    """The id as text; what cannot be one in a label is none here."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and len(value) <= MOST_ID_CHARACTERS:
        return value
    return ""


def _score(value: object) -> float | None:
    if type(value) is float and 0 <= value <= 1:
        return value
    try:
        found = number(value)
    except ValueError:
        return None
    return found if found is None or 0 <= found <= 1 else None
