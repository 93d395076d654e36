"""Queries of Grafana dashboards: panels, annotations and variables, in every form they come in."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from generator.verify.finding import Finding
from generator.verify.json_places import NotJsonError, load
from generator.verify.query import Kind, Query, Source
from generator.verify.templating import filled, values_of
from modelwatch.problems import Place
from modelwatch.tree import Block, Items, Value

_LABEL_VALUES = re.compile(r"\s*label_values\(\s*(?P<expr>.*)\s*,\s*[\w$]+\s*\)\s*", re.DOTALL)
_QUERY_RESULT = re.compile(r"\s*query_result\(\s*(?P<expr>.*)\)\s*", re.DOTALL)
_WITHOUT_SERIES = re.compile(r"\s*(?:label_values\(\s*\w+\s*\)|label_names\(.*\)|metrics\(.*\))\s*")
_PROMETHEUS = ("prometheus", "grafana-amazonprometheus-datasource", "")
_VARIABLE = re.compile(r"\$\{?(\w+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Board:
    """What the queries of a board share."""

    source: Source
    title: str
    values: Mapping[str, str]
    datasources: Mapping[str, str]
    generated: bool
    path: tuple[str, ...] = field(default=())
    kind: Kind = "panel"
    foreign: bool = False
    datasource: str = ""


def boards(
    path: str, text: str, *, generated: bool = False
) -> tuple[tuple[Query, ...], tuple[Finding, ...]]:
    """Every query of a dashboard, and what keeps it from being read."""
    source = Source.of(path, text)
    try:
        root = load(source)
    except NotJsonError as error:
        return (), (
            _wrong(source, error.problem.line, error.problem.column, error.problem.message),
        )
    dashboards = list(_dashboards(root))
    if not dashboards:
        return (), (_wrong(source, 1, 1, "no dashboard is in it"),)
    queries: list[Query] = []
    for one in dashboards:
        templating = one.block("templating")
        board = _Board(
            source=source,
            title=one.text("title") or one.text("uid") or path,
            values=values_of(templating),
            datasources=_datasources(one, templating),
            generated=generated,
        )
        queries += _variables(templating, board)
        for key, value in one.items():
            if key not in ("templating", "__inputs", "__requires", "__elements"):
                kind: Kind = "annotation" if key == "annotations" else "panel"
                queries += _below(value, replace(board, kind=kind))
    return tuple(queries), ()


def _dashboards(root: Value) -> Iterator[Block]:
    """The dashboards in a file: bare, wrapped by an API, or several in a list."""
    if isinstance(root, Items):
        for entry in root:
            yield from _dashboards(entry)
    if not isinstance(root, Block):
        return
    for wrapper in ("dashboard", "spec"):
        if isinstance(root.get(wrapper), Block):
            yield from _dashboards(root[wrapper])
            return
    if any(key in root for key in ("panels", "rows", "elements", "templating")):
        yield root


def _datasources(one: Block, templating: Block) -> dict[str, str]:
    """The kind of data source behind each variable and input of the board."""
    variables = [entry for entry in templating.items_of("list") if isinstance(entry, Block)]
    inputs = [entry for entry in one.items_of("__inputs") if isinstance(entry, Block)]
    return {
        **{
            each.text("name"): each.text("query")
            for each in variables
            if each.text("type") == "datasource"
        },
        **{each.text("name"): each.text("pluginId") for each in inputs},
    }


def _variables(templating: Block, board: _Board) -> Iterator[Query]:
    for variable in templating.items_of("list"):
        if not isinstance(variable, Block) or variable.text("type") != "query":
            continue
        if _is_foreign(variable, board):
            continue
        holder, key = variable, "query"
        if isinstance(variable.get("query"), Block):
            holder = variable.block("query")
        text = holder.text(key) or variable.text("definition")
        if not text or _WITHOUT_SERIES.fullmatch(text):
            continue
        found = _LABEL_VALUES.fullmatch(text) or _QUERY_RESULT.fullmatch(text)
        expr = found["expr"] if found else text
        named = replace(board, path=(f"variable {variable.text('name')}",), kind="variable")
        yield _query(expr, holder.at(key), named)


def _below(value: Value, board: _Board) -> Iterator[Query]:
    """Every query anywhere below: a part with `expr` is one, whatever form the board has."""
    if isinstance(value, Items):
        for entry in value:
            yield from _below(entry, board)
    if not isinstance(value, Block):
        return
    title = value.text("title") or (value.text("name") if board.kind == "annotation" else "")
    inner = replace(
        board,
        path=(*board.path, title) if title else board.path,
        foreign=_is_foreign(value, board),
        datasource=_asked(value) or board.datasource,
    )
    if isinstance(value.get("expr"), str) and value.text("expr").strip() and not inner.foreign:
        yield _query(value.text("expr"), value.at("expr"), inner)
    for key, below in value.items():
        if key not in ("fieldConfig", "options", "datasource", "gridPos"):
            yield from _below(below, inner)


def _query(expr: str, place: Place, board: _Board) -> Query:
    tree, unreadable = filled(expr, board.values)
    return Query(
        subject=f"board {' / '.join((board.title, *board.path))}",
        kind=board.kind,
        expr=expr,
        source=board.source,
        place=place,
        tree=tree,
        unreadable=unreadable,
        datasource=board.datasource,
        generated=board.generated,
    )


def _asked(value: Block) -> str:
    """The data source of a part, as it is written."""
    return value.block("datasource").text("uid") or value.text("datasource")


def _is_foreign(value: Block, board: _Board) -> bool:
    """Whether the part, or else what is around it, asks something other than a Prometheus."""
    source = value.get("datasource")
    if isinstance(source, str):
        found = _VARIABLE.match(source)
        kind = board.datasources.get(found[1], "") if found else ""
        return kind not in _PROMETHEUS
    if not isinstance(source, Block):
        return board.foreign
    kind = source.text("type")
    if not kind and (found := _VARIABLE.match(source.text("uid"))):
        kind = board.datasources.get(found[1], "")
    return kind not in (*_PROMETHEUS, "datasource")


def _wrong(source: Source, line: int, column: int, message: str) -> Finding:
    return Finding(
        level="error",
        check="readable",
        reason="unreadable",
        subject=f"file {source.path}",
        message=message,
        advice="name the JSON model of a dashboard after --dashboards",
        path=source.path,
        line=line,
        column=column,
    )
