"""What a run writes: forecasts of the coming day and outlier shares, with when they expire."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from exporters.base.families import Family
from exporters.base.rendering import render
from generator.forecasting.bands import Band, band
from generator.forecasting.history import DAY, HOUR_S, History, Numbers, Usual, usual
from generator.forecasting.outliers import outliers
from generator.forecasting.wanted import ECOD, PROPHET, Wanted
from modelwatch.catalogue.forecast import (
    FORECAST_AT,
    FORECAST_HISTORY,
    FORECAST_LOWER_AT,
    FORECAST_MADE,
    FORECAST_UPPER_AT,
    FORECAST_VALID_UNTIL,
    OUTLIERS_FOUND,
    OUTLIERS_SET,
    TOGETHER,
)
from modelwatch.catalogue.metric import Metric

_METRICS = (
    FORECAST_AT,
    FORECAST_LOWER_AT,
    FORECAST_UPPER_AT,
    FORECAST_MADE,
    FORECAST_VALID_UNTIL,
    FORECAST_HISTORY,
    OUTLIERS_FOUND,
    OUTLIERS_SET,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The samples of a run; `notes` say of what none could be made, and why."""

    families: Mapping[Metric, Family] = field(
        default_factory=lambda: {metric: Family(metric) for metric in _METRICS}
    )
    notes: list[str] = field(default_factory=list)

    def add(self, metric: Metric, value: float, *labels: str) -> None:
        """One more sample."""
        self.families[metric].add(float(value), *labels)

    @property
    def signals(self) -> int:
        """How many signals of models were learned from."""
        return len(self.families[FORECAST_HISTORY].samples)

    @property
    def models(self) -> int:
        """How many models these are of."""
        return len(self.families[FORECAST_MADE].samples)

    @property
    def text(self) -> str:
        """The page in Prometheus' text format."""
        return render(self.families.values(), openmetrics=False).decode()


def page(known: Mapping[tuple[str, str], Sequence[History]], wanted: Wanted, now: float) -> Page:
    """A page about all models; `known` is by model and environment, `now` in Unix seconds."""
    made = Page()
    for (model, environment), histories in known.items():
        if not histories:
            made.notes.append(f"{model} / {environment}: nothing of it was ever recorded")
        learned = []
        for history in histories:
            if history.mistake:
                made.notes.append(f"{model} / {environment}: {history.signal}: {history.mistake}")
                continue
            learned.append((history, usual(history)))
            made.add(FORECAST_HISTORY, history.known * HOUR_S, model, environment, history.signal)
        if not learned:
            continue
        made.add(FORECAST_MADE, now, model, environment)
        made.add(FORECAST_VALID_UNTIL, now + wanted.valid_s, model, environment)
        if PROPHET in wanted.detectors:
            for history, rhythm in learned:
                _add_band(made, history, rhythm, wanted.width)
        if ECOD in wanted.detectors:
            found = outliers([rhythm for _, rhythm in learned], wanted.contamination)
            about = (model, environment, TOGETHER, ECOD)
            _add_share(made, found, wanted.contamination, about)
    return made


def _add_band(made: Page, history: History, rhythm: Usual, width: float) -> None:
    found = band(history, rhythm, width)
    about = (history.model, history.environment, history.signal)
    # The full hour at which the history ends is the first of the coming day.
    coming = slice(DAY - 1, 2 * DAY - 1)
    hours = [f"{time.gmtime(at).tm_hour:02}" for at in history.end + HOUR_S * np.arange(DAY)]
    for metric, values in _ends(found).items():
        for hour, value in zip(hours, values[coming], strict=True):
            made.add(metric, value, *about, hour)
    outside = found.outside(history.judged)
    _add_share(made, outside[np.isfinite(history.judged)], 1 - width, (*about, PROPHET))


def _ends(found: Band) -> Mapping[Metric, Numbers]:
    return {
        FORECAST_AT: found.value,
        FORECAST_LOWER_AT: found.lower,
        FORECAST_UPPER_AT: found.upper,
    }


def _add_share(made: Page, found: Numbers, expected: float, about: tuple[str, ...]) -> None:
    if len(found):
        made.add(OUTLIERS_FOUND, found.mean(), *about)
        made.add(OUTLIERS_SET, round(expected, 6), *about)
