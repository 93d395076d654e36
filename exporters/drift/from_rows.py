"""Files of rows: a baseline out of them, or their counts in the bins of one."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from io import BufferedReader

from exporters.drift.baseline import Baseline, Categorical, Numeric, Score
from exporters.drift.bins import Counts, counter_of, of_class
from exporters.drift.building import Builder
from exporters.drift.kinds import Kinds, Roles, reader
from exporters.drift.rows.batch import Batch, Mistakes
from exporters.drift.rows.opening import batches
from modelwatch.catalogue.drift import PREDICTED
from modelwatch.schema_words import choices, close

_REFUSED = ()
"""Stands for a value that could not be read: neither a number nor a word."""

Counted = tuple[tuple[Numeric | Categorical, str, Counts], ...]
"""Each feature, the predicted class where it is a score of one, and what was seen of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A baseline, and what was decided unasked."""

    baseline: Baseline
    notes: tuple[str, ...]


def built(
    path: str, stream: BufferedReader, roles: Roles, *, model: str, version: str, now: datetime
) -> Built:
    """A baseline of all rows.

    Raises:
        InventoryError: something is wrong with rows or columns; all of it.
        ModelwatchError: there is nothing to count.
    """
    mistakes = Mistakes(path)
    kinds, builder = Kinds(roles, mistakes), Builder()
    seen: dict[str, bool] = {}
    for batch in batches(path, stream, mistakes):
        _note_columns(seen, batch)
        if not batch.typed:
            _all_there(mistakes, roles.named(), seen)
        features = kinds.features(batch)
        scores, predicted, labels = (
            kinds.role(role, batch) for role in ("score", "predicted", "label")
        )
        kinds.look_at_time(batch)
        if not mistakes.report.found:
            builder.add(features, scores=scores, predicted=predicted, labels=labels)
    mistakes.report.raise_if_any()
    if not seen:
        raise mistakes.stop((1, 1), "no row was found", "check that it is the right file")
    _all_there(mistakes, roles.named(), seen)
    mistakes.report.raise_if_any()
    for name in roles.named():
        if not seen[name]:
            mistakes.add(
                (1, 1), f"no row has a value in the column '{name}'", "leave the column out"
            )
    mistakes.report.raise_if_any()
    empty = () if roles.features else [name for name in seen if not seen[name]]
    left_out = [f"{name} is left out: no row has a value" for name in empty]
    left_out += [
        f"{count} vectors of {name} are left out: they are not as long as most, or too large"
        for name, count in builder.refused().items()
    ]
    baseline = builder.freeze(model=model, version=version, created=now, newest=kinds.newest)
    return Built(baseline=baseline, notes=(*kinds.notes, *left_out))


def counted_rows(path: str, stream: BufferedReader, baseline: Baseline, roles: Roles) -> Counted:
    """The rows in the bins of a baseline; a value of another kind is refused, as it is live.

    The score and the class are in the columns of `roles`, features in those of their name.

    Raises:
        InventoryError: columns are missing, or something is wrong with rows; all of it.
    """
    mistakes = Mistakes(path)
    score, predicted = roles.score or "score", roles.predicted or PREDICTED
    named = {"score": score, PREDICTED: predicted}
    found = [(*part, counter_of(part[0])) for part in parts(baseline)]
    counts = [counter.empty() for _, _, counter in found]
    asked = {named.get(feature.name, feature.name) for feature, _, _ in found}
    asked |= {predicted} if any(name for _, name, _ in found) else set()
    seen: dict[str, bool] = {}
    for batch in batches(path, stream, mistakes):
        _note_columns(seen, batch)
        if not batch.typed:
            _all_there(mistakes, asked, seen)
        if mistakes.report.found:
            continue
        classes = _values(batch, predicted, "categorical")
        for (feature, name, counter), tally in zip(found, counts, strict=True):
            kind = "categorical" if isinstance(feature, Categorical) else "numeric"
            values = _values(batch, named.get(feature.name, feature.name), kind)
            if name:
                pairs = zip(values, classes, strict=True)
                values = [value for value, said in pairs if said == name]
            counter.count(tally, values)
    if not seen:
        mistakes.add((1, 1), "no row was found", "check that it is the right file")
    else:
        _all_there(mistakes, asked, seen)
    mistakes.report.raise_if_any()
    return tuple(
        (feature, name, tally) for (feature, name, _), tally in zip(found, counts, strict=True)
    )


def parts(baseline: Baseline) -> Iterator[tuple[Numeric | Categorical, str]]:
    """Every feature that is counted in bins; of scores every predicted class, with its name."""
    for feature in baseline.features:
        if isinstance(feature, Score):
            for known in feature.classes:
                yield of_class(feature, known), known.predicted
        elif isinstance(feature, Numeric | Categorical):
            yield feature, ""


def _values(batch: Batch, name: str, kind: str) -> list[object]:
    read, found = reader(kind, typed=batch.typed), list[object]()
    for value in batch.columns.get(name, (None,) * batch.rows):
        try:
            found.append(read(value))
        except ValueError:
            found.append(_REFUSED)
    return found


def _note_columns(seen: dict[str, bool], batch: Batch) -> None:
    """Which columns there are, and whether they have a value."""
    for name, values in batch.columns.items():
        seen[name] = seen.get(name, False) or any(value is not None for value in values)


def _all_there(mistakes: Mistakes, asked: Iterable[str], seen: Mapping[str, bool]) -> None:
    for name in asked:
        if name not in seen:
            advice = close(name, seen) or f"there are: {choices(seen)}"
            mistakes.add((1, 1), f"there is no column '{name}'", advice)
