"""What one batch of predictions or labels changes in the tables."""

import hashlib
import sqlite3
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from exporters.base.families import OTHER
from exporters.base.models import Models
from exporters.base.moments import MOST_AHEAD_S
from exporters.base.receipts import Refused
from exporters.drift.labels.rows import Label
from exporters.drift.labels.subjects import Names, Subject
from exporters.drift.scores import same
from modelwatch.catalogue.labels import (
    MOST_COHORTS,
)

DAY_S = 86_400
DELAYS = tuple(hours * 3600.0 for hours in (1, 6, 12, 24, 48, 72, 120, 168, 240, 336, 504, 720))
"""Boundaries of the label delay: an hour to thirty days."""

NOBODY = 0
"""Number of no subject: what is refused and names no model that is known."""

_OF_A_DAY = ("predictions", "expected", "scored", "label_expected", "label_scored")


Prediction = tuple[float, str, str, float | None]
"""One that was observed: when (s since 1970), its class, its id or nothing, its score or None."""

_ASKED_AT_ONCE = 500
"""Ids in one question; older releases of SQLite take up to 999."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Remembered:
    """A prediction with an id, and its label as it was counted."""

    number: int
    subject: int
    at: float
    predicted: str
    label: str | None
    shown_predicted: str | None
    shown_label: str | None


@dataclass(slots=True)
class Batch:
    """What one transaction changes."""

    tables: sqlite3.Connection
    subjects: Models[Subject]
    names: dict[int, Names]
    now: float
    counted: Counter[tuple[int, str, str]] = field(default_factory=Counter)
    days: dict[tuple[int, int], defaultdict[str, float]] = field(default_factory=dict)
    cells: Counter[tuple[int, int, str, str, str]] = field(default_factory=Counter)
    numbers: dict[tuple[str, str], int] = field(default_factory=dict)

    def predicted(self, subject: Subject, predictions: Sequence[Prediction]) -> None:
        """Remember predictions, and what their scores let one expect."""
        number = self._number(subject)
        first_s, last_s = (_day(self.now) - MOST_COHORTS + 1) * DAY_S, self.now + MOST_AHEAD_S
        kept = [one for one in predictions if first_s <= one[0] <= last_s]
        if any(one[2] for one in kept):
            kept = self._new(number, kept)
        days: defaultdict[int, list[Prediction]] = defaultdict(list)
        for one in kept:
            days[int(one[0] // DAY_S)].append(one)
        for day, found in days.items():
            numbers = self.days.setdefault((number, day), defaultdict(float))
            numbers["predictions"] += len(found)
            if subject.calibration:
                scored = ((score, said) for _, said, _, score in found if score is not None)
                expected = subject.calibration.all_expected(scored)
                numbers["expected"] += sum(expected)
                numbers["scored"] += len(expected)

    def _new(self, subject: int, predictions: Sequence[Prediction]) -> list[Prediction]:
        """Those that were not observed before; from now on they are remembered."""
        by_id = {_hash(one[2]): one for one in reversed(predictions) if one[2]}
        ids = list(by_id)
        for start in range(0, len(ids), _ASKED_AT_ONCE):
            asked = ids[start : start + _ASKED_AT_ONCE]
            places = ",".join("?" * len(asked))
            for (known,) in self.tables.execute(
                f"SELECT id FROM predictions WHERE subject = ? AND id IN ({places})",  # noqa: S608
                (subject, *asked),  # only question marks are put in above
            ):
                del by_id[known]
        self.tables.executemany(
            "INSERT INTO predictions(id, subject, at, predicted) VALUES (?, ?, ?, ?)",
            [(hashed, subject, at, said) for hashed, (at, said, _, _) in reversed(by_id.items())],
        )
        return [*(one for one in predictions if not one[2]), *by_id.values()]

    def labelled(self, label: Label) -> bool:
        """Count a label; false where the same was counted before.

        Raises:
            Refused: it cannot be counted.
        """
        given = self.subjects.find(label.model, label.environment) if label.model else None
        remembered = self._remembered(label, given)
        if remembered is None:
            if given is None or not label.predicted:
                raise Refused(
                    "unmatched",
                    "no prediction with this `id` is remembered: send `predicted` and "
                    "`predicted_at` with the label",
                    model=label.model,
                    environment=label.environment,
                )
            return self._count_whole(label, given)
        return self._count_joined(label, remembered)

    def refuse(self, refused: Refused) -> None:
        """Count a label that is refused, under its model where that is known."""
        try:
            number = self._number(self.subjects.find(refused.model, refused.environment))
        except Refused:
            number = NOBODY
        self.counted[number, "rejected", refused.reason] += 1

    def forget_days(self) -> None:
        """Forget what is older than the cohorts that are kept."""
        first = _day(self.now) - MOST_COHORTS + 1
        (oldest,) = self.tables.execute("SELECT min(day) FROM days").fetchone()
        if oldest is None or oldest >= first:
            return
        self.tables.execute("DELETE FROM days WHERE day < ?", (first,))
        self.tables.execute("DELETE FROM confusion WHERE day < ?", (first,))
        self.tables.execute("DELETE FROM predictions WHERE at < ?", (first * DAY_S,))

    def forget_predictions(self, most: int) -> None:
        """Forget the oldest predictions that are beyond `most`."""
        first, last = numbers_of(self.tables)
        if last - first < most:
            return
        limit = last - most
        (lost,) = self.tables.execute(
            "SELECT count(*) FROM predictions WHERE number <= ? AND label IS NULL", (limit,)
        ).fetchone()
        self.tables.execute("DELETE FROM predictions WHERE number <= ?", (limit,))
        self.counted[NOBODY, "forgotten", ""] += lost

    def write(self) -> None:
        """Add what was counted to what was counted before."""
        self.tables.executemany(
            "INSERT INTO confusion VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET labels = labels + excluded.labels",
            [(*key, labels) for key, labels in self.cells.items()],
        )
        self.tables.executemany(
            "INSERT INTO days VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "predictions = predictions + excluded.predictions, "
            "expected = expected + excluded.expected, scored = scored + excluded.scored, "
            "label_expected = label_expected + excluded.label_expected, "
            "label_scored = label_scored + excluded.label_scored",
            [(*key, *(day[name] for name in _OF_A_DAY)) for key, day in self.days.items()],
        )
        self.tables.executemany(
            "INSERT INTO counters VALUES (?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET counted = counted + excluded.counted",
            [(*key, number) for key, number in self.counted.items()],
        )

    def _remembered(self, label: Label, given: Subject | None) -> _Remembered | None:
        """The prediction that the label's id names, where it is remembered."""
        if not label.id:
            return None
        found = [
            _Remembered(
                number=number,
                subject=subject,
                at=at,
                predicted=predicted,
                label=old,
                shown_predicted=shown_predicted,
                shown_label=shown_label,
            )
            for number, subject, at, predicted, old, shown_predicted, shown_label in (
                self.tables.execute(
                    "SELECT number, subject, at, predicted, label, shown_predicted, shown_label "
                    "FROM predictions WHERE id = ?",
                    (_hash(label.id),),
                )
            )
        ]
        if given is not None:
            found = [one for one in found if one.subject == self._number(given)]
        if len(found) > 1:
            raise Refused("ambiguous", "several models have a prediction with this id: name one")
        return found[0] if found else None

    def _count_joined(self, label: Label, known: _Remembered) -> bool:
        """Count the label of a remembered prediction; a second one takes the place of the first."""
        if known.label == label.label:
            self.counted[known.subject, "duplicates", ""] += 1
            return False
        delay_s = self._delay(label, known.at)
        if known.label is None:
            self._count_arrival(known.subject, known.at, known.predicted, label.label, delay_s)
        else:
            day = _day(known.at)
            shown = (known.shown_predicted or OTHER, known.shown_label or OTHER)
            verdict = _verdict(known.predicted, known.label)
            self.cells[(known.subject, day, *shown, verdict)] -= 1
            self.counted[known.subject, "corrected", ""] += 1
        shown = self._count(known.subject, known.at, known.predicted, label.label)
        self.tables.execute(
            "UPDATE predictions SET label = ?, shown_predicted = ?, shown_label = ? "
            "WHERE number = ?",
            (label.label, *shown, known.number),
        )
        return True

    def _count_whole(self, label: Label, subject: Subject) -> bool:
        """Count a label that brings its prediction along."""
        at = label.predicted_s
        if _day(at) <= _day(self.now) - MOST_COHORTS:
            raise Refused(
                "too_old",
                f"`predicted_at` is more than {MOST_COHORTS} days ago",
                model=subject.model,
                environment=subject.environment,
            )
        if at > self.now + MOST_AHEAD_S:
            raise Refused(
                "in_the_future",
                f"`predicted_at` is {at - self.now:.0f} s from now",
                model=subject.model,
                environment=subject.environment,
            )
        delay_s = self._delay(label, at)
        number = self._number(subject)
        shown = self._count(number, at, label.predicted, label.label)
        if label.id:
            self.tables.execute(
                "INSERT INTO predictions"
                "(id, subject, at, predicted, label, shown_predicted, shown_label) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (_hash(label.id), number, at, label.predicted, label.label, *shown),
            )
        self._count_arrival(number, at, label.predicted, label.label, delay_s)
        if subject.calibration and label.score is not None:
            day = self._day_of(number, at)
            for expected in subject.calibration.all_expected([(label.score, label.predicted)]):
                day["label_expected"] += expected
                day["label_scored"] += 1
        return True

    def _delay(self, label: Label, at: float) -> float:
        labelled_s = self.now if label.labelled_s is None else label.labelled_s
        if labelled_s < at - MOST_AHEAD_S or labelled_s > self.now + MOST_AHEAD_S:
            raise Refused(
                "wrong_time",
                "`labelled_at` is between the prediction and now",
                model=label.model,
                environment=label.environment,
            )
        return max(0.0, labelled_s - at)

    def _count(self, subject: int, at: float, predicted: str, label: str) -> tuple[str, str]:
        """Add to the cohort; returns how the classes are shown."""
        name = self._names_of(subject)
        shown = (name(predicted), name(label))
        self.cells[(subject, _day(at), *shown, _verdict(predicted, label))] += 1
        self._day_of(subject, at)
        return shown

    def _count_arrival(
        self, subject: int, at: float, predicted: str, label: str, delay_s: float
    ) -> None:
        self.counted[subject, "labels", _verdict(predicted, label)] += 1
        self.counted[subject, "delay", str(bisect_left(DELAYS, delay_s))] += 1
        self.counted[subject, "delay_sum", ""] += round(delay_s)
        self.tables.execute(
            "UPDATE subjects SET newest = max(coalesce(newest, 0), ?) WHERE number = ?",
            (at, subject),
        )

    def _day_of(self, subject: int, at: float) -> defaultdict[str, float]:
        """What this batch adds to the day."""
        return self.days.setdefault((subject, _day(at)), defaultdict(float))

    def _number(self, subject: Subject) -> int:
        if subject.key not in self.numbers:
            self.tables.execute(
                "INSERT OR IGNORE INTO subjects(model, environment) VALUES (?, ?)", subject.key
            )
            (self.numbers[subject.key],) = self.tables.execute(
                "SELECT number FROM subjects WHERE model = ? AND environment = ?", subject.key
            ).fetchone()
        return self.numbers[subject.key]

    def _names_of(self, subject: int) -> Names:
        if subject not in self.names:
            key = self.tables.execute(
                "SELECT model, environment FROM subjects WHERE number = ?", (subject,)
            ).fetchone()
            counted = self.tables.execute(
                "SELECT predicted FROM confusion WHERE subject = ? UNION "
                "SELECT label FROM confusion WHERE subject = ?",
                (subject, subject),
            ).fetchall()
            try:
                declared = self.subjects.find(*key).classes
            except Refused:
                declared = ()
            names = sorted(name for (name,) in counted if name != OTHER)
            self.names[subject] = Names(declared, names)
        return self.names[subject]


def numbers_of(tables: sqlite3.Connection) -> tuple[int, int]:
    """The first and the last number of the predictions that are remembered; 1 and 0 of none.

    Two questions, because SQLite looks at every row to answer both at once.
    """
    (first,) = tables.execute("SELECT min(number) FROM predictions").fetchone()
    (last,) = tables.execute("SELECT max(number) FROM predictions").fetchone()
    return first or 1, last or 0


def _day(at: float) -> int:
    return int(at // DAY_S)


def _verdict(predicted: str, label: str) -> str:
    return "right" if same(predicted, label) else "wrong"


def _hash(identity: str) -> bytes:
    """Sixteen bytes instead of an id of any length; the ids themselves are not kept."""
    return hashlib.blake2b(identity.encode(errors="surrogatepass"), digest_size=16).digest()
