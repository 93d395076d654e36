"""Boards for reviewers: one line per query, beside JSON that nobody reads."""

from collections.abc import Iterable, Iterator

from modelwatch.board import Board, Line, Panel
from modelwatch.promql import compressed


def digest(boards: Iterable[Board], *, time_compression: int = 1) -> str:
    """`uid / row / panel | unit | query`, and the same for drop-downs and annotations."""
    lines = [line for board in boards for line in _of_board(board, time_compression)]
    return "\n".join(lines) + "\n"


def _of_board(board: Board, time_compression: int) -> Iterator[str]:
    for variable in board.drop_downs:
        query = variable.query or ", ".join(variable.choices)
        yield f"{board.uid} / drop-downs / {variable.name} | - | {query}"
    for annotation in board.annotations:
        query = compressed(annotation.expr, time_compression)
        yield f"{board.uid} / annotations / {annotation.name} | - | {query}"
    for row, panel in board.panels():
        for line in panel.drawn:
            query = compressed(line.expr, time_compression)
            yield f"{board.uid} / {row.title} / {panel.title} | {unit(panel, line)} | {query}"


def unit(panel: Panel, line: Line) -> str:
    """The unit in which a line is shown."""
    return line.unit or panel.unit or "-"
