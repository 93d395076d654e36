"""Which column is what: features and their kinds, the score, the predicted class, the label, time.

Kinds that nobody named are guessed by the first rows, and every later row has to follow. Text of
CSV becomes numbers and words here; what cannot is a mistake with its place.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from exporters.drift.bins import number, word
from exporters.drift.columns import LARGEST
from exporters.drift.rows.batch import Batch, Mistakes, short

_Read = Callable[[object], object]

_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_NO_NUMBER = frozenset(("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"))
"""Text that stands for a missing number."""
_BOOLEANS = {"True": "true", "TRUE": "true", "False": "false", "FALSE": "false"}
"""As other programs write booleans; JSON, in which features arrive later, has small letters."""
_MOSTLY = 0.95
"""Share of values that are numbers from which on the others are taken for mistakes."""
_IDENTIFIER = 0.9
"""Share of different values from which on a column of words tells rows apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """Which columns are what, as asked for. `features` has kinds, "" where it is to be guessed.

    Without any, all columns that have no other role are features.
    """

    features: Mapping[str, str] = field(default_factory=dict)
    score: str = ""
    predicted: str = ""
    label: str = ""
    time: str = ""

    def named(self) -> tuple[str, ...]:
        """Every column that is asked for."""
        others = (self.score, self.predicted, self.label, self.time)
        return (*self.features, *filter(None, others))


class Kinds:
    """Turns batches into columns of the right kinds; `notes` say what was decided unasked."""

    def __init__(self, roles: Roles, mistakes: Mistakes) -> None:
        self._roles, self._mistakes = roles, mistakes
        self.kinds: dict[str, str] = {}
        self.notes: list[str] = []
        self._left_out: set[str] = set()
        self.newest: datetime | None = None

    def features(self, batch: Batch) -> dict[str, list[object]]:
        """The columns that are features, of one kind each."""
        asked = self._roles.features or dict.fromkeys(batch.columns, "")
        others = set(self._roles.named()) - set(self._roles.features)
        found = {}
        for name in asked:
            if name in self._left_out or name in others or name not in batch.columns:
                continue
            kind = self.kinds.get(name) or self._decided(name, asked[name], batch)
            if kind:
                found[name] = self._read(name, kind, batch)
        return found

    def role(self, role: str, batch: Batch) -> list[object] | None:
        """The column of scores, predicted classes or labels; None where none is asked for."""
        name: str = getattr(self._roles, role)
        if not name or name not in batch.columns:
            return None
        return self._read(name, "score" if role == "score" else "categorical", batch)

    def look_at_time(self, batch: Batch) -> None:
        """Remember the newest moment."""
        name = self._roles.time
        for row, value in enumerate(batch.columns.get(name, ())):
            try:
                at = _moment(value)
            except (ValueError, OverflowError, OSError):
                self._mistakes.add(
                    batch.place(row, name),
                    f"'{short(value)}' in '{name}' is no moment",
                    "write it as 2026-05-01T12:00:00Z, or as seconds since 1970",
                )
                continue
            if at and (self.newest is None or at > self.newest):
                self.newest = at

    def _decided(self, name: str, asked: str, batch: Batch) -> str:
        """The kind of a column that is seen for the first time; "" while it has no value."""
        values = [value for value in batch.columns[name] if not _is_missing(value)]
        if not values:
            return ""
        kind = asked or _guessed(values, typed=batch.typed)
        reason = "" if self._roles.features else _no_feature(kind, values)
        if reason:
            self._left_out.add(name)
            self.notes.append(f"{name} is left out: {reason}; to keep it, name all features")
            return ""
        if not asked:
            self.notes.append(f"{name} is taken to be {kind}")
        self.kinds[name] = kind
        return kind

    def _read(self, name: str, kind: str, batch: Batch) -> list[object]:
        read = reader(kind, typed=batch.typed)
        guessed = name in self.kinds and not self._roles.features.get(name)
        strict = batch.typed and kind == "categorical" and guessed
        found: list[object] = []
        for row, value in enumerate(batch.columns[name]):
            try:
                if strict and type(value) in (int, float) and not _is_missing(value):
                    raise ValueError("is a number, and others are words")  # noqa: TRY301
                found.append(read(value))
            except ValueError as error:
                self._mistakes.add(
                    batch.place(row, name), f"'{short(value)}' in '{name}' {error}", _ADVICE[kind]
                )
        return found


_ADVICE = {
    "numeric": "correct it, leave it empty, or name the column with :categorical",
    "score": "name another column, or give this one as a feature: it is compared all the same",
    "categorical": "correct it, or name the column with :categorical",
}


def _guessed(values: Sequence[object], *, typed: bool) -> str:
    if typed:
        return "numeric" if type(values[0]) in (int, float) else "categorical"
    numbers = sum(1 for value in values if _NUMBER.fullmatch(str(value).strip()))
    known = sum(1 for value in values if value not in _NO_NUMBER)
    return "numeric" if numbers and numbers >= _MOSTLY * known else "categorical"


def _no_feature(kind: str, values: Sequence[object]) -> str:
    """Why a column that nobody asked for is none to watch, or nothing."""
    if isinstance(values[0], list | dict | bytes):
        return "it holds no plain values"
    if len(values) < 100:
        return ""
    if kind == "categorical":
        different = len(set(map(str, values)))
        return "nearly every row has another value" if different > _IDENTIFIER * len(values) else ""
    try:
        numbers = [int(str(value)) for value in values]
    except ValueError:
        return ""
    counts = all(value == numbers[0] + row for row, value in enumerate(numbers))
    return "it counts the rows" if counts else ""


def _number(value: object) -> float | None:
    found = number(value)
    if found is not None and abs(found) > LARGEST:
        raise ValueError("is too large")
    return found


def _number_in(value: object) -> float | None:
    text = str(value).strip() if value is not None else ""
    if text in _NO_NUMBER:
        return None
    if not _NUMBER.fullmatch(text):
        infinite = text.lower().lstrip("+-") in ("inf", "infinity")
        raise ValueError("is infinite" if infinite else "is no number, and others are")
    return _number(float(text))


def _score(value: object) -> float | None:
    found = _number(value)
    if found is not None and not 0 <= found <= 1:
        raise ValueError("is no score from 0 to 1")
    return found


def _score_in(value: object) -> float | None:
    return _score(_number_in(value))


def _word_in(value: object) -> str | None:
    return _BOOLEANS.get(str(value), str(value)) if value is not None else None


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _moment(value: object) -> datetime | None:
    if _is_missing(value):
        return None
    text = str(value).strip()
    if _NUMBER.fullmatch(text):
        seconds = float(text)
        return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


_READERS: Mapping[str, tuple[_Read, _Read]] = {
    "numeric": (_number, _number_in),
    "categorical": (word, _word_in),
    "score": (_score, _score_in),
}
"""By kind, what reads a value, and what reads text that stands for one."""


def reader(kind: str, *, typed: bool) -> _Read:
    """What makes a number, a score or a word of a value, or raises ValueError, which says why not.

    Where values are not `typed`, they are text.
    """
    of_values, of_text = _READERS[kind]
    return of_values if typed else of_text
