"""What several boards say the same way: selections, limits, colours, links and events."""

from collections.abc import Mapping

from modelwatch.board import SELECTED, Annotation, Color, Line, Link, Panel, Step
from modelwatch.catalogue.inventory import MODEL_INFO
from modelwatch.catalogue.metric import MODEL, Metric
from modelwatch.catalogue.recorded import LIMIT, UNAVAILABLE
from modelwatch.catalogue.seasonal import BASELINE
from modelwatch.catalogue.stack import ALERTS
from modelwatch.promql import largest, on, select

ANY_TEAM = {"environment": "~$environment", "team": "~$team"}
LEGEND = "{{model}} / {{environment}}"
GREY = (Step(color="text"),)
BREACH_ABOVE_ZERO = (Step(color="green"), Step(color="red", at=1))
NEAR_ABOVE_ZERO = (Step(color="green"), Step(color="amber", at=1))
BUDGET_LEFT = (Step(color="red"), Step(color="amber", at=0), Step(color="green", at=0.25))
"""Of an error budget: below zero the promise is broken, below a quarter it is close."""
HEALTH_STATES: Mapping[str, tuple[str, Color]] = {
    "0": ("fine", "green"),
    "1": ("ticket open", "amber"),
    "2": ("paging", "red"),
    "3": ("no data", "purple"),
}
OUTCOME_COLORS: Mapping[str, Color] = {
    "success": "green",
    "client_error": "grey",
    "server_error": "red",
    "rate_limited": "amber",
    "timeout": "purple",
    "cancelled": "blue",
}
TOKEN_COLORS: Mapping[str, Color] = {
    "input": "blue",
    "cached_input": "green",
    "output": "amber",
    "reasoning": "purple",
}
SEVERITY_COLORS: Mapping[str, Color] = {"page": "red", "ticket": "amber", "dashboard": "blue"}
TO_MODEL = Link(title="Open this model", board="modelwatch-model")
TO_DRIFT = Link(title="Open its drift", board="modelwatch-drift")
OWNED = select(MODEL_INFO, SELECTED, team="~$team")


def of(metric: Metric, **labels: str) -> str:
    """The series of the selected models."""
    return select(metric, SELECTED, **labels)


def with_team(expr: str) -> str:
    """A sum per team of a model's series, which itself carries no team."""
    return f"sum by (team) ({expr} * {on()} group_left (team) {OWNED})"


def top(expr: str, count: int = 10) -> str:
    """The largest series at each moment: a chart of more is no longer read."""
    return f"topk({count}, {expr})"


def limit(signal: str, *, by: tuple[str, ...] = (), **labels: str) -> Line:
    """The limit of a signal as the alerts use it, with its text as it was written."""
    rows = of(LIMIT, signal=signal, **labels)
    extra = "".join(f" {{{{{label}}}}}" for label in by)
    return Line(
        query=largest(rows, by=(*MODEL, *by, "limit")),
        legend=f"limit {{{{limit}}}}{extra} ({LEGEND})",
        objective=True,
    )


def usual(signal: str) -> Line:
    """What the signal was at this hour of the weeks before."""
    return Line(
        query=of(BASELINE, signal=signal), legend=f"usual at this hour ({LEGEND})", color="purple"
    )


VERSION_CHANGES = Annotation(
    name="Version changes",
    query=f"""
        {OWNED}
          unless {on(*MODEL, "version")} {OWNED} offset 5m
          and {on()} {OWNED} offset 5m
    """,
    title="{{model}} is now version {{version}}",
    text="Declared version changed in {{environment}}.",
)
MODEL_ALERTS = Annotation(
    name="Firing alerts",
    query=select(ALERTS, SELECTED, alertstate="firing", modelwatch="true", severity="~page|ticket"),
    title="{{alertname}}: {{model}}",
    text="{{severity}} for {{team}} in {{environment}}.",
    color="red",
)
MODEL_EVENTS = (VERSION_CHANGES, MODEL_ALERTS)

UNAVAILABLE_SIGNALS = Panel(
    title="Unavailable signals",
    question="Which panels and alerts must stay empty because no engine of the model exposes the "
    "signal? Add a source that does, or stop waiting for them.",
    type="table",
    unit="string",
    width=24,
    lines=(Line(query=f"max by (model, environment, signal, reason) ({of(UNAVAILABLE)})"),),
    columns=("model", "environment", "signal", "reason"),
    sort_by="model",
    sort_descending=False,
    no_data="every signal is exposed",
    links=(TO_MODEL,),
)
