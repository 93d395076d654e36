"""Reads observations from JSON, and puts together those that are counted together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from exporters.base.moments import moment, recent
from exporters.base.receipts import Refused
from exporters.drift.observations import Batch, Columns, Features, Rows, Values

MOST_KEY_CHARACTERS = 200

_WORDS = frozenset((str, int, float, bool, type(None)))
_NO_COLUMN = "`columns` has a list for each feature, all of the same length"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What stands above observations, and holds for each that does not say it itself."""

    model: str = ""
    environment: str = ""
    sampling: float | None = None
    time_s: float | None = None
    key: str = ""


@dataclass(slots=True)
class _Group:
    """Rows of one model that have the same fields."""

    line: int
    told: _Told
    rows: list[Mapping[str, Any]] = field(default_factory=list)
    times_s: list[float | None] = field(default_factory=list)


class Gathering:
    """The observations of one request or chunk; `key` identifies it where it could be repeated."""

    def __init__(self, now: float, key: str = "") -> None:
        self._now, self._key = now, key
        self._groups: dict[tuple[object, ...], _Group] = {}
        self._batches: list[Batch] = []
        self.refused: list[tuple[int, Refused]] = []

    def add(self, line: int, found: object) -> None:
        """One JSON value: an observation, a list of them, or what holds for many."""
        if type(found) is list:
            for number, one in enumerate(found, line):
                self._add(number, one, _Told(key=self._key))
        else:
            self._add(line, found, _Told(key=self._key))

    def refuse(self, line: int, refused: Refused) -> None:
        """A line that is not even JSON."""
        self.refused.append((line, refused))

    def batches(self) -> list[Batch]:
        """All of them, put together."""
        return [*self._batches, *map(_batch, self._groups.values())]

    def _add(self, line: int, found: object, above: _Told) -> None:
        told = above
        try:
            if type(found) is not dict:
                _refuse("wrong_type", f"an observation is an object, such as {_EXAMPLE}")
            told = replace(
                above,
                model=_text(found, "model") or above.model,
                environment=_text(found, "environment") or above.environment,
            )
            told = self._told(found, told)
            inner = found.get("observations")
            if type(inner) is list:
                for number, one in enumerate(inner, line):
                    self._add(number, one, told)
            elif "columns" in found:
                self._batches.append(self._columns(line, found, told))
            else:
                self._row(line, found, told)
        except Refused as refused:
            refused.model, refused.environment = told.model, told.environment
            self.refused.append((line, refused))

    def _told(self, found: Mapping[str, Any], above: _Told) -> _Told:
        told = above
        if (sampling := found.get("sampling")) is not None:
            told = replace(told, sampling=ratio(sampling))
        if (batch := _text(found, "batch")) and not self._key:
            if not is_key(batch):
                _refuse("out_of_range", f"`batch` has up to {MOST_KEY_CHARACTERS} characters")
            told = replace(told, key=batch)
        if type(time := found.get("time")) is not list and time is not None:
            told = replace(told, time_s=recent("time", moment("time", time), self._now))
        return told

    def _row(self, line: int, row: Mapping[str, Any], told: _Told) -> None:
        if not told.model:
            _refuse("missing_field", "`model` is missing")
        for key in ("features", "embeddings"):
            if type(row.get(key, {})) is not dict:
                _refuse("wrong_type", f"`{key}` is an object with a value for each name")
        if type(row.get("predicted")) not in _WORDS:
            _refuse("wrong_type", "`predicted` is a word")
        has = tuple(key in row for key in ("features", "score", "predicted", "embeddings", "id"))
        if not any(has[:4]):
            _refuse("missing_field", f"nothing was observed; write it like {_EXAMPLE}")
        together = (told.model, told.environment, told.key, has)
        group = self._groups.get(together)
        if group is None:
            group = self._groups[together] = _Group(line, told)
        group.rows.append(row)
        group.times_s.append(told.time_s)
        if told.sampling is not None:
            group.told = told

    def _columns(self, line: int, found: Mapping[str, Any], told: _Told) -> Batch:
        if not told.model:
            _refuse("missing_field", "`model` is missing")
        columns, embeddings = found["columns"], found.get("embeddings", {})
        if type(columns) is not dict or type(embeddings) is not dict:
            _refuse("wrong_type", _NO_COLUMN)
        beside = {key: found[key] for key in ("score", "predicted", "id") if key in found}
        if type(found.get("time")) is list:
            beside["time"] = found["time"]
        lists = (*columns.values(), *embeddings.values(), *beside.values())
        lengths = {len(one) if type(one) is list else -1 for one in lists}
        if len(lengths) != 1 or -1 in lengths:
            _refuse("wrong_type", _NO_COLUMN)
        length = lengths.pop()
        if not set(map(type, beside.get("predicted", ()))) <= _WORDS:
            _refuse("wrong_type", "`predicted` is a list of words")
        return Batch(
            line=line,
            model=told.model,
            environment=told.environment,
            length=length,
            features=Columns(columns, length) if columns else None,
            scores=beside.get("score"),
            predicted=beside.get("predicted"),
            embeddings=Columns(embeddings, length) if embeddings else None,
            ids=beside.get("id"),
            times_s=self._times(beside.get("time"), told, length),
            sampling=told.sampling,
            key=told.key,
        )

    def _times(self, times: Values | None, told: _Told, length: int) -> Sequence[float | None]:
        if times is None:
            return [told.time_s] * length
        return [recent("time", moment("time", one), self._now) for one in times]


_EXAMPLE = '{"model": "fraud", "features": {"amount": 12.5}}'


def _batch(group: _Group) -> Batch:
    rows, told = group.rows, group.told
    first = rows[0]

    def column(key: str) -> Values | None:
        return [row[key] for row in rows] if key in first else None

    def features(key: str) -> Features | None:
        return Rows([row[key] for row in rows]) if key in first else None

    return Batch(
        line=group.line,
        model=told.model,
        environment=told.environment,
        length=len(rows),
        features=features("features"),
        scores=column("score"),
        predicted=column("predicted"),
        embeddings=features("embeddings"),
        ids=column("id"),
        times_s=group.times_s,
        sampling=told.sampling,
        key=told.key,
    )


def _text(found: Mapping[str, Any], key: str) -> str:
    value = found.get(key)
    if value is None:
        return ""
    if type(value) is not str:
        _refuse("wrong_type", f"`{key}` is text")
    return value


def is_key(text: str) -> bool:
    """Whether a text can name a batch."""
    return len(text) <= MOST_KEY_CHARACTERS and text.isprintable()


def ratio(value: object) -> float:
    """A sampling ratio. Raises `Refused` where it is none."""
    if type(value) not in (int, float) or not 0 < value <= 1:  # type: ignore[operator]  # a number
        _refuse("out_of_range", "`sampling` is above 0, up to 1")
    return float(value)  # type: ignore[arg-type]  # as was just asked


def _refuse(reason: str, message: str) -> NoReturn:
    raise Refused(reason, message)
