"""Budgets: how much of the money is spent, how fast does it go, how does the period end?

Where the inventory exporter runs, it counts by the calendar of each budget, and forecasts by the
week before. Elsewhere periods are those of the calendar in UTC: PromQL has no windows of variable
length, so that each sample carries the month and day it falls in and a sum takes those of today's.
The lengths of days and months are written as numbers: money per month stays that under a time
compression.
"""

from alerts.recorded.cost import THIS_MONTH
from alerts.recorded.windows import FAST, MID, SLOW, per_second
from modelwatch.catalogue.inventory import BUDGET, BUDGET_INFO, BUDGET_MEMBER
from modelwatch.catalogue.recorded import (
    BUDGET_BURN,
    BUDGET_COST,
    BUDGET_FORECAST_RATIO,
    BUDGET_SPENT,
    BUDGET_SPENT_RATIO,
    COST,
)
from modelwatch.catalogue.spend import CALENDAR_FORECAST, CALENDAR_SPENT
from modelwatch.catalogue.steps import (
    BUDGET_EVEN,
    BUDGET_SAMPLES,
)
from modelwatch.promql import largest, on, seconds, select, total
from modelwatch.rules import Record, RecordGroup

DAY_S = 86_400
MONTH_S = 30 * DAY_S
"""An even month, for burn rates; what is spent and forecast goes by the calendar."""

_BUDGET = ("budget", "environment")
_SAME = on(*_BUDGET)
_TODAY = f'{THIS_MONTH} * on () group_left (day) count_values("day", day_of_month())'


def _amount(period: str) -> str:
    return largest(select(BUDGET, period=period), by=_BUDGET)


_CHARGED = f"({largest(BUDGET_MEMBER, by=('model', *_BUDGET))} * {on()} group_left () {COST})"
_COST = f"""
    {total(_CHARGED, by=_BUDGET)} and {_SAME} {BUDGET_INFO}
    or
    {total(_CHARGED, by=("budget",))} and on (budget) {select(BUDGET_INFO, environment="")}
"""
"""The second half is for budgets that span environments."""

_SAMPLES = f"{BUDGET_COST['5m']} * on () group_left (month, day) ({_TODAY})"


def _spent(period: str, *, over: str, named: str, today: str) -> str:
    """The samples of the period that today belongs to, of budgets with such a period."""
    of_period = f"sum_over_time({BUDGET_SAMPLES}[{over}]) * on ({named}) group_left () ({today})"
    return f"{total(of_period, by=_BUDGET)} * {seconds(SLOW)} and {_SAME} {_amount(period)}"


_SPENT = f"""
    {largest(CALENDAR_SPENT, by=_BUDGET)}
    or
    {_spent("month", over="31d", named="month", today=THIS_MONTH)}
    or
    {_spent("day", over="1d", named="month, day", today=_TODAY)}
"""


def _at_the_end(period: str, *, left: str) -> str:
    """What will be spent when the last six hours go on until the end of the period."""
    end = f"({BUDGET_SPENT} + {_SAME} {BUDGET_COST['6h']} * ({left}))"
    return f"{end} / {_SAME} {_amount(period)}"


_FORECAST = f"""
    {largest(CALENDAR_FORECAST, by=_BUDGET)} / {_SAME} ({largest(BUDGET, by=_BUDGET)} > 0)
    or
    {
    _at_the_end(
        "month",
        left=f"scalar(days_in_month() - day_of_month() + 1) * {DAY_S} - time() % {DAY_S}",
    )
}
    or
    {_at_the_end("day", left=f"{DAY_S} - time() % {DAY_S}")}
"""


def _burn(window: str) -> Record:
    return Record(
        metric=BUDGET_BURN[window],
        expr=f"{BUDGET_COST[window]} / {_SAME} ({BUDGET_EVEN} > 0)",
    )


def _of_recent(window: str) -> Record:
    return Record(metric=BUDGET_COST[window], expr=per_second(BUDGET_COST["5m"], over=window))


def _of_samples(window: str) -> Record:
    expr = total(per_second(BUDGET_SAMPLES, over=window, every=SLOW), by=_BUDGET)
    return Record(metric=BUDGET_COST[window], expr=expr)


GROUPS = (
    RecordGroup(
        name="modelwatch-budgets",
        interval=FAST,
        records=(
            Record(metric=BUDGET_COST["5m"], expr=_COST),
            Record(
                metric=BUDGET_EVEN,
                expr=f"{_amount('month')} / {MONTH_S} or {_amount('day')} / {DAY_S}",
            ),
            _burn("5m"),
        ),
    ),
    RecordGroup(
        name="modelwatch-budgets-mid",
        interval=MID,
        records=(_of_recent("1h"), _of_recent("6h"), _burn("1h"), _burn("6h")),
    ),
    RecordGroup(
        name="modelwatch-budgets-slow",
        interval=SLOW,
        records=(
            Record(metric=BUDGET_SAMPLES, expr=_SAMPLES),
            _of_samples("1d"),
            _of_samples("3d"),
            _burn("1d"),
            _burn("3d"),
            Record(metric=BUDGET_SPENT, expr=_SPENT),
            Record(
                metric=BUDGET_SPENT_RATIO,
                expr=f"{BUDGET_SPENT} / {_SAME} ({largest(BUDGET, by=_BUDGET)} > 0)",
            ),
            Record(metric=BUDGET_FORECAST_RATIO, expr=_FORECAST),
        ),
    ),
)
