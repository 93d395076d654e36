"""Panels that are words and numbers: stat, table, and what is said where nothing is drawn."""

import math
from collections.abc import Callable, Mapping
from html import escape

from generator.preview import colors
from generator.preview.answers import Asked, reasons_of
from generator.preview.charts import newest
from generator.preview.colors import HEX
from generator.preview.units import formatted
from modelwatch.board import Line, Panel

Href = Callable[[str, Mapping[str, str]], str | None]
"""Where a link to a board leads, with the labels that it takes along; `None`: nowhere here."""
_MOST_ROWS = 500
Cells = dict[str, str | float]


def stat(asked: Asked) -> str:
    """The newest values in large type, with their names where there are several."""
    found = newest(asked)
    parts = []
    for name, value in found:
        text, shade = colors.state_of(value, asked.panel.states) or (
            formatted(value, asked.panel.unit, asked.panel.decimals),
            colors.of_value(value, asked.panel.steps, "blue"),
        )
        named = f"<small>{escape(name)}</small>" if len(found) > 1 else ""
        parts.append(f'<div style="color:{HEX[shade]}">{named}{escape(text)}</div>')
    return f'<div class="stat n{min(len(found), 4)}">{"".join(parts)}</div>'


def nothing(asked: Asked) -> str:
    """What the panel says instead of emptiness, and why models lack its signal."""
    reasons = "".join(f"<small>{escape(reason)}</small>" for reason in reasons_of(asked))
    failed = any(answer.failure for answer in asked.answers)
    text = "query failed" if failed else asked.panel.no_data
    return f'<div class="nothing{" failed" if failed else ""}">{escape(text)}{reasons}</div>'


def table(asked: Asked, href: Href) -> str:
    """A row per label set; named columns with their own units and colours."""
    panel, rows = asked.panel, rows_of(asked)
    labels = [name for name in panel.columns if any(name in row for row in rows)]
    values = [line for line in panel.lines if line.column]
    head = "".join(f"<th>{escape(name)}</th>" for name in labels)
    head += "".join(f'<th class="number">{escape(line.column)}</th>' for line in values)
    body = "".join(
        f"<tr>{''.join(_label(panel, row, name, href) for name in labels)}"
        f"{''.join(_value(line, row.get(line.column)) for line in values)}</tr>"
        for row in rows[:_MOST_ROWS]
    )
    more = len(rows) - _MOST_ROWS
    note = f"<p>and {more} rows more</p>" if more > 0 else ""
    return f'<div class="table"><table><tr>{head}</tr>{body}</table>{note}</div>'


def rows_of(asked: Asked) -> list[Cells]:
    """The answers merged as Grafana does: rows that agree in the labels all lines have are one."""
    panel = asked.panel
    frames = [
        (
            answer.line,
            [(dict(series.labels), series.values[-1]) for series in answer.series if series.values],
        )
        for answer in asked.answers
        if answer.series
    ]
    for _, samples in frames:
        for labels, _ in samples:
            labels.pop("__name__", None)
    named = [set().union(*(labels for labels, _ in samples)) for _, samples in frames]
    common = sorted(set.intersection(*named)) if named else []
    rows: dict[tuple[str, ...], list[Cells]] = {}
    for line, samples in frames:
        for labels, value in samples:
            alike = rows.setdefault(tuple(labels.get(name, "") for name in common), [])
            cells: Cells = {**labels, **({line.column: value} if line.column else {})}
            fitting = next((row for row in alike if _agree(row, cells)), None)
            if fitting is None:
                alike.append(cells)
            else:
                fitting.update(cells)
    found = [row for alike in rows.values() for row in alike]
    if panel.sort_by:
        found.sort(key=lambda row: _order(row.get(panel.sort_by)), reverse=panel.sort_descending)
        found.sort(key=lambda row: _missing(row.get(panel.sort_by)))
    return found


def _agree(row: Cells, cells: Cells) -> bool:
    return all(row.get(name, value) == value for name, value in cells.items())


def _missing(value: str | float | None) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _order(value: str | float | None) -> tuple[float, str]:
    if isinstance(value, str):
        return 0, value
    return (0 if value is None or math.isnan(value) else value), ""


def _label(panel: Panel, row: Cells, name: str, href: Href) -> str:
    text = escape(str(row.get(name, "")))
    for link in panel.links:
        taken = {label: str(row.get(label, "")) for label in link.labels}
        if link.labels[:1] == (name,) and text and (target := href(link.board, taken)):
            return f'<td><a href="{escape(target)}" title="{escape(link.title)}">{text}</a></td>'
    return f"<td>{text}</td>"


def _value(line: Line, value: str | float | None) -> str:
    if not isinstance(value, float):
        return '<td class="number"></td>'
    state = colors.state_of(value, line.states)
    text = state[0] if state else formatted(value, line.unit)
    style = ""
    if state or line.steps:
        shade = state[1] if state else colors.of_value(value, line.steps)
        style = f' style="background:{HEX[shade]}33;box-shadow:inset 3px 0 {HEX[shade]}"'
    return f'<td class="number"{style}>{escape(text)}</td>'


def links(asked: Asked, href: Href, most: int = 12) -> str:
    """Where the panel leads: one link per model that is on it."""
    found: dict[str, str] = {}
    for link in asked.panel.links if asked.panel.type != "table" else ():
        for answer in asked.answers:
            for series in answer.series:
                taken = {name: series.labels.get(name, "") for name in link.labels}
                if (not link.labels or taken[link.labels[0]]) and (
                    target := href(link.board, taken)
                ):
                    text = " / ".join(filter(None, taken.values()))
                    found.setdefault(target, f"{link.title}: {text}" if text else link.title)
    entries = [
        f'<a href="{escape(target)}">{escape(text)}</a>'
        for target, text in list(found.items())[:most]
    ]
    if not entries:
        return ""
    return f'<details class="links"><summary title="Links">↗</summary>{"".join(entries)}</details>'
