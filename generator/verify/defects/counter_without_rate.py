"""Is a counter looked at that only says how long a server has been up?"""

from collections.abc import Iterator

from generator.verify.defect import COMPARISONS, RATES, Defect, Grounds
from generator.verify.expression import (
    Aggregate,
    Binary,
    Call,
    Node,
    Selector,
    Subquery,
    selectors,
    within,
)
from generator.verify.finding import Finding
from generator.verify.query import Query

_MEANT = RATES | {
    "absent",
    "absent_over_time",
    "changes",
    "resets",
    "timestamp",
    "count_over_time",
    "present_over_time",
    "delta",
    "idelta",
    "deriv",
    "predict_linear",
    "count",
    "group",
    "count_values",
}


def _find(query: Query, tree: Node, grounds: Grounds) -> Iterator[Finding]:
    if query.kind not in ("alert", "panel", "series"):
        return
    for node, around in within(tree):
        if not isinstance(node, Selector) or grounds.kind(node.name) != "counter":
            continue
        if node.name.endswith("_created") or any(_is_meant(node, one) for one in around):
            continue
        if query.kind == "series" and not any(map(_compares, around)):
            continue  # a rule may keep a sum of counters for others to take the rate of
        yield query.found(
            "warning",
            "counter-without-rate",
            f"{node.name} is a counter: its value says how long it has counted, not how much now",
            selector=node,
            advice="use rate or increase over a window",
        )


def _compares(node: Node) -> bool:
    return isinstance(node, Binary) and node.operator in COMPARISONS


def _is_meant(selector: Selector, around: Node) -> bool:
    match around:
        case Call():
            return around.function in _MEANT
        case Aggregate():
            return around.how in _MEANT
        case Subquery():
            return True
        case Binary(operator="-"):
            sides = [{one.name for one in selectors(side)} for side in (around.left, around.right)]
            return all(selector.name in side for side in sides)
        case Binary(operator="and" | "unless"):
            return selector in tuple(selectors(around.right))
    return False


DEFECT = Defect(question="Is a counter looked at without rate?", find=_find, in_ours=False)
