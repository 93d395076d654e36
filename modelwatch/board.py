"""What a board is to us: rows of panels that each answer a question. Layout is computed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from modelwatch.catalogue.inventory import MODEL_INFO
from modelwatch.catalogue.recorded import UNAVAILABLE
from modelwatch.promql import select

PanelType = Literal[
    "timeseries", "stat", "table", "heatmap", "state-timeline", "bargauge", "piechart"
]
Color = Literal["green", "amber", "red", "blue", "purple", "grey", "text"]
"""Same colour, same meaning: red is a breach, amber is near one, grey is a promise or limit."""

UNITS = {
    "bool": ("bool_yes_no",),
    "bytes": ("bytes",),
    "calls/s": ("ops",),
    "cards": ("none",),
    "celsius": ("celsius",),
    "code": ("none",),
    "correlation": ("none",),
    "count": ("none",),
    "days": ("d",),
    "distance": ("none", "percentunit"),
    "errors": ("none",),
    "events": ("none",),
    "events/s": ("eps",),
    "info": ("none", "string"),
    "judgements/s": ("ops",),
    "preemptions/s": ("ops",),
    "queries/s": ("reqps",),
    "ratio": ("percentunit", "suffix:x"),
    "requests": ("none",),
    "requests/s": ("reqps",),
    "samples": ("short",),
    "score": ("none",),
    "seconds": ("s",),
    "series": ("short",),
    "state": ("none",),
    "steps": ("none",),
    "timestamp": ("dateTimeFromNow",),
    "tokens": ("short",),
    "tokens/s": ("count:tok/s",),
    "USD": ("currencyUSD",),
    "USD/hour": ("currencyUSD",),
    "value": (),
    "votes/s": ("eps",),
    "watts": ("watt",),
}
"""The Grafana units in which a base unit of the catalogue is shown; `value` is shown in any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """From `at` on the value has this colour; the first step has `at=None`."""

    color: Color
    at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One query: `legend -> query`. Line breaks of the query are only for the reader.

    `objective` draws it as a dashed grey line: a promise or limit rather than a measurement.
    In a table `column` names the value column, whose unit, steps and states are its own; without a
    name the column is hidden and the line only says which rows there are.
    """

    query: str
    legend: str = ""
    instant: bool = False
    objective: bool = False
    exemplar: bool = False
    unit: str = ""
    column: str = ""
    color: Color | None = None
    steps: tuple[Step, ...] = ()
    states: Mapping[str, tuple[str, Color]] = field(default_factory=dict)

    @property
    def expr(self) -> str:
        """The query on one line."""
        return " ".join(self.query.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A drill-down to another board that keeps time, data source and what is selected.

    `labels` are taken from the series or table row that was clicked.
    """

    title: str
    board: str
    labels: tuple[str, ...] = ("model", "environment")


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel. `question` is what somebody asks and acts on; `unit` a Grafana unit id.

    `width` is in 24ths. `no_data` is shown instead of emptiness. `signals` names the engine signals
    it needs: where the engine of a model exposes none, the legend gives the reason. `states` maps
    values to (text, colour), `colors` names of series to their colour. `columns` are the labels
    that head a table, from left to right.
    """

    title: str
    question: str
    lines: tuple[Line, ...]
    type: PanelType = "timeseries"
    unit: str = ""
    width: int = 8
    height: int | None = None
    steps: tuple[Step, ...] = ()
    states: Mapping[str, tuple[str, Color]] = field(default_factory=dict)
    colors: Mapping[str, Color] = field(default_factory=dict)
    minimum: float | None = None
    maximum: float | None = None
    decimals: int | None = None
    stacked: bool = False
    no_data: str = "no data"
    links: tuple[Link, ...] = ()
    signals: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    sort_by: str = ""
    sort_descending: bool = True
    interval: str = ""

    @property
    def drawn(self) -> tuple[Line, ...]:
        """The lines, and one more for the reasons why a model has none."""
        return (*self.lines, _reasons(self.signals)) if self.signals else self.lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A chapter of the story; collapsed when it is detail, and then asks nothing until opened."""

    title: str
    panels: tuple[Panel, ...]
    collapsed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A drop-down: `label_values(query, label)`, or fixed `choices`.

    With `everything`, `All` is offered: as the pattern `all_value`, or, left empty, as the choices
    themselves, so that a drop-down stays within what the ones before it select.
    """

    name: str
    title: str
    query: str = ""
    choices: tuple[str, ...] = ()
    default: str = ""
    multi: bool = True
    everything: bool = True
    all_value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """Events drawn over every panel."""

    name: str
    query: str
    title: str
    text: str
    color: Color = "blue"

    @property
    def expr(self) -> str:
        """The query on one line."""
        return " ".join(self.query.split())


SELECTED = {"model": "~$model", "environment": "~$environment"}
"""What the drop-downs select, on every series of a model."""

ENVIRONMENT = Variable(
    name="environment",
    title="Environment",
    query=f"label_values({MODEL_INFO}, environment)",
    all_value=".+",
)
TEAM = Variable(
    name="team",
    title="Team",
    query=f"label_values({select(MODEL_INFO, environment='~$environment')}, team)",
    all_value=".+",
)
_MODEL_QUERY = (
    f"label_values({select(MODEL_INFO, environment='~$environment', team='~$team')}, model)"
)
# `All` stands for the models of the chosen teams, so it is spelled out: canonical series carry no
# team label, and the pattern `.+` would show every team's models whatever team is chosen.
MODELS = Variable(name="model", title="Model", query=_MODEL_QUERY)
ONE_MODEL = Variable(name="model", title="Model", query=_MODEL_QUERY, multi=False, everything=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One dashboard. `uid` is `modelwatch-<slug>`; `question` heads its description.

    Every board has the drop-downs data source, environment, team and model, in this order, and
    then its own.
    """

    uid: str
    title: str
    question: str
    role: str
    rows: tuple[Row, ...]
    model: Variable = MODELS
    variables: tuple[Variable, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    since: str = "now-6h"
    refresh: str = "1m"

    @property
    def drop_downs(self) -> tuple[Variable, ...]:
        """Every drop-down after the data source."""
        return (ENVIRONMENT, TEAM, self.model, *self.variables)

    def panels(self) -> Iterator[tuple[Row, Panel]]:
        """Every panel with its row, from top to bottom."""
        for row in self.rows:
            for panel in row.panels:
                yield row, panel


def _reasons(signals: tuple[str, ...]) -> Line:
    """Series without a value, one per model that cannot have one: its name in the legend says why.

    Nothing is drawn for them, so that no estimate or zero passes for a measurement.
    """
    missing = select(UNAVAILABLE, SELECTED, signal=f"~{'|'.join(signals)}")
    return Line(query=f"{missing} * NaN", legend="{{model}}: {{reason}}", color="grey")
