"""Is something added up before its rate is taken, so that each restart is a jump?"""

from collections.abc import Iterator

from generator.verify.defect import RATES, Defect, Grounds
from generator.verify.expression import Aggregate, Call, Node, Selector, Subquery, every, selectors
from generator.verify.finding import Finding
from generator.verify.query import Query

_FALLING = frozenset({"delta", "idelta", "deriv"})


def _find(query: Query, tree: Node, grounds: Grounds) -> Iterator[Finding]:
    for node in every(tree):
        if not isinstance(node, Call) or not node.arguments:
            continue
        inner = node.arguments[0]
        if node.function in RATES and isinstance(inner, Subquery) and _is_sum(inner.inner):
            selector = next(selectors(inner), None)
            if selector and grounds.kind(selector.name) != "gauge":
                yield query.found(
                    "warning",
                    "rate-of-sum",
                    f"{node.function} of a sum: when one server restarts, the sum falls and the "
                    "fall is counted as traffic",
                    selector=selector,
                    advice="take the rate first, then the sum",
                )
        elif (
            node.function in _FALLING
            and isinstance(inner, Selector)
            and (grounds.kind(inner.name) == "counter")
        ):
            yield query.found(
                "warning",
                "rate-of-sum",
                f"{node.function} of the counter {inner.name} is negative after a restart",
                selector=inner,
                advice="use rate or increase",
            )


def _is_sum(node: Node) -> bool:
    return isinstance(node, Aggregate) and node.how in ("sum", "avg", "count")


DEFECT = Defect(question="Is a sum taken before the rate?", find=_find)
