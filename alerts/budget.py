"""Budgets: will the money last, and is something burning it?

A budget is used up by intention: unlike an error budget, an even spend burns it exactly once. So
the limits of a burn are shares of the month: 5 % of it in one hour is 36 times an even spend,
5 % in six hours is 6 times.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from modelwatch.catalogue.inventory import BUDGET, BUDGET_SHARE
from modelwatch.catalogue.recorded import (
    BUDGET_BURN,
    BUDGET_FORECAST_RATIO,
    BUDGET_POLICY,
    BUDGET_SPENT_RATIO,
)
from modelwatch.promql import on, select
from modelwatch.rules import Alert, Facts, Given, Proof, Scope, SignalClass, Urgency

_OF_BUDGET = on("budget", "environment")

_BELIEVED = 0.1
"""Share of a budget that must be spent before a forecast from it means anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Burn:
    """Spend over `long` and still over `short` is `times` an even one, by period of the budget."""

    name: str
    long: str
    short: str
    times: Mapping[str, float]
    urgency: Urgency
    hold: str
    meaning: str

    @property
    def limit(self) -> str:
        """The limit of each budget as a vector."""
        return " or ".join(
            f"{times:g} * group by (budget, environment) ({select(BUDGET, period=period)})"
            for period, times in self.times.items()
        )

    def times_of(self, facts: Facts) -> float:
        """The limit of the budget that a proof is about."""
        return self.times[facts.labels["period"]]


_BURNS = (
    _Burn(
        name="BudgetRunaway",
        long="1h",
        short="5m",
        # A day's budget is meant to go within working hours, at three times an even spend or so;
        # half of it in one hour is a runaway.
        times={"month": 36, "day": 12},
        urgency=Urgency.NOW,
        hold="2m",
        meaning="5 % of a monthly budget in an hour (36 times), half of a daily one (12 times)",
    ),
    _Burn(
        name="BudgetBurnFast",
        long="6h",
        short="1h",
        # Within six hours a daily budget is told of by its shares.
        times={"month": 6},
        urgency=Urgency.SOON,
        hold="10m",
        meaning="5 % of a monthly budget in six hours (6 times)",
    ),
    _Burn(
        name="BudgetBurnSteady",
        long="3d",
        short="1d",
        times={"month": 1.5, "day": 1.5},
        urgency=Urgency.SOON,
        hold="1h",
        meaning="half as much again as an even spend (1.5 times)",
    ),
)


def _burning(burn: _Burn) -> Alert:
    return Alert(
        name=burn.name,
        signal="budget_burn",
        signal_class=SignalClass.COST,
        urgency=burn.urgency,
        scope=Scope.BUDGET,
        condition=f"""
            ({BUDGET_BURN[burn.long]} > {_OF_BUDGET} ({burn.limit}))
              and {_OF_BUDGET}
            ({BUDGET_BURN[burn.short]} > {_OF_BUDGET} ({burn.limit}))
        """,
        extra={"window": burn.long},
        # Both windows are means already: the hold only bridges odd evaluations.
        hold=burn.hold,
        summary="Budget {{ $labels.budget }} is spent {{ $value | humanize }} times as fast as "
        f"planned over {burn.long}; the limit is {burn.meaning}.",
        description=f"Spend over {burn.long} and over {burn.short} is far above an even spend of "
        f"the budget over its period. The limit is {burn.meaning}.",
        action=(
            "On the cost board sort models by spend of the last hour: usually one stands out.",
            "Look for a loop, a retry storm or a leaked key: requests, tokens per request and "
            "callers of that model.",
            "Limit or revoke the caller; raise the budget only when the spend is wanted.",
        ),
        lies="A large batch that was planned looks like a runaway. Spend of models without a "
        "price is not counted at all.",
        board="modelwatch-cost",
        proof=Proof(
            row=BUDGET,
            reachable=lambda facts: facts.labels["period"] in burn.times,
            has_quiet=False,
            given=(
                Given(
                    metric=BUDGET_BURN[burn.long],
                    fires=lambda facts: 2 * burn.times_of(facts),
                    below=lambda facts: 0.99 * burn.times_of(facts),
                ),
                Given(
                    metric=BUDGET_BURN[burn.short],
                    fires=lambda facts: 2 * burn.times_of(facts),
                ),
            ),
        ),
    )


# Only the highest share that is crossed is told: one open alert per budget. Crossing the next one
# changes the label `share`, so it is sent anew and the lower one resolves in the same message.
_CROSSED = f"({BUDGET_SHARE} <= {_OF_BUDGET} group_left () {BUDGET_SPENT_RATIO})"
_HIGHEST_CROSSED = (
    f"({_CROSSED} == {_OF_BUDGET} group_left () max by (budget, environment) {_CROSSED})"
)

ALERTS = [
    *(_burning(burn) for burn in _BURNS),
    Alert(
        name="BudgetShareSpent",
        signal="budget_share",
        signal_class=SignalClass.COST,
        urgency=Urgency.SOON,
        scope=Scope.BUDGET,
        condition=f"""
            0 * {_HIGHEST_CROSSED}
              + {_OF_BUDGET} group_left ()
            {BUDGET_SPENT_RATIO}
        """,
        labels=("share",),
        # Spend only rises: the hold bridges a gap at the turn of a period, nothing else.
        hold="2m",
        summary="Budget {{ $labels.budget }} is {{ $value | humanizePercentage }} spent, past its "
        "mark of {{ $labels.share }}.",
        description="Spend since the period of the budget began has reached one of its marks; "
        "the highest mark reached is told. It resolves when the next period begins.",
        action=(
            "On the cost board read the forecast: will the budget last until the period ends?",
            "Sort models and features by spend: is the growth wanted?",
            "Agree with the owner on a larger budget, a cheaper model or a limit.",
        ),
        lies="Without the inventory exporter periods are those of the calendar in UTC. Early in a "
        "period a budget of which most is spent on one planned day may be on plan.",
        board="modelwatch-cost",
        proof=Proof(
            row=BUDGET_SHARE,
            has_quiet=False,
            given=(
                Given(
                    metric=BUDGET_SPENT_RATIO,
                    fires=lambda facts: facts.limit,
                    below=lambda facts: 0.99 * facts.limit,
                ),
            ),
        ),
    ),
    Alert(
        name="BudgetForecastOver",
        signal="budget_forecast",
        signal_class=SignalClass.COST,
        urgency=Urgency.WATCH,
        scope=Scope.BUDGET,
        # Once it is all spent a forecast says nothing new, and the mark of 100 % has told.
        condition=f"""
            ({BUDGET_FORECAST_RATIO} > 1)
              and {_OF_BUDGET}
            ({BUDGET_SPENT_RATIO} >= {_BELIEVED})
              and {_OF_BUDGET}
            ({BUDGET_SPENT_RATIO} < 1)
        """,
        hold="1h",
        keep_firing="30m",
        summary="As spend goes now, budget {{ $labels.budget }} will end its period at "
        "{{ $value | humanizePercentage }}, over its limit of 100%.",
        description="What is spent so far and the present rate until the end of the period come "
        "to more than the budget. Nothing is forecast before a tenth of it is spent.",
        action=(
            "On the cost board see on which day the budget will run out.",
            "Compare spend by model and feature with last week: what grew?",
            "Tell the owner now: later only a limit helps.",
        ),
        lies="Without the inventory exporter the rate of the last six hours stands for all days to "
        "come, so weekends and the ends of months bend it; with it, a spend that has just begun "
        "counts in full only after a week.",
        board="modelwatch-cost",
        proof=Proof(
            row=BUDGET_POLICY,
            where={"urgency": "watch"},
            given=(
                Given(metric=BUDGET_FORECAST_RATIO, fires=1.37, below=0.99),
                Given(metric=BUDGET_SPENT_RATIO, fires=0.5, quiet=0.9 * _BELIEVED),
            ),
        ),
    ),
]
