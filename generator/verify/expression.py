"""An expression as a tree of plain parts, each selector with its place in the text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import promql_parser as promql

from generator.verify.matching import OPEN, Matcher

_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)"""
    r"|(?P<comment>\#[^\n]*)"
    r"|(?P<labels>\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\))"
    r"|(?P<variable>\$\{[^}]*\}|\$\w+|\[\[[^\]]*\]\])"
    r"|(?P<braces>\{(?:[^{}\"'`]|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`|\$\{[^}]*\})*\})"
    r"|(?P<name>[a-zA-Z_:][\w:]*)(?P<called>\s*\()?"
)
_WORD = r"(?<![\w:]){}(?![\w:])"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """Which series are read. `start` is where that stands in the text; `range_s` is its window."""

    name: str
    matchers: tuple[Matcher, ...] = ()
    range_s: float | None = None
    start: int = 0

    @property
    def written(self) -> str:
        """The selector as PromQL, without its window."""
        inside = ",".join(str(matcher) for matcher in self.matchers)
        return f"{self.name}{{{inside.replace(OPEN, '$')}}}" if inside else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A literal number."""

    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A literal text."""

    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A function of its arguments."""

    function: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """An aggregation; with `without`, `labels` are those that go."""

    how: str
    inner: "Node"
    labels: tuple[str, ...] | None
    without: bool = False
    parameter: "Node | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """Two sides and an operator; with `ignoring`, `on` lists the labels that do not count."""

    operator: str
    left: "Node"
    right: "Node"
    on: tuple[str, ...] | None = None
    ignoring: bool = False
    many: str = ""
    included: tuple[str, ...] = ()
    gives_bool: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Subquery:
    """An expression over time."""

    inner: "Node"
    range_s: float


Node = Selector | Number | Text | Call | Aggregate | Binary | Subquery


def parsed(expr: str, written: str = "") -> Node:
    """The tree of an expression. `written` is its text before variables were filled in.

    Raises:
        ValueError: this is no PromQL; says why.
    """
    return _Reader(written or expr).node(promql.parse(expr))


def children(node: Node) -> tuple[Node, ...]:
    """The parts directly below."""
    match node:
        case Call():
            return node.arguments
        case Aggregate():
            return (node.inner, *((node.parameter,) if node.parameter else ()))
        case Binary():
            return (node.left, node.right)
        case Subquery():
            return (node.inner,)
    return ()


def every(node: Node) -> Iterator[Node]:
    """The node and everything below it, in the order of the text."""
    yield node
    for child in children(node):
        yield from every(child)


def within(node: Node, around: tuple[Node, ...] = ()) -> Iterator[tuple[Node, tuple[Node, ...]]]:
    """Every node with what is around it, the nearest first."""
    yield node, around
    for child in children(node):
        yield from within(child, (node, *around))


def selectors(node: Node) -> Iterator[Selector]:
    """Every selector of the tree."""
    return (part for part in every(node) if isinstance(part, Selector))


def named_at(expr: str) -> Iterator[tuple[str, int]]:
    """Every name in the text that is a series, and every pair of braces without one."""
    after_name = -1
    for found in _TOKEN.finditer(expr):
        if found["name"] and not found["called"]:
            yield found["name"], found.start()
            after_name = found.end()
        elif found["braces"] and expr[after_name : found.start()].strip():
            yield "", found.start()
        elif found["variable"] and not found["text"]:
            after_name = found.end()


def occurrence(text: str, offset: int) -> tuple[str, int]:
    """The word at an offset, and how many of its kind stand before it."""
    found = re.compile(r"[a-zA-Z_:][\w:]*|\S").match(text, offset)
    word = found[0] if found else ""
    return word, len(re.findall(_pattern(word), text[:offset]))


def nth(text: str, word: str, number: int) -> int | None:
    """Where the word stands for the n-th time, counted from zero."""
    for at, found in enumerate(re.finditer(_pattern(word), text)):
        if at == number:
            return found.start()
    return None


def _pattern(word: str) -> str:
    return _WORD.format(re.escape(word)) if re.match(r"[\w:]", word) else re.escape(word)


class _Reader:
    """Turns the parser's tree into ours."""

    def __init__(self, written: str) -> None:
        self.places: dict[str, list[int]] = {}
        for name, start in named_at(written):
            self.places.setdefault(name, []).append(start)

    def node(self, found: Any) -> Node:  # noqa: PLR0911 - a table of kinds
        """One node; brackets and signs say nothing about series."""
        match found:
            case promql.ParenExpr() | promql.UnaryExpr():
                return self.node(found.expr)
            case promql.NumberLiteral():
                return Number(value=float(found.val))
            case promql.StringLiteral():
                return Text(value=str(found.val))
            case promql.VectorSelector():
                return self.selector(found, None)
            case promql.MatrixSelector():
                return self.selector(found.vector_selector, _seconds(found.range))
            case promql.SubqueryExpr():
                return Subquery(inner=self.node(found.expr), range_s=_seconds(found.range))
            case promql.Call():
                arguments = tuple(self.node(argument) for argument in found.args)
                return Call(function=found.func.name, arguments=arguments)
            case promql.AggregateExpr():
                return self.aggregate(found)
            case promql.BinaryExpr():
                return self.binary(found)
        raise ValueError(f"a part that is not understood: {type(found).__name__}")

    def selector(self, found: Any, range_s: float | None) -> Selector:
        """A selector, with the next place in the text at which its name stands."""
        name = found.name or ""
        matchers = [
            Matcher(label=each.name, operator=_OPERATORS[str(each.op)], value=each.value)
            for each in found.matchers.matchers
        ]
        known = self.places.get(name) or [0]
        start = known.pop(0) if len(known) > 1 else known[0]
        for matcher in matchers:
            if not name and matcher.label == "__name__" and matcher.operator == "=":
                name = matcher.value
        if found.matchers.or_matchers:  # either group may be met: taken as met
            matchers = [Matcher(label="__name__", operator="=~", value=OPEN)]
        return Selector(
            name=name,
            matchers=tuple(each for each in matchers if not (name and each.label == "__name__")),
            range_s=range_s,
            start=start,
        )

    def aggregate(self, found: Any) -> Aggregate:
        """An aggregation."""
        parameter = found.param
        modifier = found.modifier
        by = tuple(modifier.labels) if modifier else None
        return Aggregate(
            how=str(found.op),
            parameter=None if parameter is None else self.node(parameter),
            inner=self.node(found.expr),
            labels=by,
            without=modifier is not None and modifier.type == promql.AggModifierType.Without,
        )

    def binary(self, found: Any) -> Binary:
        """An operator with how its sides are matched."""
        left, right = self.node(found.lhs), self.node(found.rhs)
        modifier = found.modifier
        matching = modifier.matching if modifier else None
        cardinality = str(modifier.card) if modifier else ""
        return Binary(
            operator=str(found.op),
            left=left,
            right=right,
            on=tuple(matching.labels) if matching else None,
            ignoring=getattr(matching, "type", None) == promql.LabelModifierType.Exclude,
            many="left" if "ManyToOne" in cardinality else "right" * ("OneToMany" in cardinality),
            included=tuple(modifier.group_labels or ()) if modifier else (),
            gives_bool=bool(modifier and modifier.return_bool),
        )


def _seconds(window: Any) -> float:
    return float(window.total_seconds())


_OPERATORS = {
    "MatchOp.Equal": "=",
    "MatchOp.NotEqual": "!=",
    "MatchOp.Re": "=~",
    "MatchOp.NotRe": "!~",
}
