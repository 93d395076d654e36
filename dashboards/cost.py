"""Cost and tokens: who spends what, will the budgets last, and what makes it dearer?"""

from dashboards.shared import (
    LEGEND,
    MODEL_EVENTS,
    OWNED,
    TO_MODEL,
    TOKEN_COLORS,
    limit,
    of,
    top,
    with_team,
)
from modelwatch.board import Annotation, Board, Line, Panel, Row, Step, Variable
from modelwatch.catalogue.inventory import (
    BUDGET,
    BUDGET_INFO,
    MODEL_FEATURE,
    MODEL_HARDWARE_COST,
)
from modelwatch.catalogue.metric import Metric
from modelwatch.catalogue.recorded import (
    BUDGET_BURN,
    BUDGET_FORECAST_RATIO,
    BUDGET_SPENT,
    BUDGET_SPENT_RATIO,
    CACHE_HIT,
    COST_1D,
    COST_1H,
    COST_MONTH_TO_DATE,
    COST_PER_1K_TOKENS,
    POOL_IDLE_COST,
    REQUESTS_1H,
    TOKENS,
    TOKENS_PER_REQUEST,
    UNPRICED_TOKENS,
    WEEK_BEFORE,
)
from modelwatch.catalogue.seasonal import BASELINE, BASELINE_NOW
from modelwatch.catalogue.stack import ALERTS
from modelwatch.promql import largest, on, ratio, seconds, select, total

# A budget of a team or feature may cover every environment and then carries none.
_BUDGET = {"budget": "~$budget", "environment": "~$environment|"}
_KEY = ("budget", "environment")
_SPENT = (Step(color="green"), Step(color="amber", at=0.8), Step(color="red", at=1))
_FORECAST = (Step(color="green"), Step(color="amber", at=1))
_BUDGET_LEGEND = "{{budget}} / {{environment}}"
_HOURLY = f"{of(COST_1H)} * 3600"
_FEATURES = f"{of(MODEL_FEATURE)} * {on()} group_left () {of(COST_1H)}"
_CHANGE = f"{ratio(of(COST_1D), f'{of(COST_1D)} offset 1w')} - 1"


def _of_budget(metric: Metric) -> str:
    return largest(select(metric, _BUDGET), by=_KEY)


_NOW = Row(
    title="What is spent",
    panels=(
        Panel(
            title="Spend per hour",
            question="What do the selected models cost at the rate of the last hour?",
            type="stat",
            unit="currencyUSD",
            width=4,
            lines=(Line(query=f"sum({of(COST_1H)}) * 3600"),),
            no_data="nothing priced",
        ),
        Panel(
            title="Spend, last day",
            question="What did the last day cost? Compare with what was planned for it.",
            type="stat",
            unit="currencyUSD",
            width=4,
            lines=(Line(query=f"sum({of(COST_1D)}) * {seconds('1d')}"),),
            no_data="nothing priced",
        ),
        Panel(
            title="Spend, month to date",
            question="What will be on this month's bill so far (UTC)?",
            type="stat",
            unit="currencyUSD",
            width=4,
            lines=(Line(query=f"sum({of(COST_MONTH_TO_DATE, team='~$team')})"),),
            no_data="nothing priced",
        ),
        Panel(
            title="Highest use of a budget",
            question="Is a budget spent? Then agree on more money or on less traffic.",
            type="stat",
            unit="percentunit",
            width=4,
            steps=_SPENT,
            lines=(Line(query=f"max({select(BUDGET_SPENT_RATIO, _BUDGET)})"),),
            no_data="no budgets",
        ),
        Panel(
            title="Highest forecast",
            question="Will a budget be overspent when its period ends, at today's rate?",
            type="stat",
            unit="percentunit",
            width=4,
            steps=_FORECAST,
            lines=(Line(query=f"max({select(BUDGET_FORECAST_RATIO, _BUDGET)})"),),
            no_data="no budgets",
        ),
        Panel(
            title="Unpriced tokens",
            question="Are tokens used that nobody priced? Then every sum here is too low: add the "
            "price to the inventory.",
            type="stat",
            unit="count:tok/s",
            width=4,
            steps=(Step(color="green"), Step(color="amber", at=0.001)),
            lines=(Line(query=f"sum({of(UNPRICED_TOKENS)})"),),
            no_data="no unpriced tokens",
        ),
    ),
)

_BUDGETS = Row(
    title="Will the budgets last",
    panels=(
        Panel(
            title="Budgets",
            question="Which budget runs out first, and who owns it?",
            type="table",
            width=24,
            height=7,
            columns=("budget", "environment", "scope", "subject", "team"),
            sort_by="Forecast",
            lines=(
                Line(
                    query="max by (budget, environment, scope, subject, team) "
                    f"({select(BUDGET_INFO, _BUDGET, team='~$team')})"
                ),
                Line(query=_of_budget(BUDGET), column="Budget", unit="currencyUSD"),
                Line(query=_of_budget(BUDGET_SPENT), column="Spent", unit="currencyUSD"),
                Line(
                    query=_of_budget(BUDGET_SPENT_RATIO),
                    column="Share spent",
                    unit="percentunit",
                    steps=_SPENT,
                ),
                Line(
                    query=_of_budget(BUDGET_FORECAST_RATIO),
                    column="Forecast",
                    unit="percentunit",
                    steps=_FORECAST,
                ),
                Line(
                    query=_of_budget(BUDGET_BURN["1h"]),
                    column="Last hour against plan",
                    unit="suffix:x",
                ),
            ),
            no_data="no budgets",
        ),
        Panel(
            title="Share of budgets spent",
            question="Which budgets are close to their end?",
            type="bargauge",
            unit="percentunit",
            minimum=0,
            maximum=1.2,
            steps=_SPENT,
            lines=(Line(query=select(BUDGET_SPENT_RATIO, _BUDGET), legend=_BUDGET_LEGEND),),
            no_data="no budgets",
        ),
        Panel(
            title="Spent of each budget",
            question="Does the spend of the period reach its budget, and since when does it rise "
            "faster?",
            unit="currencyUSD",
            width=16,
            lines=(
                Line(query=select(BUDGET_SPENT, _BUDGET), legend=f"spent {_BUDGET_LEGEND}"),
                Line(
                    query=select(BUDGET, _BUDGET),
                    legend=f"budget {{{{limit}}}} ({_BUDGET_LEGEND})",
                    objective=True,
                ),
            ),
            no_data="no budgets",
        ),
    ),
)

_WHO = Row(
    title="Who spends it",
    panels=(
        Panel(
            title="Spend per hour by team",
            question="Which team's spend rises? Talk to it before the month ends.",
            unit="currencyUSD",
            stacked=True,
            lines=(Line(query=f"{with_team(of(COST_1H))} * 3600", legend="{{team}}"),),
            no_data="nothing priced",
        ),
        Panel(
            title="Spend per hour by feature",
            question="Which product feature is worth its money? Shares are as declared in the "
            "inventory; models without features are missing here.",
            unit="currencyUSD",
            stacked=True,
            lines=(Line(query=f"sum by (feature) ({_FEATURES}) * 3600", legend="{{feature}}"),),
            no_data="no features declared",
        ),
        Panel(
            title="Spend of the last day by team",
            question="How is the bill shared among teams?",
            type="piechart",
            unit="currencyUSD",
            lines=(Line(query=f"{with_team(of(COST_1D))} * {seconds('1d')}", legend="{{team}}"),),
            no_data="nothing priced",
        ),
        Panel(
            title="Spend by model",
            question="Which model is the money spent on, and what changed since last week?",
            type="table",
            width=24,
            height=9,
            columns=("model", "environment", "team"),
            sort_by="Last day",
            links=(TO_MODEL,),
            lines=(
                Line(query=f"max by (model, environment, team) ({OWNED})"),
                Line(
                    query=f"{total(of(COST_1D))} * {seconds('1d')}",
                    column="Last day",
                    unit="currencyUSD",
                ),
                Line(query=total(_CHANGE), column="Against last week", unit="percentunit"),
                Line(
                    query=total(of(COST_MONTH_TO_DATE)),
                    column="Month to date",
                    unit="currencyUSD",
                ),
                Line(
                    query=largest(of(COST_PER_1K_TOKENS)),
                    column="Per 1000 tokens",
                    unit="currencyUSD",
                ),
                Line(query=total(of(REQUESTS_1H)), column="Requests", unit="reqps"),
                Line(query=total(of(TOKENS)), column="Tokens", unit="count:tok/s"),
            ),
            no_data="nothing priced",
        ),
    ),
)

_WHY = Row(
    title="Why it is so much",
    panels=(
        Panel(
            title="Tokens by kind",
            question="Do prompts, answers or reasoning drive the bill? Cached input is the cheap "
            "kind.",
            unit="count:tok/s",
            stacked=True,
            colors=TOKEN_COLORS,
            lines=(Line(query=total(of(TOKENS), by=("kind",)), legend="{{kind}}"),),
            no_data="no tokens counted",
        ),
        Panel(
            title="Tokens per request",
            question="Whose requests became longer? Look for a grown prompt or a looping agent.",
            unit="short",
            lines=(Line(query=top(of(TOKENS_PER_REQUEST)), legend=LEGEND),),
            links=(TO_MODEL,),
            no_data="no tokens counted",
        ),
        Panel(
            title="Cached share of input",
            question="Did a changed prompt template spoil the cache? Its share drops at once.",
            unit="percentunit",
            lines=(Line(query=top(of(CACHE_HIT)), legend=LEGEND),),
            links=(TO_MODEL,),
            no_data="no engine here reports cached tokens",
        ),
        Panel(
            title="Spend per 1000 tokens",
            question="Did the same work become dearer than a week ago (violet)?",
            unit="currencyUSD",
            width=12,
            lines=(
                Line(query=top(of(COST_PER_1K_TOKENS)), legend=LEGEND),
                Line(
                    query=of(WEEK_BEFORE, signal="cost_per_1k_tokens"),
                    legend=f"a week before ({LEGEND})",
                    color="purple",
                ),
            ),
            links=(TO_MODEL,),
            no_data="nothing priced",
        ),
        Panel(
            title="Spend against the usual",
            question="Is this hour dearer than the same hour of the weeks before? Above the limit "
            "somebody is told.",
            unit="suffix:x",
            width=12,
            lines=(
                Line(
                    query=ratio(of(BASELINE_NOW, signal="cost"), of(BASELINE, signal="cost")),
                    legend=LEGEND,
                ),
                limit("cost_spike"),
            ),
            links=(TO_MODEL,),
            no_data="less than a week of history",
        ),
    ),
)

_HARDWARE = Row(
    title="Own hardware",
    collapsed=True,
    panels=(
        Panel(
            title="Hardware cost by model",
            question="What are the cards worth that each model is given, used or not?",
            unit="currencyUSD",
            width=12,
            lines=(Line(query=of(MODEL_HARDWARE_COST), legend=f"{LEGEND} {{{{pool}}}}"),),
            links=(TO_MODEL,),
            no_data="no pool with a price",
        ),
        Panel(
            title="Cost of idle cards",
            question="How much is paid per hour for cards that do nothing? Give them back.",
            unit="currencyUSD",
            width=12,
            lines=(
                Line(
                    query=f"{select(POOL_IDLE_COST, environment='~$environment')} * 3600",
                    legend="{{pool}} / {{environment}}",
                ),
            ),
            no_data="no pool with a price",
        ),
        Panel(
            title="Unpriced tokens by model",
            question="Which model's tokens have no price? Add it to the inventory.",
            unit="count:tok/s",
            width=24,
            lines=(Line(query=f"{of(UNPRICED_TOKENS)} > 0", legend=LEGEND),),
            links=(TO_MODEL,),
            no_data="no unpriced tokens",
        ),
    ),
)

BOARD = Board(
    uid="modelwatch-cost",
    title="Cost and tokens",
    question="Who spends what on AI, will the budgets last, and what makes it dearer?",
    role="cost",
    variables=(
        Variable(
            name="budget",
            title="Budget",
            query="label_values("
            + select(BUDGET_INFO, environment="~$environment|", team="~$team")
            + ", budget)",
        ),
    ),
    rows=(_NOW, _BUDGETS, _WHO, _WHY, _HARDWARE),
    annotations=(
        *MODEL_EVENTS,
        Annotation(
            name="Budget alerts",
            query=select(
                ALERTS,
                _BUDGET,
                alertstate="firing",
                modelwatch="true",
                severity="~page|ticket",
            ),
            title="{{alertname}}: {{budget}}",
            text="{{severity}} for {{team}}.",
            color="amber",
        ),
    ),
    since="now-7d",
    refresh="5m",
)
