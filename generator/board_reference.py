"""The reference of the boards as a page: what each asks, shows and reads."""

from collections.abc import Iterable, Iterator

from generator.board_digest import unit
from modelwatch.board import Board, Panel, Row
from modelwatch.promql import compressed

_INTRODUCTION = """\
# Boards

Every board is the same for any inventory: models, limits and promises are series, chosen by the
drop-downs. Red is a breach, amber is near one, a dashed grey line is a promise or limit of the
inventory, violet is the past for comparison. A panel that must stay empty says why: where an engine
does not expose a signal, the legend gives the reason.

The pictures are of the demo, four minutes in which more than an hour of it passes: `vision` was
slow for a while, requests to `chat` queued, and the provider of `summarize` refused some. They are
drawn by the [preview](preview.md), which says how to take them again; Grafana has the same panels.
"""


def reference(boards: Iterable[Board]) -> str:
    """Markdown with every panel's question, unit and queries."""
    lines = [_INTRODUCTION]
    for board in boards:
        lines += _board(board)
    return "\n".join(lines).rstrip() + "\n"


def _board(board: Board) -> Iterator[str]:
    yield f"## {board.title}\n"
    yield f"{board.question} (`{board.uid}`, opens with `{board.since}`)\n"
    yield f"![The board as the preview draws it from the demo](pictures/{board.uid}.png)\n"
    names = ", ".join(variable.title for variable in board.drop_downs)
    yield f"Drop-downs: Data source, {names}.\n"
    events = ", ".join(("Deployments", *(each.name for each in board.annotations)))
    yield f"Events drawn over the panels: {events}.\n"
    for row in board.rows:
        yield from _row(row)


def _row(row: Row) -> Iterator[str]:
    closed = " (closed at first)" if row.collapsed else ""
    yield f"### {row.title}{closed}\n"
    for panel in row.panels:
        yield from _panel(panel)


def _panel(panel: Panel) -> Iterator[str]:
    shown = f" Unit: `{panel.unit}`." if panel.unit else ""
    yield f"**{panel.title}**: {panel.question}{shown} When empty: {panel.no_data}.\n"
    yield "```promql"
    for line in panel.drawn:
        head = line.column or line.legend
        if head:
            own = f" [{unit(panel, line)}]" if line.unit else ""
            yield f"# {head}{own}"
        yield compressed(line.expr, 1)
    yield "```\n"
