"""Do two sides have different labels, so that they never meet?"""

from collections.abc import Iterator

from generator.verify.defect import Defect, Grounds
from generator.verify.expression import (
    Aggregate,
    Binary,
    Call,
    Node,
    Number,
    Selector,
    Text,
    every,
    selectors,
)
from generator.verify.finding import Finding
from generator.verify.query import Query
from generator.verify.shapes import shape

_SETS = frozenset({"or", "unless"})


def _find(query: Query, tree: Node, grounds: Grounds) -> Iterator[Finding]:
    for node in every(tree):
        if not isinstance(node, Binary) or node.operator in _SETS or node.on is not None:
            continue
        left, right = shape(node.left, grounds.shape_of), shape(node.right, grounds.shape_of)
        if left is None or right is None or left.open or right.open or left == right:
            continue
        selector = next(selectors(node.right), None) or next(selectors(node.left), None)
        if selector and all(_is_chosen(side, grounds) for side in (node.left, node.right)):
            only = sorted(left.labels ^ right.labels)
            yield query.found(
                "error",
                "never-meets",
                f"the two sides of {node.operator} never meet: only one of them has "
                f"{', '.join(only)}",
                selector=selector,
                advice="say which labels count, with `on (...)`, or sum both sides by the same",
            )


def _is_chosen(node: Node, grounds: Grounds) -> bool:
    """Whether somebody wrote down which labels there are: a page may show only some of them."""
    match node:
        case Aggregate():
            return True
        case Selector():
            return node.name in grounds.world.recorders
        case Binary():
            sides = (node.left, node.right)
            return all(_is_chosen(side, grounds) or isinstance(side, Number) for side in sides)
        case Call() if node.arguments:
            return all(_is_chosen(one, grounds) for one in node.arguments if _is_vector(one))
    return False


def _is_vector(node: Node) -> bool:
    return not isinstance(node, Number | Text)


DEFECT = Defect(question="Do two sides never meet?", find=_find)
