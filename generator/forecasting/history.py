"""What is known of a signal, hour by hour, and what is usual at each hour of the week.

Everything is learned from the hours before the last day. That day is judged and not learned from:
what is odd in it must not make itself usual.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generator.asking import Period, Prometheus, Series
from modelwatch.catalogue.seasonal import BASELINE_NOW
from modelwatch.promql import largest, select

HOUR_S = 3600
DAY = 24
WEEK = 7 * DAY
FEWEST = 2 * WEEK
"""Hours to learn from without which nothing is usual yet: each hour of the week twice."""
MOST_MISSING = 0.2
"""Share of these hours that may be missing."""

_NEXT_TO_NOTHING = 1e-3

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What is usual, less the line on which the signal grows, and how far the hours were from it.

    `before` is per learned hour and made of the other weeks alone: what is left over then is as
    much as it will be of hours that are not known yet. `after` is for the two days that follow.
    `learned` and `judged` are what is left over, of the hours learned from and of the last day.
    """

    before: Numbers
    after: Numbers
    learned: Numbers
    judged: Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One signal of one model. `values` are per hour, NaN where nothing is known.

    The last one is at `end`, a full hour in Unix seconds.
    """

    model: str
    environment: str
    signal: str
    end: float
    values: Numbers

    @property
    def learned(self) -> Numbers:
        """The values that are learned from."""
        return self.values[:-DAY]

    @property
    def judged(self) -> Numbers:
        """The values of the last day."""
        return self.values[-DAY:]

    @property
    def is_positive(self) -> bool:
        """Whether it can be looked at by its logarithm: its noise then is a share of its level."""
        return bool(np.nanmin(self.learned) > 0)

    @property
    def levels(self) -> Numbers:
        """The values, or their logarithms: what is learned from."""
        if not self.is_positive:
            return self.values
        # On the last day there may be none at all, which has no logarithm.
        return np.log(np.maximum(self.values, np.nanmin(self.learned) * _NEXT_TO_NOTHING))

    @property
    def known(self) -> int:
        """How many hours are learned from."""
        return int(np.isfinite(self.learned).sum())

    @property
    def mistake(self) -> str:
        """Why nothing can be learned from it; empty when something can."""
        span = max(0, len(self.values) - DAY)
        if span < FEWEST:
            return f"{span // DAY} of the {FEWEST // DAY} days are known that it takes"
        missing = 1 - self.known / span
        if missing > MOST_MISSING:
            return f"{missing:.0%} of its hours are missing"
        if not np.nanmax(self.learned) > 0:
            return "it was zero all the time"
        return ""

    def times(self, first: int, count: int) -> Numbers:
        """Unix seconds of hours, counted from the first that is there."""
        begin = self.end - (len(self.values) - 1) * HOUR_S
        return begin + HOUR_S * (first + np.arange(count, dtype=np.float64))


def usual(history: History) -> Usual:
    """What is usual, of a history without a mistake."""
    levels = history.levels
    hours = np.arange(len(levels), dtype=np.float64)
    slope = _slope(_weeks(levels[:-DAY]), _weeks(hours[:-DAY]))
    away = levels - slope * hours
    weeks = _weeks(away[:-DAY])
    others = [_middle(np.delete(weeks, row, axis=0)) for row in range(len(weeks))]
    before, after = np.concatenate(others)[-len(away[:-DAY]) :], _middle(weeks)[: 2 * DAY]
    return Usual(
        before=before,
        after=after,
        learned=away[:-DAY] - before,
        judged=away[-DAY:] - after[:DAY],
    )


def _weeks(values: Numbers) -> Numbers:
    """A row per week, of which the last one ends with the values; what is missing is NaN."""
    return np.concatenate([np.full(-len(values) % WEEK, np.nan), values]).reshape(-1, WEEK)


def _slope(levels: Numbers, hours: Numbers) -> float:
    """Growth per hour, of weeks that are compared hour by hour: their rhythm is no growth."""
    hours = np.where(np.isfinite(levels), hours, np.nan)
    later, more = hours - _mean(hours), levels - _mean(levels)
    return float(np.nansum(later * more) / np.nansum(later**2))


def _middle(weeks: Numbers) -> Numbers:
    """The median of each hour of the week; NaN where no week knows it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.nanmedian(weeks, axis=0), dtype=np.float64)


def _mean(weeks: Numbers) -> Numbers:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.nanmean(weeks, axis=0), dtype=np.float64)


def histories(prometheus: Prometheus, signal: str, now: float, weeks: int) -> tuple[History, ...]:
    """The signal of every model, over that many weeks and the day that is judged.

    Raises:
        QueryError: the query failed.
        Unreachable: nobody answers.
    """
    end = now // HOUR_S * HOUR_S
    count = weeks * WEEK + DAY
    period = Period(start=end - (count - 1) * HOUR_S, end=end)
    query = largest(select(BASELINE_NOW, signal=signal))
    found = prometheus.range(query, period, HOUR_S)
    return tuple(_history(series, signal, period, count) for series in found)


def _history(series: Series, signal: str, period: Period, count: int) -> History:
    values = np.full(count, np.nan)
    for time, value in zip(series.times, series.values, strict=True):
        values[round((time - period.start) / HOUR_S)] = value if np.isfinite(value) else np.nan
    known = np.flatnonzero(np.isfinite(values))
    return History(
        model=series.labels.get("model", ""),
        environment=series.labels.get("environment", ""),
        signal=signal,
        end=period.end,
        values=values[known[0] if len(known) else 0 :],
    )
