"""Does an absence go unseen while one of several is still there?"""

from collections.abc import Iterator

from generator.verify.defect import Defect, Grounds
from generator.verify.expression import Aggregate, Call, Node, Selector, every, selectors
from generator.verify.finding import Finding
from generator.verify.query import Query


def _find(query: Query, tree: Node, grounds: Grounds) -> Iterator[Finding]:
    del grounds
    for node in every(tree):
        if not isinstance(node, Call) or not node.function.startswith("absent"):
            continue
        inner = node.arguments[0]
        selector = next(selectors(inner), None)
        if isinstance(inner, Selector) and any(
            each.operator == "=~"
            and ("|" in each.value or "*" in each.value or "+" in each.value)
            and not each.is_open
            for each in inner.matchers
        ):
            yield query.found(
                "warning",
                "absent-of-many",
                f"{node.function} of {inner.written} stays silent until all of them are gone",
                selector=inner,
                advice="compare with a series that says which there should be: "
                "`expected unless on (...) seen`",
            )
        elif isinstance(inner, Aggregate) and inner.labels and selector:
            yield query.found(
                "warning",
                "absent-of-many",
                f"{node.function} of a sum by {', '.join(inner.labels)} has none of these labels, "
                "and stays silent until all are gone",
                selector=selector,
                advice="compare with a series that says which there should be: "
                "`expected unless on (...) seen`",
            )


DEFECT = Defect(question="Is the absence of one of many missed?", find=_find)
