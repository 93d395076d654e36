"""Alerts and stack health: what fires, what cannot be seen, and does the watcher itself work?"""

from dashboards.shared import (
    BREACH_ABOVE_ZERO,
    NEAR_ABOVE_ZERO,
    OWNED,
    SEVERITY_COLORS,
    TO_MODEL,
    UNAVAILABLE_SIGNALS,
    VERSION_CHANGES,
    top,
)
from modelwatch.board import Board, Color, Line, Panel, Row, Step
from modelwatch.catalogue.exporters import (
    EXPORTER_OVERFLOW_TOTAL,
    EXPORTER_REJECTED_TOTAL,
    EXPORTER_UP,
)
from modelwatch.catalogue.inventory import SERIES_PREDICTED
from modelwatch.catalogue.recorded import ENGINE_UNDECLARED, REQUESTS
from modelwatch.catalogue.stack import (
    ALERTMANAGER_RELOADED,
    ALERTS,
    CONFIG_RELOADED,
    HEAD_SERIES,
    NOTIFICATIONS_DROPPED,
    NOTIFICATIONS_FAILED,
    RECORDED_SERIES,
    RULE_DURATION,
    RULE_FAILURES,
    RULE_INTERVAL,
    RULE_MISSED,
    SCRAPE_DURATION,
    SCRAPE_SAMPLES,
    UP,
    WAL_CORRUPTIONS,
)
from modelwatch.promql import on, select

# Alerts about the stack itself carry no environment.
_OURS = {"modelwatch": "true", "environment": "~$environment|", "team": "~$team"}
_FIRING = select(ALERTS, _OURS, alertstate="firing", severity="~page|ticket")
_WATCHED = f"0 * count({OWNED})"
_YES_NO: dict[str, tuple[str, Color]] = {"0": ("no", "red"), "1": ("yes", "green")}
_WINDOW = "$__rate_interval"


def _events(counter: object) -> str:
    return f"increase({counter}[{_WINDOW}])"


_ALERTS = Row(
    title="What fires",
    panels=(
        Panel(
            title="Pages",
            question="Is somebody being paged for these teams now?",
            type="stat",
            unit="none",
            width=4,
            steps=BREACH_ABOVE_ZERO,
            lines=(
                Line(
                    query="count("
                    + select(ALERTS, _OURS, alertstate="firing", severity="page")
                    + f") or {_WATCHED}"
                ),
            ),
            no_data="no inventory loaded",
        ),
        Panel(
            title="Tickets",
            question="How many alerts wait for working hours?",
            type="stat",
            unit="none",
            width=4,
            steps=NEAR_ABOVE_ZERO,
            lines=(
                Line(
                    query="count("
                    + select(ALERTS, _OURS, alertstate="firing", severity="ticket")
                    + f") or {_WATCHED}"
                ),
            ),
            no_data="no inventory loaded",
        ),
        Panel(
            title="About to fire",
            question="Which trouble is coming? Pending alerts fire when they last.",
            type="stat",
            unit="none",
            width=4,
            lines=(
                Line(query=f"count({select(ALERTS, _OURS, alertstate='pending')}) or {_WATCHED}"),
            ),
            no_data="no inventory loaded",
        ),
        Panel(
            title="Targets down",
            question="Which share of the eyes is shut? Alerts on a target that is down are blind.",
            type="stat",
            unit="none",
            width=4,
            steps=BREACH_ABOVE_ZERO,
            lines=(Line(query=f"sum({UP} == bool 0)"),),
            no_data="nothing is scraped",
        ),
        Panel(
            title="Newest rules loaded",
            question="Did the last reload work? If not, changes of the inventory have no effect.",
            type="stat",
            unit="bool_yes_no",
            width=4,
            states=_YES_NO,
            lines=(Line(query=f"min({CONFIG_RELOADED})"),),
            no_data="Prometheus is not scraped",
        ),
        Panel(
            title="Newest routes loaded",
            question="Did the last reload work? If not, new teams are not told.",
            type="stat",
            unit="bool_yes_no",
            width=4,
            states=_YES_NO,
            lines=(Line(query=f"min({ALERTMANAGER_RELOADED})"),),
            no_data="Alertmanager is not scraped",
        ),
        Panel(
            title="Alerts now",
            question="What is open, for whom, and about which model? Open the model by its name.",
            type="table",
            unit="string",
            width=16,
            columns=("severity", "alertname", "model", "environment", "team", "pool", "budget"),
            sort_by="severity",
            sort_descending=False,
            links=(TO_MODEL,),
            lines=(
                Line(
                    query="max by (severity, alertname, model, environment, team, pool, budget) "
                    f"({_FIRING})"
                ),
            ),
            no_data="nothing fires",
        ),
        Panel(
            title="Alerts over time",
            question="Since when does it burn, and is it one alert or an avalanche?",
            unit="none",
            stacked=True,
            colors=SEVERITY_COLORS,
            lines=(
                Line(
                    query="count by (severity) ("
                    + select(ALERTS, _OURS, alertstate="firing", severity="~page|ticket|dashboard")
                    + ")",
                    legend="{{severity}}",
                ),
            ),
            no_data="nothing fired",
        ),
    ),
)

_COVERAGE = Row(
    title="What is not watched",
    panels=(
        Panel(
            title="Models without requests",
            question="Which declared model sends nothing? Check its job, target and the name that "
            "its engine uses.",
            type="table",
            unit="string",
            width=12,
            columns=("model", "environment", "team", "owner"),
            sort_by="model",
            sort_descending=False,
            links=(TO_MODEL,),
            lines=(
                Line(
                    query=f"max by (model, environment, team, owner) "
                    f"({OWNED} unless {on()} {REQUESTS})"
                ),
            ),
            no_data="every declared model sends requests",
        ),
        Panel(
            title="Traffic of undeclared models",
            question="Who uses a model that nobody declared? Add it to the inventory or switch it "
            "off.",
            type="table",
            width=12,
            columns=("job", "engine", "engine_model"),
            sort_by="Requests",
            lines=(
                Line(
                    query=f"sum by (job, engine, engine_model) ({ENGINE_UNDECLARED}) > 0",
                    column="Requests",
                    unit="reqps",
                ),
            ),
            no_data="no undeclared traffic",
        ),
        UNAVAILABLE_SIGNALS,
    ),
)

_TARGETS = Row(
    title="Are the sources read",
    panels=(
        Panel(
            title="Targets that answer",
            question="Which job lost targets, and when?",
            unit="percentunit",
            width=12,
            maximum=1,
            lines=(Line(query=f"avg by (job) ({UP})", legend="{{job}}"),),
            no_data="nothing is scraped",
        ),
        Panel(
            title="Scrape time",
            question="Which exporter is slow to answer? Near the scrape interval samples are lost.",
            unit="s",
            width=12,
            lines=(Line(query=top(f"max by (job) ({SCRAPE_DURATION})"), legend="{{job}}"),),
            no_data="nothing is scraped",
        ),
        Panel(
            title="Samples per scrape",
            question="Which job's pages grow? Look there for a label that takes too many values.",
            unit="short",
            width=12,
            lines=(Line(query=top(f"sum by (job) ({SCRAPE_SAMPLES})"), legend="{{job}}"),),
            no_data="nothing is scraped",
        ),
        Panel(
            title="Sources of our exporters",
            question="Which source does an exporter of ours no longer read? Its figures are gone "
            "from the boards.",
            unit="bool_yes_no",
            width=12,
            maximum=1,
            lines=(
                Line(
                    query=f"min by (exporter, collector) ({EXPORTER_UP})",
                    legend="{{exporter}}: {{collector}}",
                ),
            ),
            no_data="no exporter of ours is scraped",
        ),
        Panel(
            title="Refused by our exporters",
            question="Which data does not get in, and why? What a refused request carried is lost.",
            unit="none",
            width=12,
            lines=(
                Line(
                    query=f"sum by (exporter, reason) ({_events(EXPORTER_REJECTED_TOTAL)})",
                    legend="{{exporter}}: {{reason}}",
                ),
            ),
            no_data="no exporter of ours takes requests",
        ),
        Panel(
            title="Counted as other",
            question="Which label takes too many values? Look at what its sender puts into it.",
            unit="none",
            width=12,
            lines=(
                Line(
                    query=f"sum by (exporter, label) ({_events(EXPORTER_OVERFLOW_TOTAL)})",
                    legend="{{exporter}}: {{label}}",
                ),
            ),
            no_data="no exporter of ours takes labels from outside",
        ),
    ),
)

_RULES = Row(
    title="Are the rules evaluated",
    panels=(
        Panel(
            title="Evaluation time against the interval",
            question="Which rule group needs most of its interval? At 100 % rounds are missed and "
            "alerts come late.",
            unit="percentunit",
            lines=(
                Line(
                    query=top(
                        "max by (group) (label_replace("
                        f"{RULE_DURATION} / {on('job', 'instance', 'rule_group')} {RULE_INTERVAL}"
                        ', "group", "$1", "rule_group", ".*;(.*)"))'
                    ),
                    legend="{{group}}",
                ),
            ),
            steps=(Step(color="text"), Step(color="red", at=1)),
            no_data="Prometheus is not scraped",
        ),
        Panel(
            title="Failed and missed evaluations",
            question="Do rules fail or fall behind? Their alerts are blind until this is zero.",
            unit="none",
            lines=(
                Line(query=f"sum({_events(RULE_FAILURES)})", legend="failed", color="red"),
                Line(query=f"sum({_events(RULE_MISSED)})", legend="missed", color="amber"),
                Line(
                    query=f"sum({_events(WAL_CORRUPTIONS)})", legend="damaged log", color="purple"
                ),
            ),
            no_data="Prometheus is not scraped",
        ),
        Panel(
            title="Series",
            question="Do series stay below what the inventory was predicted to need (grey)?",
            unit="short",
            lines=(
                Line(query=f"sum({HEAD_SERIES})", legend="in memory"),
                Line(query=f"sum({RECORDED_SERIES})", legend="recorded by our rules"),
                Line(
                    query=f"max({select(SERIES_PREDICTED, part='total')})",
                    legend="predicted",
                    objective=True,
                ),
            ),
            no_data="Prometheus is not scraped",
        ),
    ),
)

_DELIVERY = Row(
    title="Are people told",
    panels=(
        Panel(
            title="Alerts that never reached an Alertmanager",
            question="Are alerts lost on their way? Check the address of the Alertmanager.",
            unit="none",
            width=12,
            lines=(
                Line(
                    query=f"sum by (instance) ({_events(NOTIFICATIONS_DROPPED)})",
                    legend="{{instance}}",
                    color="red",
                ),
            ),
            no_data="Prometheus is not scraped",
        ),
        Panel(
            title="Refused notifications",
            question="Which receiver refuses messages? Check its address and secret.",
            unit="none",
            width=12,
            lines=(
                Line(
                    query=f"sum by (integration) ({_events(NOTIFICATIONS_FAILED)})",
                    legend="{{integration}}",
                ),
            ),
            no_data="Alertmanager is not scraped",
        ),
    ),
)

BOARD = Board(
    uid="modelwatch-stack",
    title="Alerts and stack health",
    question="What fires, what cannot be seen, and does the watcher itself work?",
    role="stack",
    rows=(_ALERTS, _COVERAGE, _TARGETS, _RULES, _DELIVERY),
    annotations=(VERSION_CHANGES,),
)
