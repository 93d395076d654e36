"""A baseline from rows, batch by batch: from files, and from what a model sees while it learns.

    builder = Builder({"amount": "numeric"})
    builder.add({"amount": [12.5, 80.0], "country": ["DE", None]}, scores=[0.9, 0.2])
    baseline = builder.freeze(model="fraud", version="3", created=now, newest=now)

Memory does not grow with the rows: see `columns.py`.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from exporters.drift import embeddings
from exporters.drift.baseline import Baseline, Feature, identified
from exporters.drift.bins import Values
from exporters.drift.columns import SAMPLE, Column, Numbers, Words
from exporters.drift.scores import Scores
from modelwatch.catalogue.drift import PREDICTED
from modelwatch.problems import ModelwatchError

COLUMNS: Mapping[str, Callable[[str, int], Column]] = {
    "numeric": Numbers,
    "categorical": lambda name, _: Words(name),
    "embedding": lambda name, _: _vectors(name),
}
"""What makes a column of a kind, from its name and how many values it may keep."""


class Builder:
    """Takes rows as columns. Columns of no given kind get one by their first value."""

    def __init__(self, kinds: Mapping[str, str] | None = None, *, sample: int = SAMPLE) -> None:
        self._kinds = dict(kinds or {})
        self._sample = sample
        self._columns: dict[str, Column] = {}
        self._missing: dict[str, int] = {}
        self._scores = Scores()
        self.rows = 0

    def add(
        self,
        columns: Mapping[str, Values],
        *,
        scores: Values | None = None,
        predicted: Values | None = None,
        labels: Values | None = None,
    ) -> None:
        """Count a batch: a value per row in each column, None where it is missing."""
        if predicted is not None:
            columns = {**columns, PREDICTED: predicted}
            self._kinds[PREDICTED] = "categorical"
        for name, values in columns.items():
            column = self._columns.get(name) or self._begun(name, values)
            if column:
                column.add(values)
        if scores is not None:
            self._scores.add(scores, predicted, labels)
        self.rows += max(map(len, (*columns.values(), scores or ())), default=0)

    def freeze(
        self, *, model: str, version: str, created: datetime, newest: datetime | None = None
    ) -> Baseline:
        """The baseline of all rows so far; columns without any value are left out.

        Raises:
            ModelwatchError: there was no value at all.
        """
        made: list[Feature | None] = [column.feature() for column in self._columns.values()]
        features = tuple(feature for feature in (*made, self._scores.feature()) if feature)
        if not features:
            raise ModelwatchError(f"{model} was not seen with any value; there is no baseline yet")
        return identified(
            Baseline(
                model=model,
                version=version,
                created=moment(created),
                newest=moment(newest or created),
                rows=self.rows,
                features=features,
            )
        )

    def refused(self) -> dict[str, int]:
        """By column, how many values were not of its kind and count for nothing."""
        counts = {name: column.refused for name, column in self._columns.items()}
        counts[self._scores.name] = self._scores.refused
        return {name: refused for name, refused in counts.items() if refused}

    def _begun(self, name: str, values: Values) -> Column | None:
        """A new column, as soon as its kind is known."""
        kind = self._kinds.get(name) or kind_of(values)
        if kind is None:
            self._missing[name] = self._missing.get(name, 0) + len(values)
            return None
        column = COLUMNS[kind](name, self._sample)
        column.add([None] * self._missing.pop(name, 0))
        self._columns[name] = column
        return column


def kind_of(values: Values) -> str | None:
    """The kind of a column by its first value, None where it has none."""
    rows = values.tolist() if hasattr(values, "tolist") else values
    first = next((value for value in rows if value is not None), None)
    if first is None:
        return None
    if type(first) is list:
        return "embedding"
    return "numeric" if type(first) in (int, float) else "categorical"


def _vectors(name: str) -> Column:
    """A column of vectors.

    Raises:
        ModelwatchError: numpy is not there.
    """
    embeddings.require()
    from exporters.drift.embeddings.column import Vectors  # noqa: PLC0415  # needs numpy

    return Vectors(name)


def moment(at: datetime) -> str:
    """A moment as the file has it: UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
