"""Does one model's failure drown in the traffic of all the others?"""

import re
from collections.abc import Iterator

from generator.verify.defect import RATES, Defect, Grounds
from generator.verify.expression import Aggregate, Binary, Call, Node, Selector, every, selectors
from generator.verify.finding import Finding
from generator.verify.query import Query

_FAILING = re.compile(
    r"err|fail|abort|reject|timeout|exception|bad|5xx|4xx|^[45]\.\.|^5", re.IGNORECASE
)
_PLACES = frozenset({"job", "instance", "service", "deployment", "pod", "container", "model"})


def _find(query: Query, tree: Node, grounds: Grounds) -> Iterator[Finding]:
    if query.kind not in ("alert", "series"):
        return  # on a board, the whole fleet in one number is a fair first question
    for node in every(tree):
        if not isinstance(node, Binary) or node.operator != "/":
            continue
        if not (_is_whole(node.left) and _is_whole(node.right)):
            continue
        failing = next((each for each in selectors(node.left) if _is_failing(each)), None)
        if failing and not any(_is_of_one(each) for each in selectors(node.left)):
            yield query.found(
                "warning",
                "fleet-ratio",
                "this error ratio is of everything together: a model with little traffic can fail "
                "completely and not move it",
                selector=failing,
                advice=f"sum both sides by ({_model_label(failing, grounds)})",
            )


def _is_whole(node: Node) -> bool:
    """Whether it is the sum of rates of all series, told apart by nothing."""
    while isinstance(node, Binary) and node.operator in ("or", ">"):
        node = node.left
    if not isinstance(node, Aggregate) or node.how != "sum" or node.labels or node.without:
        return False
    return any(isinstance(part, Call) and part.function in RATES for part in every(node))


def _is_failing(selector: Selector) -> bool:
    said = [each.value for each in selector.matchers if each.operator in ("=", "=~")]
    return any(map(_FAILING.search, (selector.name, *said)))


def _is_of_one(selector: Selector) -> bool:
    """Whether the selector names one place or model."""
    return any(
        each.operator == "=" and (each.label in _PLACES or "model" in each.label)
        for each in selector.matchers
    )


def _model_label(selector: Selector, grounds: Grounds) -> str:
    for name in grounds.world.owners.get(selector.name, ()):
        engine = grounds.world.engines.get(name)
        if engine and engine.model_label:
            return engine.model_label.split(" or ")[0]
    return "model"


DEFECT = Defect(question="Is an error ratio summed over a whole fleet?", find=_find)
