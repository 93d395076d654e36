"""Fleet overview: which model is hurting users, what does it cost, is anything about to break?"""

from dashboards.shared import (
    BREACH_ABOVE_ZERO,
    BUDGET_LEFT,
    HEALTH_STATES,
    LEGEND,
    MODEL_EVENTS,
    OUTCOME_COLORS,
    OWNED,
    TO_MODEL,
    UNAVAILABLE_SIGNALS,
    of,
    top,
    with_team,
)
from modelwatch.board import Board, Line, Link, Panel, Row, Step
from modelwatch.catalogue.drift import DRIFT
from modelwatch.catalogue.inventory import BUDGET_INFO
from modelwatch.catalogue.recorded import (
    BAD_JUDGEMENTS_LOWER_BOUND,
    BUDGET_FORECAST_RATIO,
    COST_1D,
    COST_1H,
    ERROR_RATIO,
    ERRORS,
    HEALTH,
    QUANTILES,
    REQUESTS,
    REQUESTS_BY_OUTCOME,
    REQUESTS_COUNTED,
    SLO_ALLOWED,
    SLO_BUDGET_LEFT,
    SLO_ERROR,
    TOKENS,
    WAITING,
)
from modelwatch.catalogue.stack import ALERTS
from modelwatch.promql import largest, on, ratio, seconds, select, total

_FIRING = select(
    ALERTS, alertstate="firing", modelwatch="true", severity="~page|ticket", team="~$team"
)
_P95 = of(QUANTILES["request_duration"], quantile="0.95")
_BURN = f"{of(SLO_ERROR['1h'])} / {on('model', 'environment', 'slo')} {of(SLO_ALLOWED)}"
_FORECAST = (
    f"{select(BUDGET_FORECAST_RATIO, environment='~$environment|')} "
    f"and {on('budget', 'environment')} "
    f"{select(BUDGET_INFO, environment='~$environment|', team='~$team')}"
)

_NOW = Row(
    title="Is it fine",
    panels=(
        Panel(
            title="Models without data",
            question="Is a declared model silent? Look at its scrape targets before anything else: "
            "none of its alerts can fire.",
            type="stat",
            unit="none",
            width=3,
            steps=BREACH_ABOVE_ZERO,
            lines=(Line(query=f"sum({of(HEALTH)} == bool 3)"),),
            no_data="no health recorded",
        ),
        Panel(
            title="Firing alerts",
            question="How many pages and tickets are open for these teams? Open the list of them.",
            type="stat",
            unit="none",
            width=3,
            steps=BREACH_ABOVE_ZERO,
            lines=(Line(query=f"count({_FIRING}) or 0 * count({OWNED})"),),
            links=(Link(title="Open the alerts", board="modelwatch-stack", labels=()),),
        ),
        Panel(
            title="Requests",
            question="Is traffic as usual? A sudden zero is an outage in front of the models.",
            type="stat",
            unit="reqps",
            width=3,
            lines=(Line(query=f"sum({of(REQUESTS)})"),),
        ),
        Panel(
            title="Failed requests",
            question="Which share of all requests failed? Find the model in the table below.",
            type="stat",
            unit="percentunit",
            width=3,
            lines=(Line(query=ratio(f"sum({of(ERRORS)})", f"sum({of(REQUESTS_COUNTED)})")),),
            no_data="no traffic",
        ),
        Panel(
            title="Slowest model",
            question="How slow is the slowest model (p95)? Find it in the table below.",
            type="stat",
            unit="s",
            width=3,
            lines=(Line(query=f"max({_P95})"),),
            no_data="no traffic",
        ),
        Panel(
            title="Lowest error budget",
            question="Is a promise about to be broken? Below a quarter, stop risky releases.",
            type="stat",
            unit="percentunit",
            width=3,
            steps=BUDGET_LEFT,
            lines=(Line(query=f"min({of(SLO_BUDGET_LEFT)})"),),
            no_data="no objectives",
        ),
        Panel(
            title="Spend, last day",
            question="What did these models cost in the last day? Open the cost board to see why.",
            type="stat",
            unit="currencyUSD",
            width=3,
            lines=(Line(query=f"sum({of(COST_1D)}) * {seconds('1d')}"),),
            links=(Link(title="Open the costs", board="modelwatch-cost", labels=()),),
            no_data="nothing priced",
        ),
        Panel(
            title="Highest forecast",
            question="Will a budget be overspent at today's rate? Tell its owner before it is.",
            type="stat",
            unit="percentunit",
            width=3,
            steps=(Step(color="green"), Step(color="amber", at=1)),
            lines=(Line(query=f"max({_FORECAST})"),),
            no_data="no budgets",
        ),
    ),
)

_MODELS = Row(
    title="Which model",
    panels=(
        Panel(
            title="Models",
            question="Which model needs somebody now? The least error budget is on top; open the "
            "model by its name.",
            type="table",
            width=24,
            height=9,
            columns=("model", "environment", "team", "tier"),
            sort_by="Error budget left",
            sort_descending=False,
            links=(TO_MODEL,),
            lines=(
                Line(query=f"max by (model, environment, team, tier) ({OWNED})"),
                Line(query=largest(of(HEALTH)), column="Health", unit="none", states=HEALTH_STATES),
                Line(query=total(of(REQUESTS)), column="Requests", unit="reqps"),
                Line(query=largest(of(ERROR_RATIO)), column="Failed", unit="percentunit"),
                Line(query=largest(_P95), column="p95", unit="s"),
                Line(
                    query=largest(of(QUANTILES["time_to_first_token"], quantile="0.95")),
                    column="First token p95",
                    unit="s",
                ),
                Line(query=total(of(TOKENS)), column="Tokens", unit="count:tok/s"),
                Line(
                    query=f"{total(of(COST_1H))} * 3600",
                    column="Spend per hour",
                    unit="currencyUSD",
                ),
                Line(
                    query=f"min by (model, environment) ({of(SLO_BUDGET_LEFT)})",
                    column="Error budget left",
                    unit="percentunit",
                    steps=BUDGET_LEFT,
                ),
                Line(query=largest(_BURN), column="Burn rate, 1h", unit="suffix:x"),
            ),
        ),
        Panel(
            title="Health",
            question="Since when is which model ill, and did several fall ill together?",
            type="state-timeline",
            unit="none",
            width=24,
            states=HEALTH_STATES,
            lines=(Line(query=largest(of(HEALTH)), legend=LEGEND),),
            links=(TO_MODEL,),
            no_data="no health recorded",
        ),
    ),
)

_TRAFFIC = Row(
    title="Traffic and latency",
    panels=(
        Panel(
            title="Requests by model",
            question="Whose traffic changed? Compare with the time the trouble began.",
            unit="reqps",
            width=12,
            lines=(Line(query=top(of(REQUESTS)), legend=LEGEND),),
            links=(TO_MODEL,),
        ),
        Panel(
            title="Duration p95 by model",
            question="Which models are slow, and did they become slow at the same time?",
            unit="s",
            width=12,
            lines=(Line(query=top(_P95), legend=LEGEND),),
            links=(TO_MODEL,),
            no_data="no traffic",
        ),
    ),
)

_ERRORS = Row(
    title="Errors and saturation",
    panels=(
        Panel(
            title="Failed requests by model",
            question="Does one model fail, or do all of them? All of them points at the network or "
            "a shared provider.",
            unit="percentunit",
            lines=(Line(query=top(of(ERROR_RATIO)), legend=LEGEND),),
            links=(TO_MODEL,),
            no_data="no traffic",
        ),
        Panel(
            title="Failures by outcome",
            question="Are we limited by a provider, timing out, or broken? Remedies differ.",
            unit="reqps",
            stacked=True,
            colors=OUTCOME_COLORS,
            lines=(
                Line(
                    query=total(of(REQUESTS_BY_OUTCOME, outcome="!success"), by=("outcome",)),
                    legend="{{outcome}}",
                ),
            ),
            no_data="no traffic",
        ),
        Panel(
            title="Waiting requests by model",
            question="Where does a queue grow? Scale that model out.",
            unit="none",
            lines=(Line(query=top(of(WAITING)), legend=LEGEND),),
            links=(TO_MODEL,),
            no_data="no engine here exposes a queue",
        ),
    ),
)

_COST_AND_QUALITY = Row(
    title="Cost and quality",
    collapsed=True,
    panels=(
        Panel(
            title="Spend per hour by team",
            question="Whose spend rises? Open the cost board for the model behind it.",
            unit="currencyUSD",
            stacked=True,
            lines=(Line(query=f"{with_team(of(COST_1H))} * 3600", legend="{{team}}"),),
            no_data="nothing priced",
        ),
        Panel(
            title="Bad answers by model",
            question="Which model answers badly, beyond doubt? The share is the lower end of its "
            "95 % interval over a day.",
            unit="percentunit",
            lines=(Line(query=top(of(BAD_JUDGEMENTS_LOWER_BOUND)), legend=LEGEND + " {{score}}"),),
            no_data="no judged answers",
        ),
        Panel(
            title="Drift by model",
            question="Whose inputs moved furthest from the baseline? Open the quality board for "
            "the feature and its noise floor.",
            unit="none",
            lines=(Line(query=top(largest(of(DRIFT))), legend=LEGEND),),
            no_data="no drift watched",
        ),
    ),
)

BOARD = Board(
    uid="modelwatch-fleet",
    title="Fleet overview",
    question="Which model is hurting users, what does the fleet cost now, and is anything about to "
    "break?",
    role="overview",
    rows=(
        _NOW,
        _MODELS,
        _TRAFFIC,
        _ERRORS,
        _COST_AND_QUALITY,
        Row(title="What cannot be seen", panels=(UNAVAILABLE_SIGNALS,), collapsed=True),
    ),
    annotations=MODEL_EVENTS,
)
