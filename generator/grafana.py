"""Boards as Grafana's classic JSON. The only file that knows grafanalib.

grafanalib gives the frame: dashboard, variables, annotations, panel, grid. What it writes for
Grafana 6 and older is left behind: of each part only the keys that still mean the same are taken,
the rest is written here and in `board_looks`. The result has schema version 39, so that it loads in
Grafana 10.4 and later without a migration that would change it.
"""

import json
from collections.abc import Iterable, Iterator

from grafanalib import core as grafanalib
from grafanalib._gen import DashboardEncoder

from generator import board_looks as looks
from generator import deployments
from generator.board_layout import Place, PlacedRow, layout
from generator.board_looks import Json
from modelwatch.board import Annotation, Board, Line, Panel, Variable
from modelwatch.promql import compressed

SCHEMA_VERSION = 39
TAG = "modelwatch"
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_GRAFANA = {"type": "grafana", "uid": "-- Grafana --"}
_REFRESH_INTERVALS = ["30s", "1m", "5m", "15m", "30m", "1h"]
# A panel without a version is taken for one of Grafana 6 and converted.
_PANEL_VERSION = "11.0.0"


def dashboard(
    board: Board,
    *,
    scrape_interval: str,
    time_compression: int = 1,
    datasource_uid: str = "",
    datasource_regex: str = "",
) -> str:
    """The board as JSON text, the same bytes for the same board.

    Without `datasource_uid` the default data source of the Grafana it is opened in is chosen;
    `datasource_regex` limits the choice. No query asks for steps below `scrape_interval`.
    """
    frame = grafanalib.Dashboard(
        title=board.title,
        uid=board.uid,
        description=board.question,
        tags=[TAG, board.role],
        editable=False,
        schemaVersion=SCHEMA_VERSION,
        graphTooltip=grafanalib.GRAPH_TOOLTIP_MODE_SHARED_CROSSHAIR,
        refresh=board.refresh,
        timezone="browser",
        time=grafanalib.Time(board.since, "now"),
        links=[_of(_dropdown(), "uri") | {"url": ""}],
        templating=grafanalib.Templating(
            list=[
                _source_variable(datasource_uid, datasource_regex),
                *(_variable(variable) for variable in board.drop_downs),
            ]
        ),
        annotations=grafanalib.Annotations(
            list=[
                _BUILT_IN,
                _deployments(board),
                *(_annotation(each, time_compression) for each in board.annotations),
            ]
        ),
    )
    panels = [
        panel
        for row in layout(board)
        for panel in _row(row, scrape_interval=scrape_interval, time_compression=time_compression)
    ]
    content = {
        **_of(frame, *_NOT_OF_A_DASHBOARD),
        "panels": panels,
        "timepicker": {"refresh_intervals": _REFRESH_INTERVALS},
        "fiscalYearStartMonth": 0,
        "weekStart": "",
        "liveNow": False,
        "preload": False,
    }
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


_NOT_OF_A_DASHBOARD = (
    "__inputs",
    "gnetId",
    "hideControls",
    "id",
    "rows",
    "sharedCrosshair",
    "style",
)
_OF_A_PANEL = (
    "datasource",
    "description",
    "gridPos",
    "id",
    "interval",
    "links",
    "targets",
    "title",
    "transformations",
    "transparent",
)
_OF_A_TARGET = ("datasource", "expr", "format", "instant", "interval", "legendFormat", "refId")
_OF_A_VARIABLE = ("hide", "includeAll", "label", "multi", "name", "query", "type")
_BUILT_IN: Json = {
    "builtIn": 1,
    "datasource": _GRAFANA,
    "enable": True,
    "hide": True,
    "iconColor": "rgba(0, 211, 255, 1)",
    "name": "Annotations & Alerts",
    "type": "dashboard",
}


def _of(thing: object, *left_out: str) -> Json:
    """What grafanalib writes for it, as plain data without the keys left out."""
    content: Json = json.loads(json.dumps(thing, cls=DashboardEncoder))
    return {key: value for key, value in content.items() if key not in left_out}


def _only(content: Json, keys: Iterable[str]) -> Json:
    return {key: content[key] for key in keys}


def _dropdown() -> grafanalib.DashboardLink:
    """All our boards, with time and selection kept."""
    return grafanalib.DashboardLink(
        title="Boards",
        type="dashboards",
        tags=[TAG],
        asDropdown=True,
        includeVars=True,
        keepTime=True,
    )


def _source_variable(uid: str, regex: str) -> Json:
    variable = grafanalib.Template(
        name="datasource", label="Data source", type="datasource", query="prometheus"
    )
    return {
        **_only(_of(variable), _OF_A_VARIABLE),
        "regex": regex,
        "refresh": 1,
        "options": [],
        "current": {"text": uid, "value": uid} if uid else {},
        "skipUrlSync": False,
    }


def _variable(variable: Variable) -> Json:
    kind = "custom" if variable.choices else "query"
    query = ", ".join(variable.choices) or variable.query
    frame = grafanalib.Template(
        name=variable.name,
        label=variable.title,
        type=kind,
        query=query,
        multi=variable.multi,
        includeAll=variable.everything,
    )
    content = {**_only(_of(frame), _OF_A_VARIABLE), "skipUrlSync": False}
    content["current"] = _current(variable)
    if variable.all_value:
        content["allValue"] = variable.all_value
    if kind == "custom":
        content["options"] = [
            {"text": choice, "value": choice, "selected": choice == variable.default}
            for choice in variable.choices
        ]
        return content
    return {
        **content,
        "datasource": _SOURCE,
        "definition": query,
        "options": [],
        "refresh": 2,
        "regex": "",
        "sort": 7,
    }


def _current(variable: Variable) -> Json:
    if variable.default:
        return {"text": variable.default, "value": variable.default}
    if not variable.everything:
        return {}
    if variable.multi:
        return {"text": ["All"], "value": ["$__all"]}
    return {"text": "All", "value": "$__all"}


def _deployments(board: Board) -> Json:
    """What `annotate` noted, of the selected model where it is one: tags cannot say "one of"."""
    tags = [*deployments.TAGS]
    if not board.model.multi:
        tags.append(deployments.of_model("$model"))
    return {
        "name": "Deployments",
        "datasource": _GRAFANA,
        "enable": True,
        "hide": False,
        "iconColor": looks.color("purple"),
        "target": {"type": "tags", "tags": tags, "matchAny": False, "limit": 100},
    }


def _annotation(annotation: Annotation, time_compression: int) -> Json:
    return {
        "name": annotation.name,
        "datasource": _SOURCE,
        "enable": True,
        "hide": False,
        "iconColor": looks.color(annotation.color),
        "expr": compressed(annotation.expr, time_compression),
        "step": "60s",
        "titleFormat": annotation.title,
        "textFormat": annotation.text,
        "tagKeys": "model,environment",
        "useValueForTime": False,
    }


def _row(placed: PlacedRow, *, scrape_interval: str, time_compression: int) -> Iterator[Json]:
    """The header and its panels: after it when open, inside it when collapsed."""
    panels = [
        _panel(panel, place, scrape_interval, time_compression) for panel, place in placed.panels
    ]
    collapsed = placed.row.collapsed
    yield {
        "type": "row",
        "id": placed.place.id,
        "title": placed.row.title,
        "collapsed": collapsed,
        "gridPos": _of(_grid(placed.place)),
        "panels": panels if collapsed else [],
    }
    if not collapsed:
        yield from panels


def _grid(place: Place) -> grafanalib.GridPos:
    return grafanalib.GridPos(h=place.height, w=place.width, x=place.x, y=place.y)


def _panel(panel: Panel, place: Place, scrape_interval: str, time_compression: int) -> Json:
    frame = grafanalib.Panel(
        title=panel.title,
        description=panel.question,
        dataSource=_SOURCE,
        gridPos=_grid(place),
        id=place.id,
        interval=panel.interval or scrape_interval,
        targets=[
            _target(panel, line, looks.reference(index), time_compression)
            for index, line in enumerate(panel.drawn)
        ],
        transformations=looks.transformations(panel),
    )
    return {
        **_only(_of(frame.panel_json({})), _OF_A_PANEL),
        "type": panel.type,
        "pluginVersion": _PANEL_VERSION,
        "options": looks.options(panel),
        "fieldConfig": looks.field_config(panel),
    }


def _target(panel: Panel, line: Line, reference: str, time_compression: int) -> Json:
    instant = looks.is_instant(panel, line)
    frame = grafanalib.Target(
        expr=compressed(line.expr, time_compression),
        refId=reference,
        legendFormat=line.legend or "__auto",
        format=panel.type if panel.type in ("table", "heatmap") else "time_series",
        instant=instant,
        datasource=_SOURCE,
    )
    return {
        **_only(_of(frame), (key for key in _OF_A_TARGET if key != "interval")),
        "range": not instant,
        "exemplar": line.exemplar,
        "editorMode": "code",
    }
