"""The page: boards with their panels, and at its end what is empty or failed, with the reason.

Whatever comes from a Prometheus, an inventory or a URL is escaped where it is written.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from html import escape
from importlib import resources
from itertools import count

import plotly.io

from generator.asking import Period
from generator.board_layout import layout
from generator.preview import marks
from generator.preview.answers import Asked, Event, View
from generator.preview.charts import figure
from generator.preview.marks import Href
from modelwatch.board import Board
from modelwatch.quantities import printed_duration

_ROW_HEIGHT, _GAP = 30, 8
_HEADER = 210
"""Pixels above the first row; see the style sheet for the others."""
_MOST_EVENTS = 50
_LONG_S = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A board on the page. `models` leads to the other models of the same board."""

    anchor: str
    view: View
    models: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stands around the boards: where plotly's program is, and what a form offers."""

    script: str
    policy: str
    source: str
    notes: tuple[str, ...] = ()
    form: str = ""
    refresh_s: int = 0


def page(
    sections: Sequence[Section], boards: Mapping[str, tuple[str, str]], frame: Frame, href: Href
) -> str:
    """The HTML of the sections; `boards` is uid to title and address of each board."""
    numbers = count()
    figures: dict[str, str] = {}
    content = "".join(_section(section, href, figures, numbers) for section in sections)
    nav = "".join(
        f'<a href="{escape(address)}" data-board="{escape(uid)}">{escape(title)}</a>'
        for uid, (title, address) in boards.items()
    )
    notes = "".join(f"<p>{escape(note)}</p>" for note in frame.notes)
    refresh = f'<meta http-equiv="refresh" content="{frame.refresh_s}">' if frame.refresh_s else ""
    data = ",".join(f'"{place}":{drawn}' for place, drawn in figures.items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(frame.policy)}">{refresh}'
        f"<title>modelwatch preview</title><style>{text_of('page.css')}</style></head><body>"
        f"<header><b>modelwatch preview</b><p>Drawn from {escape(frame.source)}; times are "
        "UTC. A preview of the boards, not Grafana: Grafana draws them in full.</p>"
        f"{notes}<nav>{nav}</nav>{frame.form}</header>{content}<footer>{_amiss(sections)}</footer>"
        f'<script type="application/json" id="figures">{{{data}}}</script>'
        f"{frame.script}<script>{text_of('page.js')}</script></body></html>\n"
    )


def text_of(name: str) -> str:
    """A file beside this one."""
    return resources.files("generator.preview").joinpath(name).read_text("utf-8")


def height_of(board: Board) -> int:
    """Pixels of a window that shows the whole board with its collapsed rows closed."""
    height = _HEADER
    for placed in layout(board):
        height += _ROW_HEIGHT + _GAP
        if not placed.row.collapsed and placed.panels:
            units = max(place.y + place.height for _, place in placed.panels) - placed.place.y - 1
            height += units * (_ROW_HEIGHT + _GAP)
    return height


def _section(section: Section, href: Href, figures: dict[str, str], numbers: Iterator[int]) -> str:
    view = section.view
    titles = {variable.name: variable.title for variable in view.board.drop_downs}
    chosen = " · ".join(
        f"{escape(titles[name])}: <b>{escape(one.shown)}</b>" for name, one in view.chosen.items()
    )
    models = " · ".join(
        f'<a href="{escape(address)}">{escape(name)}</a>' for name, address in section.models
    )
    rows = "".join(
        f'<details class="row"{"" if row.collapsed else " open"}><summary>{escape(row.title)}'
        f'</summary><div class="grid">'
        f"{''.join(_panel(asked, view, href, figures, numbers) for asked in panels)}"
        "</div></details>"
        for row, panels in view.rows
    )
    return (
        f'<section class="board" data-anchor="{escape(section.anchor)}" '
        f'data-board="{escape(view.board.uid)}">'
        f"<h1>{escape(view.board.title)}</h1><p>{escape(view.board.question)}</p>"
        f"<p>{chosen} · {_span(view.period)}</p>"
        f"{f'<p>{models}</p>' if len(section.models) > 1 else ''}{_events(view)}{rows}</section>"
    )


def _span(period: Period) -> str:
    """How long, of long ones the minutes, and until when."""
    length = round(period.seconds) if period.seconds < _LONG_S else round(period.seconds / 60) * 60
    end = datetime.fromtimestamp(period.end, UTC)
    return f"last {printed_duration(Decimal(length))} until {end:%Y-%m-%d %H:%M:%S UTC}"


def _panel(
    asked: Asked, view: View, href: Href, figures: dict[str, str], numbers: Iterator[int]
) -> str:
    panel = asked.panel
    height = panel.height or (4 if panel.type == "stat" else 8)
    return (
        f'<div class="panel" style="grid-column:span {panel.width};grid-row:span {height}">'
        f'<h2><span title="{escape(panel.question)}">{escape(panel.title)}</span>'
        f"{marks.links(asked, href)}</h2>{_body(asked, view, href, figures, numbers)}</div>"
    )


def _body(
    asked: Asked, view: View, href: Href, figures: dict[str, str], numbers: Iterator[int]
) -> str:
    if asked.empty and not (asked.panel.type == "table" and marks.rows_of(asked)):
        return marks.nothing(asked)
    if asked.panel.type == "table":
        return marks.table(asked, href)
    number = marks.stat(asked) if asked.panel.type == "stat" else ""
    chart = figure(asked, view.period, view.events)
    if chart is None:
        return number
    place = f"plot-{next(numbers)}"
    # Inside a script element only `<` can end it or begin a comment.
    figures[place] = plotly.io.to_json(chart, validate=False).replace("<", "\\u003c")
    return f'<div class="plot{" behind" if number else ""}" id="{place}"></div>{number}'


def _events(view: View) -> str:
    if not view.events:
        return ""
    newest = list(reversed(view.events))[:_MOST_EVENTS]
    rows = "".join(
        f"<tr><td>{_when(event)}</td>"
        f"<td>{escape(event.annotation.name)}</td><td>{escape(event.title)}</td>"
        f"<td>{escape(event.text)}</td></tr>"
        for event in newest
    )
    return f"<details><summary>Events: {len(view.events)}</summary><table>{rows}</table></details>"


def _when(event: Event) -> str:
    if event.before:
        return "before"
    return f"{datetime.fromtimestamp(event.at, UTC):%Y-%m-%d %H:%M}"


def _amiss(sections: Sequence[Section]) -> str:
    """What is empty and what failed, on every board of the page."""
    empty = [
        (_place(section), f"{row.title} / {asked.panel.title}", asked.why_empty)
        for section in sections
        for row, asked in section.view.panels()
        if asked.empty
    ]
    failed = [
        (_place(section), name, why, query)
        for section in sections
        for name, query, why in section.view.failures
    ]
    parts = []
    if failed:
        rows = "".join(
            f"<tr><td>{escape(board)}</td><td>{escape(name)}</td><td>{escape(why)}</td>"
            f"<td><code>{escape(query)}</code></td></tr>"
            for board, name, why, query in failed
        )
        parts.append(f"<h3>Failed queries: {len(failed)}</h3><table>{rows}</table>")
    if empty:
        rows = "".join(
            f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in entry)}</tr>" for entry in empty
        )
        parts.append(
            f"<details><summary>Panels without data: {len(empty)}</summary><table>{rows}</table>"
            "</details>"
        )
    return "".join(parts)


def _place(section: Section) -> str:
    title = section.view.board.title
    return f"{title}, {section.view.chosen['model'].shown}" if section.models else title
