"""Joins labels to predictions, and counts both by the day of the prediction."""

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from exporters.base.models import Models
from exporters.base.receipts import NotWritable, Receipt, Refused
from exporters.drift.becoming import Becoming
from exporters.drift.labels.counting import Batch, Prediction
from exporters.drift.labels.database import Database
from exporters.drift.labels.rows import Label
from exporters.drift.labels.subjects import Names, Subject

MOST_REMEMBERED = 1_000_000
"""Predictions with an id that are remembered, the newest ones: a file of about 120 MB."""


class Store:
    """What is known of predictions and their labels, in one folder.

    `subjects` are the models of which labels are counted. The newest `most` predictions with an id
    are remembered; a label whose prediction is not is refused as unmatched.
    """

    def __init__(
        self,
        folder: Path,
        subjects: Iterable[Subject] = (),
        *,
        most: int = MOST_REMEMBERED,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = Database(folder)
        self._most = most
        self._clock = clock
        self.declare(subjects)

    def declare(self, subjects: Iterable[Subject]) -> None:
        """Count labels of these models from now on."""
        self._subjects = Models((one.key, one) for one in subjects)
        self._names: dict[int, Names] = {}

    def predicted(self, subject: Subject, predictions: Sequence[Prediction]) -> None:
        """Remember predictions; an id that is known is no new one.

        Nothing is raised: where they cannot be kept, their labels will be unmatched.
        """
        try:
            with self._batch() as batch:
                batch.predicted(subject, predictions)
        except NotWritable:
            return  # said once in the log, and by the page as long as it lasts

    def labelled(self, labels: Iterable[tuple[int, Label | Refused]]) -> Receipt:
        """Count labels, all or, when it raises, none.

        Raises:
            NotWritable: they could not be kept on disk: send them again later.
        """
        becoming = Becoming()
        with self._batch() as batch:
            for line, label in labels:
                try:
                    if isinstance(label, Refused):
                        raise label
                    if batch.labelled(label):
                        becoming.accepted += 1
                    else:
                        becoming.duplicates += 1
                except Refused as refused:
                    batch.refuse(refused)
                    becoming.refuse(line, refused, 1)
        return becoming.receipt()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The tables, which stand still until it ends.

        Raises:
            NotWritable: they cannot be read.
        """
        with self._batch() as batch:
            yield batch.tables

    @property
    def subjects(self) -> list[Subject]:
        """Models of which labels are counted."""
        return self._subjects.all()

    @property
    def trouble(self) -> str:
        """Why nothing can be kept at the moment; empty when all is well."""
        return self._database.trouble

    @property
    def bytes(self) -> int:
        """Size on disk."""
        return self._database.bytes

    def close(self) -> None:
        """End with everything in the file."""
        self._database.close()

    @contextmanager
    def _batch(self) -> Iterator["Batch"]:
        try:
            with self._database.batch() as tables:
                batch = Batch(tables, self._subjects, self._names, self._clock())
                batch.forget_days()
                yield batch
                batch.forget_predictions(self._most)
                batch.write()
        except BaseException:
            self._names = {}  # it may hold names of what was not kept
            raise
