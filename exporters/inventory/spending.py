"""What each budget has spent by its own calendar, and will have spent when the period ends.

Spend is recorded every four minutes by the rules (`alerts/recorded/budgets.py`), with budgets and
shares as they were then. Here these samples are added up over windows that PromQL cannot say: since
the last midnight of a month or day in a time zone.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import floor

from exporters.inventory.periods import Period, period_of
from exporters.inventory.prometheus import Prometheus
from modelwatch.catalogue.steps import BUDGET_SAMPLES
from modelwatch.inventory import Budget
from modelwatch.promql import duration_seconds, select, total

SAMPLED_EVERY = "4m"
"""Interval of the samples; that of the rules that record them."""

WEEK_S = 7 * 86_400.0
HISTORY = 0.9
"""Share of the last seven days that must be observed before a forecast follows them."""
FORECAST_FROM_S = 3600.0
"""Time of a period that must be observed before a forecast follows it."""
AT_ONCE = 200
"""Budgets per query: each has up to 11 000 samples a month, and Prometheus reads 50 million."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """A budget in its period; None is unknown."""

    spent: float | None
    forecast: float | None
    observed: float
    period: Period


@dataclass(frozen=True, slots=True, kw_only=True)
class _Total:
    """What the samples of a window add up to, in USD, and the seconds that they stand for."""

    usd: float = 0.0
    observed_s: float = 0.0

    def per_second(self) -> float:
        """The rate while it was observed."""
        return self.usd / self.observed_s if self.observed_s else 0.0


def spend(
    prometheus: Prometheus, budgets: Sequence[Budget], at: float, *, time_compression: int = 1
) -> dict[str, Spend]:
    """Every budget by its name, as far as anything is known of it.

    Raises:
        Unreachable: a query was not answered.
    """
    every_s = float(duration_seconds(SAMPLED_EVERY)) / time_compression
    samples = _Samples(prometheus, every_s)
    week = samples.between([budget.name for budget in budgets], at - WEEK_S, at)
    found: dict[str, Spend] = {}
    for (kind, zone), names in _by_calendar(budgets).items():
        period = period_of(kind, zone, at)
        so_far = samples.between(names, period.start, at)
        weeks, rest = divmod(period.end - at, WEEK_S)
        same_hours = samples.between(names, at - WEEK_S, at - WEEK_S + rest)
        for name in names:
            own = so_far.get(name, _Total())
            last = week.get(name, _Total())
            spent = _spent(own, at - period.start, every_s)
            to_come = (
                weeks * WEEK_S * last.per_second()
                + rest * _of_the_same_hours(same_hours.get(name, _Total()), rest, last)
                if last.observed_s >= HISTORY * WEEK_S
                else _at_the_present_rate(own, period.end - at)
            )
            found[name] = Spend(
                spent=spent,
                forecast=None if spent is None or to_come is None else spent + to_come,
                observed=_observed(own, at - period.start, every_s),
                period=period,
            )
    return found


def _spent(so_far: _Total, passed_s: float, every_s: float) -> float | None:
    """Right after midnight there is no sample yet, and nothing is spent."""
    return so_far.usd if so_far.observed_s or passed_s < 2 * every_s else None


def _observed(so_far: _Total, passed_s: float, every_s: float) -> float:
    """In whole samples: the first of them comes up to one interval after midnight."""
    expected_s = floor(passed_s / every_s) * every_s
    return min(1.0, so_far.observed_s / expected_s) if expected_s else 1.0


def _of_the_same_hours(same_hours: _Total, length_s: float, week: _Total) -> float:
    """The rate a week ago; where little of it was observed, that of the whole week."""
    return (same_hours if same_hours.observed_s >= length_s / 2 else week).per_second()


def _at_the_present_rate(so_far: _Total, left_s: float) -> float | None:
    return so_far.per_second() * left_s if so_far.observed_s >= FORECAST_FROM_S else None


def _by_calendar(budgets: Sequence[Budget]) -> Mapping[tuple[str, str], list[str]]:
    """Names of the budgets whose periods begin and end together."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for budget in budgets:
        found[budget.period, budget.timezone].append(budget.name)
    return found


@dataclass(frozen=True, slots=True)
class _Samples:
    """The recorded samples, each of which stands for the time until the next one."""

    prometheus: Prometheus
    every_s: float

    def between(self, names: Sequence[str], start: float, end: float) -> dict[str, _Total]:
        """Each budget that has samples between two moments."""
        # A sample stands for the time before it: one at the start itself is not of the window,
        # and whether Prometheus takes it as such depends on its release.
        length_ms = round((end - start) * 1000) - 1
        found: dict[str, _Total] = {}
        for some in _chunks(names if length_ms > 0 else ()):
            window = f"{select(BUDGET_SAMPLES, budget='~' + '|'.join(some))}[{length_ms}ms]"
            sums = self._ask(f"sum_over_time({window})", end)
            for name, count in self._ask(f"count_over_time({window})", end).items():
                if name in sums:
                    usd, observed_s = sums[name] * self.every_s, count * self.every_s
                    found[name] = _Total(usd=usd, observed_s=observed_s)
        return found

    def _ask(self, expr: str, at: float) -> dict[str, float]:
        """By name alone.

        Samples carry the day that they were taken on, and a budget that grew into a second
        environment goes on under another label.
        """
        rows = self.prometheus.query(total(expr, by=("budget",)), at)
        return {row.labels.get("budget", ""): row.value for row in rows}


def _chunks(names: Sequence[str]) -> Iterator[Sequence[str]]:
    unique = list(dict.fromkeys(names))
    return (unique[start : start + AT_ONCE] for start in range(0, len(unique), AT_ONCE))
