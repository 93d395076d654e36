"""The collectors of the page: the inventory's own series, spend by calendar, series that are there.

Every constant has an empty `job` and `instance`. Where a scrape honours labels, Prometheus then
adds none of its own: the series are those that the rule file would record, from whichever replica.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from exporters.base.families import Distribution, Family
from exporters.inventory.asking import Asking
from exporters.inventory.periods import period_of
from exporters.inventory.spending import Spend
from modelwatch.catalogue.metric import Metric
from modelwatch.catalogue.spend import (
    CALENDAR_END,
    CALENDAR_FORECAST,
    CALENDAR_OBSERVED,
    CALENDAR_SPENT,
    CALENDAR_START,
    SERIES_PRESENT,
)
from modelwatch.inventory import Budget
from modelwatch.rules import Constant

_OF_TARGET = ("job", "instance")
"""Labels that Prometheus gives to what it scrapes, unless they are there already."""

_RESERVED = {"le", "quantile"}
"""Labels that no gauge may have on a page, only a histogram or summary, or what has no type."""

Samples = dict[tuple[str, ...], float | Distribution]


@dataclass(slots=True, kw_only=True)
class Constants:
    """The inventory's own series: worked out with each reading of it, handed over as they are."""

    name: str = "constants"
    _samples: dict[Metric, Samples] = field(default_factory=dict)

    def put(self, rows: Iterable[Constant]) -> None:
        """Serve these from now on."""
        found: dict[Metric, Samples] = {}
        served: dict[Metric, Metric] = {}
        for row in rows:
            metric = served.get(row.metric) or served.setdefault(row.metric, _served(row.metric))
            labels = tuple(row.labels.get(name, "") for name in metric.labels)
            found.setdefault(metric, {})[labels] = float(row.value)
        self._samples = found

    def collect(self) -> Iterator[Family]:
        """One family per metric."""
        return (Family(metric, samples) for metric, samples in self._samples.items())


def _served(metric: Metric) -> Metric:
    missing = [name for name in _OF_TARGET if name not in metric.labels]
    kind = "unknown" if _RESERVED & set(metric.labels) else metric.kind
    return replace(metric, labels=(*metric.labels, *missing), kind=kind)


@dataclass(slots=True, kw_only=True)
class Budgets:
    """Periods by the calendar, and what was spent in them as far as Prometheus says."""

    asking: Asking
    budgets: Sequence[Budget] = ()
    clock: Callable[[], float] = time.time
    name: str = "budgets"

    def collect(self) -> Iterator[Family]:
        """What is not known is not there."""
        answers, at = self.asking.answers(), self.clock()
        spends = answers.spends if answers else {}
        families = {metric: Family(metric) for metric in _CALENDAR}
        for budget in self.budgets:
            period = period_of(budget.period, budget.timezone, at)
            labels = (budget.name, budget.environment)
            families[CALENDAR_START].add(period.start, *labels)
            families[CALENDAR_END].add(period.end, *labels)
            spend = spends.get(budget.name)
            if spend and spend.period == period:  # and not of yesterday, a minute after midnight
                _add(families, spend, labels)
        yield from families.values()


_CALENDAR = (
    CALENDAR_SPENT,
    CALENDAR_FORECAST,
    CALENDAR_OBSERVED,
    CALENDAR_START,
    CALENDAR_END,
)


def _add(families: dict[Metric, Family], spend: Spend, labels: tuple[str, str]) -> None:
    families[CALENDAR_OBSERVED].add(spend.observed, *labels)
    if spend.spent is not None:
        families[CALENDAR_SPENT].add(spend.spent, *labels)
    if spend.forecast is not None:
        families[CALENDAR_FORECAST].add(spend.forecast, *labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """How many series there are."""

    asking: Asking
    name: str = "series"

    def collect(self) -> Iterator[Family]:
        """By part, as far as Prometheus says."""
        answers = self.asking.answers()
        family = Family(SERIES_PRESENT)
        for part, count in (answers.series if answers else {}).items():
            family.add(count, part)
        yield family


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """Whether Prometheus answers: it has no samples of its own."""

    asking: Asking
    name: str = "prometheus"

    def collect(self) -> Iterable[Family]:
        """Nothing.

        Raises:
            Unreachable: the last round of questions failed.
        """
        if problem := self.asking.problem():
            raise problem
        return ()
