"""SLO and error budget: which promise is in danger, how fast, and since when?"""

from dashboards.shared import (
    BREACH_ABOVE_ZERO,
    BUDGET_LEFT,
    MODEL_EVENTS,
    NEAR_ABOVE_ZERO,
    TO_MODEL,
    of,
)
from modelwatch.board import SELECTED, Board, Line, Panel, Row, Step, Variable
from modelwatch.catalogue.metric import MODEL, Metric
from modelwatch.catalogue.recorded import (
    SLO_ALLOWED,
    SLO_BAD,
    SLO_BAD_EVENTS,
    SLO_BUDGET_LEFT,
    SLO_DAYS,
    SLO_ERROR,
    SLO_ERROR_PERIOD,
    SLO_FLOOR,
    SLO_SPENT,
    SLO_TOTAL,
)
from modelwatch.promql import largest, on, select

_KEY = (*MODEL, "slo")
_LEGEND = "{{slo}} of {{model}} / {{environment}}"
_BURN = (Step(color="green"), Step(color="amber", at=1))


def _slo(metric: Metric) -> str:
    return select(metric, SELECTED, slo="~$slo")


def _burn(window: str) -> str:
    """How many times faster than allowed the budget goes."""
    return f"{_slo(SLO_ERROR[window])} / {on(*_KEY)} {_slo(SLO_ALLOWED)}"


def _by_slo(expr: str) -> str:
    return largest(expr, by=_KEY)


_ALLOWED = Line(
    query=_slo(SLO_ALLOWED), legend=f"allowed: {{{{objective}}}} ({_LEGEND})", objective=True
)
# At the rate of the last day: what is left, divided by the share that went in that day.
_DAYS_LEFT = f"clamp_min({_slo(SLO_BUDGET_LEFT)}, 0) / {on(*_KEY)} ({_slo(SLO_SPENT['1d'])} > 0)"

# Shares of the whole budget at which the burn alerts speak.
# Source: The Site Reliability Workbook, chapter 5, "Alerting on SLOs", table 5-8.
_FAST, _SLOW = 0.02, 0.1

_PROMISES = Row(
    title="Which promise is in danger",
    panels=(
        Panel(
            title="Broken promises",
            question="How many objectives have no error budget left? Stop risky changes to them.",
            type="stat",
            unit="none",
            width=6,
            steps=BREACH_ABOVE_ZERO,
            lines=(Line(query=f"sum({_slo(SLO_BUDGET_LEFT)} < bool 0)"),),
            no_data="no objectives",
        ),
        Panel(
            title="Fast burns",
            question="For how many objectives did 2 % of the whole budget go in the last hour? "
            "Somebody is paged for these.",
            type="stat",
            unit="none",
            width=6,
            steps=BREACH_ABOVE_ZERO,
            lines=(Line(query=f"sum({_slo(SLO_SPENT['1h'])} >= bool {_FAST})"),),
            no_data="no objectives",
        ),
        Panel(
            title="Slow burns",
            question="For how many objectives did a tenth of the whole budget go in three days? "
            "Plan work on these.",
            type="stat",
            unit="none",
            width=6,
            steps=NEAR_ABOVE_ZERO,
            lines=(Line(query=f"sum({_slo(SLO_SPENT['3d'])} >= bool {_SLOW})"),),
            no_data="no objectives",
        ),
        Panel(
            title="Lowest error budget",
            question="How close is the worst objective to being broken?",
            type="stat",
            unit="percentunit",
            width=6,
            steps=BUDGET_LEFT,
            lines=(Line(query=f"min({_slo(SLO_BUDGET_LEFT)})"),),
            no_data="no objectives",
        ),
        Panel(
            title="Objectives",
            question="Which objective breaks next if nothing changes? The least budget is on top.",
            type="table",
            width=24,
            height=10,
            columns=("model", "environment", "slo", "objective"),
            sort_by="Budget left",
            sort_descending=False,
            links=(TO_MODEL,),
            lines=(
                Line(
                    query=f"max by (model, environment, slo, objective) ({_slo(SLO_ALLOWED)})",
                    column="Allowed",
                    unit="percentunit",
                ),
                Line(query=_by_slo(_slo(SLO_DAYS)), column="Window", unit="d"),
                Line(
                    query=_by_slo(_slo(SLO_ERROR_PERIOD)), column="Bad events", unit="percentunit"
                ),
                Line(
                    query=_by_slo(_slo(SLO_BUDGET_LEFT)),
                    column="Budget left",
                    unit="percentunit",
                    steps=BUDGET_LEFT,
                ),
                Line(query=_by_slo(_burn("1h")), column="Burn 1h", unit="suffix:x", steps=_BURN),
                Line(query=_by_slo(_burn("6h")), column="Burn 6h", unit="suffix:x", steps=_BURN),
                Line(query=_by_slo(_burn("3d")), column="Burn 3d", unit="suffix:x", steps=_BURN),
                Line(query=_by_slo(_DAYS_LEFT), column="Days until empty", unit="d"),
            ),
            no_data="no objectives",
        ),
    ),
)

_SINCE = Row(
    title="Since when, and how fast",
    panels=(
        Panel(
            title="Error budget left",
            question="When did the budget begin to fall? Compare with releases and alerts.",
            unit="percentunit",
            width=12,
            lines=(Line(query=_slo(SLO_BUDGET_LEFT), legend=_LEGEND),),
            links=(TO_MODEL,),
            no_data="no objectives",
        ),
        Panel(
            title="Bad events, last hour",
            question="Is the share of bad events over what is allowed (grey)? Only then does the "
            "budget shrink too fast.",
            unit="percentunit",
            width=12,
            lines=(Line(query=_slo(SLO_ERROR["1h"]), legend=_LEGEND), _ALLOWED),
            links=(TO_MODEL,),
            no_data="no events in the last hour",
        ),
        Panel(
            title="Budget spent per hour",
            question="Was it one incident or many? Each bar of an incident is what it cost.",
            unit="percentunit",
            width=12,
            lines=(Line(query=_slo(SLO_SPENT["1h"]), legend=_LEGEND),),
            links=(TO_MODEL,),
            no_data="no objectives",
        ),
        Panel(
            title="Budget spent in three days",
            question="Is a budget worn down without any incident? Look for a permanent cause.",
            unit="percentunit",
            width=12,
            lines=(Line(query=_slo(SLO_SPENT["3d"]), legend=_LEGEND),),
            links=(TO_MODEL,),
            no_data="no objectives",
        ),
    ),
)

_EVENTS = Row(
    title="Are there enough events to believe it",
    collapsed=True,
    panels=(
        Panel(
            title="Events",
            question="How many events count for each objective? Few events make the share jump.",
            unit="eps",
            lines=(Line(query=_slo(SLO_TOTAL), legend=_LEGEND),),
            links=(TO_MODEL,),
            no_data="no events",
        ),
        Panel(
            title="Bad events",
            question="When exactly did bad events happen? Rates over five minutes show bursts.",
            unit="eps",
            lines=(Line(query=_slo(SLO_BAD), legend=_LEGEND),),
            links=(TO_MODEL,),
            no_data="no events",
        ),
        Panel(
            title="Bad events against the floor",
            question="Are there enough bad events for an alert? Below the floor (grey) it stays "
            "silent on purpose.",
            unit="none",
            lines=(
                Line(query=_slo(SLO_BAD_EVENTS["1h"]), legend=_LEGEND),
                Line(query=_slo(SLO_FLOOR), legend=f"floor ({_LEGEND})", objective=True),
            ),
            links=(TO_MODEL,),
            no_data="no events",
        ),
    ),
)

BOARD = Board(
    uid="modelwatch-slo",
    title="SLO and error budget",
    question="Which promise is in danger, how fast is it breaking, and since when?",
    role="slo",
    variables=(
        Variable(
            name="slo",
            title="Objective",
            query=f"label_values({of(SLO_ALLOWED)}, slo)",
            all_value=".+",
        ),
    ),
    rows=(_PROMISES, _SINCE, _EVENTS),
    annotations=MODEL_EVENTS,
    since="now-7d",
    refresh="5m",
)
