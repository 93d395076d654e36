"""Do two sides have different labels, so that they never meet?"""

from collections.abc import Iterator

from generator.verify.defect import Defect, Grounds
from generator.verify.expression import Binary, Node, every, selectors
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
        certain = not any(
            one.name in grounds.world.exposed
            for side in (node.left, node.right)
            for one in selectors(side)
        ) or _are_summed(left.labels, right.labels)
        selector = next(selectors(node.right), None) or next(selectors(node.left), None)
        if certain and selector:
            only = sorted(left.labels ^ right.labels)
            yield query.found(
                "error",
                "never-meets",
                f"the two sides of {node.operator} never meet: only one of them has "
                f"{', '.join(only)}",
                selector=selector,
                advice="say which labels count, with `on (...)`, or sum both sides by the same",
            )


def _are_summed(left: frozenset[str], right: frozenset[str]) -> bool:
    """Whether both sides have so few labels that they were chosen."""
    return not (left and right) or not ({"job", "instance"} & (left ^ right))


DEFECT = Defect(question="Do two sides never meet?", find=_find)
