"""What a board is to us: rows of panels that each answer a question. Layout is computed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

PanelType = Literal[
    "timeseries",
    "stat",
    "table",
    "heatmap",
    "state-timeline",
    "bargauge",
    "piechart",
    "text",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One query: `legend -> query`. `column` names the value column of a table.

    `objective` draws it as a dashed grey line: a promise or limit rather than a measurement.
    """

    query: str
    legend: str = ""
    instant: bool = False
    objective: bool = False
    exemplar: bool = False
    unit: str = ""
    column: str = ""
    color: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """From `at` on the value has this colour; the first step has `at=None`."""

    color: Literal["green", "amber", "red", "blue", "text"]
    at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A drill-down that keeps time, data source, model and environment."""

    title: str
    board: str
    label: str = "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel. `question` is what somebody asks and acts on; `unit` a Grafana unit id.

    `width` is in 24ths. `no_data` is shown instead of emptiness. `signals` names the engine signals
    it needs: where a model's engine exposes none, the board says so. `states` maps values to
    (text, colour).
    """

    title: str
    question: str
    type: PanelType = "timeseries"
    unit: str = ""
    lines: tuple[Line, ...] = ()
    width: int = 8
    height: int | None = None
    steps: tuple[Step, ...] = ()
    states: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    minimum: float | None = None
    maximum: float | None = None
    decimals: int | None = None
    stacked: bool = False
    bars: bool = False
    no_data: str = "no data"
    text: str = ""
    links: tuple[Link, ...] = ()
    signals: tuple[str, ...] = ()
    sort_by: str = ""
    sort_descending: bool = True
    hidden_columns: tuple[str, ...] = ()
    interval: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A chapter of the story; collapsed when it is detail."""

    title: str
    panels: tuple[Panel, ...]
    collapsed: bool = False
    repeat: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A drop-down: `label_values(metric, label)`, or fixed `choices`."""

    name: str
    title: str
    query: str = ""
    choices: tuple[str, ...] = ()
    multi: bool = True
    everything: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """Events drawn over every panel."""

    name: str
    query: str
    title: str
    text: str
    color: str = "blue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One dashboard. `uid` is `modelwatch-<slug>`; `question` heads its description."""

    uid: str
    title: str
    question: str
    role: str
    rows: tuple[Row, ...]
    variables: tuple[Variable, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    since: str = "now-6h"
    refresh: str = "1m"
