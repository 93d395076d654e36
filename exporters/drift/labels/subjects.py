"""Of which models labels are counted, and which of their classes have a name."""

from collections.abc import Iterable
from dataclasses import dataclass

from exporters.base.families import OTHER
from exporters.drift.baseline import Baseline, Categorical, Score
from exporters.drift.labels.calibration import Calibration, calibration
from exporters.drift.scores import same
from modelwatch.catalogue.drift import PREDICTED
from modelwatch.catalogue.labels import (
    MOST_CLASSES,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A model in an environment. Without `classes` the first that come have a name."""

    model: str
    environment: str
    calibration: Calibration | None = None
    classes: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """Model and environment."""
        return self.model, self.environment


def subject(model: str, environment: str, baseline: Baseline | None) -> Subject:
    """What the baseline says of the model's classes and scores."""
    return Subject(
        model=model,
        environment=environment,
        calibration=calibration(baseline) if baseline else None,
        classes=_classes(baseline)[: MOST_CLASSES - 1] if baseline else (),
    )


def _classes(baseline: Baseline) -> tuple[str, ...]:
    """The classes that the baseline knows, the most frequent first."""
    found: dict[str, int] = {}
    for feature in baseline.features:
        if isinstance(feature, Score):
            found |= {known.predicted: sum(known.counts) for known in feature.classes}
        elif isinstance(feature, Categorical) and feature.name == PREDICTED:
            found |= dict(zip(feature.values, feature.counts, strict=True))
    found.pop("", None)
    return tuple(sorted(found, key=lambda name: (-found[name], name)))


class Names:
    """Which classes stand on the page under their own name; all others are `other`."""

    def __init__(self, declared: Iterable[str], counted: Iterable[str]) -> None:
        self._closed = bool(names := tuple(declared))
        self._names = set(names or counted)

    def __call__(self, name: str) -> str:
        """The name as it was first written (`1` for `1.0`), or `other`."""
        if name in self._names:
            return name
        equal = next((known for known in self._names if same(known, name)), None)
        if equal is not None:
            return equal
        if self._closed or len(self._names) >= MOST_CLASSES - 1:
            return OTHER
        self._names.add(name)
        return name
