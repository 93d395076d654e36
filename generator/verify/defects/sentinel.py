"""Is a value compared that is no measurement?"""

from collections.abc import Iterator

from generator.verify.defect import Defect, Grounds, peeled
from generator.verify.expression import Binary, Node, Number, Selector, every
from generator.verify.finding import Finding
from generator.verify.query import Query

_ABOVE = frozenset({">", ">="})
_THROUGH = frozenset({"max", "min", "sum", "avg", "max_over_time", "last_over_time"})


def _find(query: Query, tree: Node, grounds: Grounds) -> Iterator[Finding]:
    for node in every(tree):
        if not isinstance(node, Binary) or node.operator not in _ABOVE:
            continue
        compared = peeled(node.left, _THROUGH)
        if not isinstance(compared, Selector) or not isinstance(node.right, Number):
            continue
        for engine in grounds.world.engines.values():
            if words := engine.sentinels.get(compared.name):
                yield query.found(
                    "warning",
                    "sentinel",
                    f"{compared.name} {node.operator} {node.right.value:g} compares what is no "
                    f"measurement: {words.partition('; ')[0]}",
                    selector=compared,
                    advice=words.partition("; ")[2],
                )


DEFECT = Defect(question="Is a code or a mark compared as if it were a measurement?", find=_find)
