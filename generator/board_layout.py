"""Where the panels of a board go and which ids they have: nobody types coordinates."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from modelwatch.board import Board, Panel, Row
from modelwatch.problems import DefinitionError

COLUMNS = 24
_HEIGHTS = {"stat": 4}
_HEIGHT = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A position on the grid of 24 columns, with the stable id of what stands there."""

    id: int
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedRow:
    """A row's header and its panels. Those of a collapsed row have the places they open to."""

    row: Row
    place: Place
    panels: tuple[tuple[Panel, Place], ...]


def layout(board: Board) -> tuple[PlacedRow, ...]:
    """The board's rows from top to bottom.

    Raises:
        DefinitionError: two panels have the same title in one row, or their ids collide.
    """
    placed = tuple(_rows(board))
    ids = [entry.place.id for entry in placed]
    ids += [place.id for entry in placed for _, place in entry.panels]
    if len(set(ids)) < len(ids):
        raise DefinitionError(f"two panels of {board.uid} have the same id: rename one of them")
    return placed


def panel_id(*path: str) -> int:
    """An id that depends on the path only, so that inserting a panel moves no other's id."""
    digest = hashlib.sha256("/".join(path).encode()).digest()
    return int.from_bytes(digest[:4], "big") % 1_000_000 + 1


def _rows(board: Board) -> Iterator[PlacedRow]:
    y = 0
    for row in board.rows:
        place = Place(id=panel_id(board.uid, row.title), x=0, y=y, width=COLUMNS, height=1)
        panels = tuple(_panels(board, row, y + 1))
        yield PlacedRow(row=row, place=place, panels=panels)
        y += 1
        if panels and not row.collapsed:
            y = max(place.y + place.height for _, place in panels)


def _panels(board: Board, row: Row, y: int) -> Iterator[tuple[Panel, Place]]:
    x = tallest = 0
    for panel in row.panels:
        height = panel.height or _HEIGHTS.get(panel.type, _HEIGHT)
        if x + panel.width > COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        number = panel_id(board.uid, row.title, panel.title)
        yield panel, Place(id=number, x=x, y=y, width=panel.width, height=height)
        x, tallest = x + panel.width, max(tallest, height)
