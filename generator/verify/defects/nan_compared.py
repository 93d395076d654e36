"""Is `!=` asked of a number that may be none?"""

from collections.abc import Iterator

from generator.verify.defect import Defect, Grounds
from generator.verify.expression import Binary, Call, Node, every, selectors
from generator.verify.finding import Finding
from generator.verify.query import Query


def _find(query: Query, tree: Node, grounds: Grounds) -> Iterator[Finding]:
    del grounds
    for node in every(tree):
        if not isinstance(node, Binary) or node.operator != "!=" or node.gives_bool:
            continue
        selector = next(selectors(node.left), None)
        if selector and _may_be_nan(node.left):
            yield query.found(
                "warning",
                "nan-compared",
                "without traffic this is no number, and no number differs from every other: the "
                "condition is true for idle models",
                selector=selector,
                advice="compare with > or <, which are false then",
            )


def _may_be_nan(node: Node) -> bool:
    if isinstance(node, Call):
        return node.function == "histogram_quantile"
    return isinstance(node, Binary) and node.operator == "/"


DEFECT = Defect(question="Is a number compared by `!=` that may be none?", find=_find)
