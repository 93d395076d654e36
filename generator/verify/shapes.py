"""Which labels an expression answers with."""

from collections.abc import Callable
from dataclasses import dataclass

from generator.verify.expression import (
    Aggregate,
    Binary,
    Call,
    Node,
    Number,
    Selector,
    Subquery,
    Text,
)
from generator.verify.matching import OPEN_NAME

_KEEPING = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
_SETS = frozenset({"and", "or", "unless"})
_SCALARS = frozenset({"time", "scalar", "pi"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Names of labels. An `open` one may have more: what a scrape adds, or nobody knows."""

    labels: frozenset[str] = frozenset()
    open: bool = False

    def __or__(self, other: "Shape") -> "Shape":
        return Shape(labels=self.labels | other.labels, open=self.open or other.open)

    def has(self, label: str) -> bool:
        """Whether the answer may have the label."""
        return self.open or label in self.labels


ANYTHING = Shape(open=True)
Looked = Callable[[Selector], Shape]
"""The shape of what a selector finds."""


def shape(node: Node, of: Looked) -> Shape | None:
    """The labels of the answer; None for a number or a text."""
    match node:
        case Number() | Text():
            return None
        case Selector():
            return of(node)
        case Subquery():
            return shape(node.inner, of)
        case Aggregate():
            return _aggregated(node, of)
        case Binary():
            return _combined(node, of)
        case Call():
            return _called(node, of)


def _aggregated(node: Aggregate, of: Looked) -> Shape:
    inner = shape(node.inner, of) or Shape()
    if node.how in _KEEPING:
        return inner
    named = frozenset(node.labels or ())
    if any(label == OPEN_NAME for label in named):
        return ANYTHING
    made = _made(node)
    if node.without:
        return Shape(labels=(inner.labels - named) | made, open=inner.open)
    return Shape(labels=frozenset(label for label in named if inner.has(label)) | made)


def _made(node: Aggregate) -> frozenset[str]:
    if node.how == "count_values" and isinstance(node.parameter, Text):
        return frozenset({node.parameter.value})
    return frozenset()


def _combined(node: Binary, of: Looked) -> Shape | None:
    left, right = shape(node.left, of), shape(node.right, of)
    if left is None or right is None:
        return right if left is None else left
    if node.operator in _SETS:
        return left | right if node.operator == "or" else left
    if node.many:
        many, one = (left, right) if node.many == "left" else (right, left)
        return Shape(
            labels=many.labels | {label for label in node.included if one.has(label)},
            open=many.open,
        )
    if node.on is not None and not node.ignoring:
        return Shape(labels=frozenset(label for label in node.on if left.has(label)))
    return left


def _called(node: Call, of: Looked) -> Shape | None:
    shapes = [found for part in node.arguments if (found := shape(part, of)) is not None]
    texts = [part.value for part in node.arguments if isinstance(part, Text)]
    if node.function in _SCALARS:
        return None
    if node.function in ("label_replace", "label_join") and shapes and texts:
        return Shape(labels=shapes[0].labels | {texts[0]}, open=shapes[0].open)
    if node.function == "histogram_quantile" and shapes:
        return Shape(labels=shapes[0].labels - {"le"}, open=shapes[0].open)
    if node.function in ("absent", "absent_over_time"):
        first = node.arguments[0]
        asked = first.matchers if isinstance(first, Selector) else ()
        return Shape(labels=frozenset(each.label for each in asked if each.operator == "="))
    if node.function == "info":
        return ANYTHING
    return shapes[0] if shapes else Shape()
