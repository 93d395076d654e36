"""Panels as plotly figures. The only file that knows plotly's charts.

plotly reads its texts as a kind of HTML, so every name that comes from a Prometheus is escaped.
"""

import math
from collections.abc import Iterator
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from generator.asking import Period, Series
from generator.preview import colors
from generator.preview.answers import Answer, Asked, Event, name_of
from generator.preview.colors import HEX
from generator.preview.units import formatted, scale

if TYPE_CHECKING:
    from modelwatch.board import Color

Figure = Any
_FONT = {"family": "system-ui, sans-serif", "size": 11, "color": HEX["text"]}
_GRID = "#e6e8eb"
_LONGEST_NAME = 60
_DAY_S = 86_400
_MINUTES_S = 8 * 60
_BELOW = {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0}


def figure(asked: Asked, period: Period, events: tuple[Event, ...] = ()) -> Figure | None:
    """The chart of a panel; `None` for those that are text (stat without a line, table)."""
    drawer = _DRAWN_OVER_TIME.get(asked.panel.type)
    if drawer:
        return drawer(asked, period)
    if asked.panel.type == "timeseries":
        return _timeseries(asked, period, events)
    still = {"bargauge": _bars, "piechart": _pie}.get(asked.panel.type)
    return still(asked) if still else None


def label(text: str) -> str:
    """A name as plotly shows it literally, cut where it would push the chart away."""
    shown = text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 1]}…"
    return escape(shown, quote=False)  # it is no attribute, and plotly shows `&quot;` as it stands


def _named(asked: Asked) -> Iterator[tuple[Answer, Series, str]]:
    for answer in asked.answers:
        for series in answer.series:
            yield answer, series, name_of(answer, series)


def _layout(period: Period | None = None, **more: Any) -> dict[str, Any]:
    layout: dict[str, Any] = {
        "template": "none",
        "autosize": True,
        "margin": {"l": 8, "r": 12, "t": 8, "b": 8},
        "font": _FONT,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hoverlabel": {"namelength": -1, "font": {"size": 11}},
        **more,
    }
    if period:
        layout["xaxis"] = {
            "type": "date",
            "range": [period.start * 1000, period.end * 1000],
            "gridcolor": _GRID,
            "automargin": True,
            "nticks": 8,
            "tickformat": _tick_format(period),
            **more.get("xaxis", {}),
        }
    return layout


def _tick_format(period: Period) -> str:
    """As much of the time as tells ticks apart."""
    if period.seconds <= _MINUTES_S:
        return "%H:%M:%S"
    return "%H:%M" if period.seconds <= _DAY_S else "%b %d, %H:%M"


def _timeseries(asked: Asked, period: Period, events: tuple[Event, ...]) -> Figure:
    panel = asked.panel
    shades = colors.by_name((name for _, _, name in _named(asked)), panel)
    units = list(dict.fromkeys(answer.line.unit or panel.unit for answer in asked.answers))[:2]
    scales = {unit: scale(unit, _largest(asked, unit)) for unit in units}
    chart = go.Figure()
    for answer, series, name in _named(asked):
        unit = answer.line.unit or panel.unit
        unit = unit if unit in scales else units[0]
        # plotly stacks no series with holes; a series without values still tells its reason.
        stacked = panel.stacked and not answer.line.objective
        times, values = _with_gaps(series, answer.step_s, scales[unit].size, fill=stacked)
        chart.add_scatter(
            x=times,
            y=values,
            name=label(name),
            mode="lines+markers" if len(series.finite) == 1 else "lines",
            marker={"size": 4},
            line=_stroke(asked, answer, series, shades[name]),
            stackgroup="A" if stacked else None,
            showlegend=True,
            yaxis="y2" if unit != units[0] else "y",
        )
    wide = panel.width * 2 >= 24
    chart.update_layout(
        _layout(
            period,
            hovermode="x unified",
            legend={"orientation": "v", "x": 1.01, "y": 1, "xanchor": "left"} if wide else _BELOW,
        )
    )
    for number, unit in enumerate(units):
        chart.update_layout(
            {"yaxis" if number == 0 else "yaxis2": _value_axis(asked, unit, right=number > 0)}
        )
    _mark(chart, asked, scales[units[0]].size, events)
    return chart


def _stroke(asked: Asked, answer: Answer, series: Series, shade: str) -> dict[str, Any]:
    line, panel = answer.line, asked.panel
    if line.objective:
        return {"color": HEX["grey"], "dash": "dash", "width": 1.5}
    if line.color:
        return {"color": HEX[line.color], "width": 1.5}
    if panel.steps and series.finite:
        return {"color": HEX[colors.of_value(series.finite[-1], panel.steps)], "width": 1.5}
    return {"color": shade, "width": 1.5}


def _mark(chart: Figure, asked: Asked, size: float, events: tuple[Event, ...]) -> None:
    """Thresholds as dashed lines, events as upright ones."""
    for step in asked.panel.steps:
        if step.at is not None:
            chart.add_hline(
                y=step.at / size, line={"color": HEX[step.color], "dash": "dash", "width": 1}
            )
    for event in events:
        if event.before:
            continue
        stroke = {"color": HEX[event.annotation.color], "dash": "dot", "width": 1}
        chart.add_shape(
            type="line",
            x0=event.at * 1000,
            x1=event.at * 1000,
            y0=0,
            y1=1,
            yref="paper",
            line=stroke,
            layer="below",
        )


def _value_axis(asked: Asked, unit: str, *, right: bool = False) -> dict[str, Any]:
    panel, found = asked.panel, scale(unit, _largest(asked, unit))
    axis: dict[str, Any] = {
        "rangemode": "tozero",
        "gridcolor": _GRID,
        "zerolinecolor": _GRID,
        "automargin": True,
        "nticks": 6,
        "exponentformat": "none",
        "separatethousands": True,
        "tickprefix": found.prefix,
        "ticksuffix": found.suffix,
        "hoverformat": ",.4~r",
    }
    limits = {
        name: value / found.size
        for name, value in (("minallowed", panel.minimum), ("maxallowed", panel.maximum))
        if value is not None
    }
    if limits:
        axis["autorangeoptions"] = limits
    if right:
        axis |= {"overlaying": "y", "side": "right", "showgrid": False}
    return axis


def _largest(asked: Asked, unit: str) -> float:
    """The value that the axis is written for: a promise is on it like a measurement."""
    values = [
        abs(value)
        for answer in asked.answers
        if (answer.line.unit or asked.panel.unit) == unit
        for series in answer.series
        for value in series.finite
    ]
    return max(values, default=0)


def _with_gaps(
    series: Series, step_s: float, size: float, *, fill: bool
) -> tuple[list[float], list[float | None]]:
    """Milliseconds and values, with a hole wherever samples are missing."""
    times: list[float] = []
    values: list[float | None] = []
    before = math.inf
    for time, value in zip(series.times, series.values, strict=True):
        if time - before > 1.5 * step_s and not fill:
            times.append((before + step_s) * 1000)
            values.append(None)
        if math.isfinite(value) or not fill:
            times.append(time * 1000)
            values.append(float(f"{value / size:.6g}") if math.isfinite(value) else None)
        before = time
    return times, values


def _sparkline(asked: Asked, period: Period) -> Figure | None:
    """The line behind a number; none where only the newest value or a state was asked for."""
    panel = asked.panel
    drawn = [(answer, series) for answer, series, _ in _named(asked) if len(series.finite) > 1]
    if panel.states or not drawn or any(answer.line.instant for answer in asked.answers):
        return None
    chart = go.Figure()
    for answer, series in drawn:
        times, values = _with_gaps(series, answer.step_s, 1, fill=False)
        shade = HEX[colors.of_value(series.finite[-1], panel.steps, "blue")]
        chart.add_scatter(
            x=times,
            y=values,
            mode="lines",
            line={"color": shade, "width": 1},
            fill="tozeroy",
            fillcolor=f"{shade}22",
            hoverinfo="skip",
            showlegend=False,
        )
    chart.update_layout(
        _layout(
            period,
            margin={"l": 0, "r": 0, "t": 0, "b": 0},
            xaxis={"visible": False, "fixedrange": True},
            yaxis={
                "visible": False,
                "fixedrange": True,
                "rangemode": "tozero",
                "domain": [0, 0.45],
            },
        )
    )
    return chart


def _heatmap(asked: Asked, period: Period) -> Figure:
    """How many values fell into each bucket: the difference between neighbouring series."""
    buckets = sorted(
        ((float(series.labels.get("le", "inf")), series) for _, series, _ in _named(asked)),
        key=lambda entry: entry[0],
    )
    times = sorted({time for _, series in buckets for time in series.times})
    below = dict.fromkeys(times, 0.0)
    rows = []
    for _, series in buckets:
        upto = dict(zip(series.times, series.values, strict=True))
        rows.append([max(0.0, upto.get(time, math.nan) - below[time]) for time in times])
        below |= upto
    unit = asked.panel.unit
    chart = go.Figure(
        go.Heatmap(
            x=[time * 1000 for time in times],
            y=[f"≤ {formatted(le, unit)}" if math.isfinite(le) else "more" for le, _ in buckets],
            z=[[value if value > 0 else None for value in row] for row in rows],
            colorscale="Blues",
            hovertemplate="%{x}<br>%{y}: %{z:.3~r} per second<extra></extra>",
            colorbar={"thickness": 8, "outlinewidth": 0, "exponentformat": "none"},
            ygap=1,
        )
    )
    chart.update_layout(_layout(period, yaxis={"type": "category", "automargin": True}))
    return chart


def _state_timeline(asked: Asked, period: Period) -> Figure:
    """A row per series, a bar per stretch of one state, a legend entry per state."""
    panel = asked.panel
    stretches: dict[tuple[str, Color], list[tuple[str, float, float]]] = {}
    for answer, series, name in _named(asked):
        for value, start, end in _stretches(series, answer.step_s):
            text, shade = colors.state_of(value, panel.states) or (
                formatted(value, panel.unit, panel.decimals),
                colors.of_value(value, panel.steps, "grey"),
            )
            stretches.setdefault((text, shade), []).append((label(name), start, end))
    chart = go.Figure()
    for (text, shade), found in stretches.items():
        chart.add_bar(
            orientation="h",
            y=[name for name, _, _ in found],
            base=[start * 1000 for _, start, _ in found],
            x=[(end - start) * 1000 for _, start, end in found],
            name=label(text),
            marker={"color": HEX[shade], "opacity": 0.75, "line": {"width": 0}},
            hovertemplate=f"%{{y}}: {_literal(text)}<br>%{{base|%b %d, %H:%M}}<extra></extra>",
            showlegend=True,
        )
    chart.update_layout(
        _layout(
            period,
            barmode="overlay",
            bargap=0.15,
            legend=_BELOW,
            yaxis={"type": "category", "automargin": True, "categoryorder": "category descending"},
        )
    )
    return chart


def _stretches(series: Series, step_s: float) -> Iterator[tuple[float, float, float]]:
    """Value, start and end of every stretch in which the value stays the same."""
    samples = list(zip(series.times, series.values, strict=True))
    if not samples:
        return
    start, value = samples[0]
    for (before, _), (time, now) in pairwise(samples):
        missing = time - before > 1.5 * step_s
        if missing or now != value:
            if not math.isnan(value):
                yield value, start, before + step_s if missing else time
            start, value = time, now
    if not math.isnan(value):
        yield value, start, samples[-1][0] + step_s


def newest(asked: Asked) -> list[tuple[str, float]]:
    """The newest value of each series that has one, under its name."""
    return [(name, series.finite[-1]) for _, series, name in _named(asked) if series.finite]


def _bars(asked: Asked) -> Figure:
    panel, found = asked.panel, newest(asked)
    top = panel.maximum if panel.maximum is not None else max(value for _, value in found)
    chart = go.Figure(
        go.Bar(
            orientation="h",
            y=[label(name) for name, _ in found],
            x=[value for _, value in found],
            text=[formatted(value, panel.unit, panel.decimals) for _, value in found],
            textposition="outside",
            textangle=0,
            cliponaxis=False,
            hovertemplate="%{y}: %{text}<extra></extra>",
            marker={
                "color": [HEX[colors.of_value(value, panel.steps, "blue")] for _, value in found]
            },
        )
    )
    axis = {"range": [panel.minimum or 0, top], "visible": False}
    category = {"type": "category", "automargin": True, "autorange": "reversed"}
    room = {"l": 8, "r": 64, "t": 8, "b": 8}
    chart.update_layout(_layout(xaxis=axis, yaxis=category, bargap=0.3, margin=room))
    return chart


def _pie(asked: Asked) -> Figure:
    panel, found = asked.panel, newest(asked)
    shades = colors.by_name((name for name, _ in found), panel)
    chart = go.Figure(
        go.Pie(
            labels=[
                label(f"{name}  {formatted(value, panel.unit, panel.decimals)}")
                for name, value in found
            ],
            values=[value for _, value in found],
            marker={"colors": [shades[name] for name, _ in found]},
            hole=0.55,
            textinfo="percent",
            hovertemplate="%{label}<br>%{percent}<extra></extra>",
            sort=True,
        )
    )
    chart.update_layout(_layout(legend={"x": 1, "y": 0.5, "yanchor": "middle"}))
    return chart


def _literal(text: str) -> str:
    """Text inside a template of plotly, where `%{` would begin a variable."""
    return label(text).replace("%{", "%&#123;")


_DRAWN_OVER_TIME = {
    "stat": _sparkline,
    "heatmap": _heatmap,
    "state-timeline": _state_timeline,
}
