"""The boards under test: as they are defined, as they are written, and every query of them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from generator.grafana import dashboard
from modelwatch.board import Board, Line, Panel
from modelwatch.discovery import constants_named
from modelwatch.promql import compressed

Json = dict[str, Any]
SCRAPE_INTERVAL = "15s"
BUILT_IN = {"__rate_interval": "5m", "__url_time_range": "from=now-1h&to=now"}
_VARIABLE = re.compile(r"\$(?:\{(\w+)[^}]*\}|([A-Za-z_]\w*))")


@cache
def boards() -> tuple[Board, ...]:
    return tuple(constants_named("dashboards", "BOARD").values())


@cache
def _text(uid: str) -> str:
    board = next(board for board in boards() if board.uid == uid)
    return dashboard(board, scrape_interval=SCRAPE_INTERVAL)


def written(board: Board) -> Json:
    content: Json = json.loads(_text(board.uid))
    return content


def panels(content: Json) -> Iterator[Json]:
    """Every panel that is no row, also those inside collapsed rows."""
    for panel in content["panels"]:
        if panel["type"] != "row":
            yield panel
        yield from panel.get("panels", ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One query of a board. `panel` and `line` are absent for annotations and drop-downs."""

    name: str
    expr: str
    board: Board
    panel: Panel | None = None
    line: Line | None = None


def queries() -> Iterator[Query]:
    for board in boards():
        for row, panel in board.panels():
            for number, line in enumerate(panel.drawn, 1):
                yield Query(
                    name=f"{board.uid}/{row.title}/{panel.title}/{number}",
                    expr=compressed(line.expr, 1),
                    board=board,
                    panel=panel,
                    line=line,
                )
        for annotation in board.annotations:
            yield Query(
                name=f"{board.uid}/annotations/{annotation.name}",
                expr=compressed(annotation.expr, 1),
                board=board,
            )
        for variable in board.drop_downs:
            if found := re.fullmatch(r"label_values\((.*), (\w+)\)", variable.query):
                yield Query(
                    name=f"{board.uid}/drop-downs/{variable.name}", expr=found[1], board=board
                )


def used_variables(text: str) -> set[str]:
    return {name or other for name, other in _VARIABLE.findall(text)}


def substituted(expr: str) -> str:
    """The expression as Grafana would send it with everything selected."""

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        return {"quantile": "0.95", "window": "6h", **BUILT_IN}.get(name, ".+")

    return _VARIABLE.sub(value, expr)
