"""Does an alert stay long after what it is about has ended?"""

from collections.abc import Iterator

from generator.verify.defect import Defect, Grounds, peeled
from generator.verify.expression import Binary, Call, Node, Number, Selector, every
from generator.verify.finding import Finding
from generator.verify.query import Query

_LONG_S = 6 * 3600
_ANY = frozenset({"increase", "max_over_time", "changes", "count_over_time"})
_THROUGH = frozenset({"sum", "max", "avg", "count"})


def _find(query: Query, tree: Node, grounds: Grounds) -> Iterator[Finding]:
    del grounds
    if query.kind != "alert":
        return
    for node in every(tree):
        if not isinstance(node, Binary) or node.operator not in (">", ">=", "!="):
            continue
        call = peeled(node.left, _THROUGH)
        if not (isinstance(call, Call) and call.function in _ANY and call.arguments):
            continue
        selector = call.arguments[0]
        limit = node.right
        if not isinstance(selector, Selector) or not isinstance(limit, Number) or limit.value > 1:
            continue
        if (selector.range_s or 0) > _LONG_S:
            yield query.found(
                "warning",
                "never-resolves",
                f"one event keeps this alert firing for {(selector.range_s or 0) / 3600:g} hours",
                selector=selector,
                advice="use a window of an hour or less, and keep_firing_for",
            )


DEFECT = Defect(question="Does an alert fire long after its cause?", find=_find, in_ours=False)
