"""Look and feel of every panel type, in one place: a definition names only what is special."""

from collections.abc import Iterator, Mapping
from typing import Any

from generator.board_layout import COLUMNS
from modelwatch.board import Color, Line, Link, Panel, Step

Json = dict[str, Any]

_COLORS: Mapping[Color, str] = {
    "green": "green",
    "amber": "orange",
    "red": "red",
    "blue": "blue",
    "purple": "purple",
    "grey": "#8e8e8e",
    "text": "text",
}
_INSTANT = ("table", "bargauge", "piechart")
_VALUES: Json = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_TOOLTIP: Json = {"mode": "multi", "sort": "desc"}


_HEATMAP: Json = {
    "calculate": False,
    "rowsFrame": {"layout": "auto"},
    "color": {
        "mode": "scheme",
        "scheme": "Blues",
        "scale": "exponential",
        "exponent": 0.5,
        "steps": 64,
        "reverse": False,
        "fill": "dark-blue",
    },
    "cellGap": 1,
    "filterValues": {"le": 1e-9},
    "tooltip": {"mode": "single", "yHistogram": True, "showColorScale": True},
    "legend": {"show": True},
    "showValue": "never",
    "exemplars": {"color": "purple"},
}
_OPTIONS: Mapping[str, Json] = {
    "state-timeline": {
        "mergeValues": True,
        "showValue": "auto",
        "alignValue": "left",
        "rowHeight": 0.9,
        "perPage": 20,
        "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
        "tooltip": _TOOLTIP,
    },
    "bargauge": {
        "reduceOptions": _VALUES,
        "orientation": "horizontal",
        "displayMode": "basic",
        "valueMode": "color",
        "showUnfilled": True,
        "namePlacement": "auto",
        "sizing": "auto",
        "minVizWidth": 8,
        "minVizHeight": 16,
        "maxVizHeight": 300,
    },
    "piechart": {
        "reduceOptions": _VALUES,
        "pieType": "donut",
        "displayLabels": [],
        "legend": {
            "showLegend": True,
            "displayMode": "table",
            "placement": "right",
            "calcs": [],
            "values": ["value", "percent"],
        },
        "tooltip": {"mode": "single", "sort": "none"},
    },
}


def color(name: Color) -> str:
    """What Grafana calls our colour."""
    return _COLORS[name]


def is_instant(panel: Panel, line: Line) -> bool:
    """Whether only the newest value is asked for."""
    return line.instant or panel.type in _INSTANT


def reference(index: int) -> str:
    """The letter under which a panel's query is known."""
    return chr(ord("A") + index)


def data_link(link: Link, *, table: bool) -> Json:
    """A link to another board that keeps data source, team, time and what was clicked."""
    clicked = "__data.fields" if table else "__field.labels"
    kept = ("datasource", "team", *(() if "environment" in link.labels else ("environment",)))
    query = [f"${{{name}:queryparam}}" for name in kept]
    query += [f"var-{label}=${{{clicked}.{label}}}" for label in link.labels]
    return {
        "title": link.title,
        "url": f"/d/{link.board}?{'&'.join(query)}&${{__url_time_range}}",
        "targetBlank": False,
    }


def options(panel: Panel) -> Json:
    """The `options` of the panel's type."""
    if panel.type == "timeseries":
        return {"legend": _legend(panel), "tooltip": _TOOLTIP}
    if panel.type == "stat":
        return _stat(panel)
    if panel.type == "table":
        return _table(panel)
    if panel.type == "heatmap":
        return {**_HEATMAP, "yAxis": {"unit": panel.unit, "axisPlacement": "left"}}
    return _OPTIONS[panel.type]


def field_config(panel: Panel) -> Json:
    """Unit, limits, colours and what single lines change of them."""
    defaults: Json = {
        "unit": panel.unit or "none",
        "noValue": panel.no_data,
        "color": _color_mode(panel),
        "thresholds": thresholds(panel.steps),
        "mappings": mappings(panel.states),
        "custom": _custom(panel),
    }
    for key, value in (
        ("min", panel.minimum),
        ("max", panel.maximum),
        ("decimals", panel.decimals),
    ):
        if value is not None:
            defaults[key] = value
    if panel.links and panel.type != "table":
        defaults["links"] = [data_link(link, table=False) for link in panel.links]
    return {"defaults": defaults, "overrides": list(_overrides(panel))}


def transformations(panel: Panel) -> list[Json]:
    """Tables: one row per label set, labels first, then the named columns in order."""
    if panel.type != "table":
        return []
    single = len(panel.lines) == 1
    values = ["Value" if single else f"Value #{reference(i)}" for i in range(len(panel.lines))]
    named = dict(zip(values, (line.column for line in panel.lines), strict=True))
    organize = {
        "excludeByName": {
            "Time": True,
            **{value: True for value, column in named.items() if not column},
        },
        "indexByName": {
            name: index for index, name in enumerate(("Time", *panel.columns, *values))
        },
        "renameByName": {value: column for value, column in named.items() if column},
    }
    merged = [] if single else [{"id": "merge", "options": {}}]
    return [*merged, {"id": "organize", "options": organize}]


def thresholds(steps: tuple[Step, ...]) -> Json:
    """Steps of colour; the first has no lower end."""
    steps = steps or (Step(color="text"),)
    return {
        "mode": "absolute",
        "steps": [{"color": color(step.color), "value": step.at} for step in steps],
    }


def mappings(states: Mapping[str, tuple[str, Color]]) -> list[Json]:
    """Values as words, so that colour is never the only carrier of a meaning."""
    if not states:
        return []
    return [
        {
            "type": "value",
            "options": {
                value: {"text": text, "color": color(name), "index": index}
                for index, (value, (text, name)) in enumerate(states.items())
            },
        }
    ]


def _legend(panel: Panel) -> Json:
    """Wide panels have room for a table at the side, narrow ones for a list below."""
    wide = panel.width * 2 >= COLUMNS
    legend: Json = {
        "showLegend": True,
        "displayMode": "table" if wide else "list",
        "placement": "right" if wide else "bottom",
        "calcs": ["mean", "max", "lastNotNull"] if wide else ["lastNotNull"],
    }
    return {**legend, "sortBy": "Max", "sortDesc": True} if wide else legend


def _stat(panel: Panel) -> Json:
    sparkline = not panel.states and not any(line.instant for line in panel.lines)
    return {
        "reduceOptions": _VALUES,
        "orientation": "auto",
        "colorMode": "value",
        "graphMode": "area" if sparkline else "none",
        "textMode": "auto",
        "justifyMode": "auto",
        "wideLayout": True,
        "showPercentChange": False,
        "percentChangeColorMode": "standard",
    }


def _table(panel: Panel) -> Json:
    sort = [{"displayName": panel.sort_by, "desc": panel.sort_descending}] if panel.sort_by else []
    return {"showHeader": True, "cellHeight": "sm", "enablePagination": True, "sortBy": sort}


def _color_mode(panel: Panel) -> Json:
    if panel.type in ("table", "bargauge", "state-timeline") or panel.steps:
        return {"mode": "thresholds"}
    if panel.type == "stat":
        return {"mode": "fixed", "fixedColor": color("blue")}
    return {"mode": "palette-classic-by-name"}


def _custom(panel: Panel) -> Json:
    hidden = {"legend": False, "tooltip": False, "viz": False}
    match panel.type:
        case "timeseries":
            return {
                "drawStyle": "line",
                "lineInterpolation": "linear",
                "lineWidth": 1,
                "fillOpacity": 30 if panel.stacked else 5,
                "gradientMode": "none",
                "showPoints": "never",
                "spanNulls": False,
                "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
                "axisPlacement": "auto",
                "axisLabel": "",
                "axisSoftMin": 0,
                "scaleDistribution": {"type": "linear"},
                "thresholdsStyle": {"mode": "dashed" if panel.steps else "off"},
                "hideFrom": hidden,
            }
        case "state-timeline":
            return {"lineWidth": 0, "fillOpacity": 70, "hideFrom": hidden}
        case "table":
            return {
                "align": "auto",
                "cellOptions": {"type": "auto"},
                "filterable": True,
                "inspect": False,
            }
        case "heatmap":
            return {"hideFrom": hidden, "scaleDistribution": {"type": "linear"}}
        case "piechart":
            return {"hideFrom": hidden}
        case _:
            return {}


def _overrides(panel: Panel) -> Iterator[Json]:
    if panel.type == "table":
        yield from _column_overrides(panel)
        return
    for name, shade in panel.colors.items():
        yield {"matcher": {"id": "byName", "options": name}, "properties": [_fixed(shade)]}
    for index, line in enumerate(panel.drawn):
        if properties := list(_line_properties(panel, line)):
            yield {
                "matcher": {"id": "byFrameRefID", "options": reference(index)},
                "properties": properties,
            }


def _line_properties(panel: Panel, line: Line) -> Iterator[Json]:
    if line.unit:
        yield {"id": "unit", "value": line.unit}
    if line.objective:
        yield _fixed("grey")
    elif line.color:
        yield _fixed(line.color)
    if line.objective and panel.type == "timeseries":
        yield {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [10, 10]}}
        yield {"id": "custom.fillOpacity", "value": 0}
        yield {"id": "custom.stacking", "value": {"mode": "none", "group": "A"}}


def _fixed(name: Color) -> Json:
    return {"id": "color", "value": {"mode": "fixed", "fixedColor": color(name)}}


def _column_overrides(panel: Panel) -> Iterator[Json]:
    for link in panel.links:
        yield {
            "matcher": {"id": "byName", "options": link.labels[0]},
            "properties": [{"id": "links", "value": [data_link(link, table=True)]}],
        }
    for line in panel.lines:
        if line.column:
            yield {
                "matcher": {"id": "byName", "options": line.column},
                "properties": list(_column_properties(line)),
            }


def _column_properties(line: Line) -> Iterator[Json]:
    yield {"id": "unit", "value": line.unit}
    if line.states:
        yield {"id": "mappings", "value": mappings(line.states)}
    if line.steps:
        yield {"id": "thresholds", "value": thresholds(line.steps)}
    if line.states or line.steps:
        yield {"id": "custom.cellOptions", "value": {"type": "color-background", "mode": "basic"}}
