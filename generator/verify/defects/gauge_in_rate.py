"""Is the rate of something taken that goes up and down?"""

from collections.abc import Iterator

from generator.verify.defect import RATES, Defect, Grounds
from generator.verify.expression import Call, Node, Selector, every
from generator.verify.finding import Finding
from generator.verify.query import Query

_COUNTS = ("_total", "_count", "_sum", "_bucket")
"""Some exporters call a counter a gauge; its name is believed then."""


def _find(query: Query, tree: Node, grounds: Grounds) -> Iterator[Finding]:
    for node in every(tree):
        if not isinstance(node, Call) or node.function not in RATES:
            continue
        selector = node.arguments[0]
        if not isinstance(selector, Selector) or selector.name.endswith(_COUNTS):
            continue
        if grounds.kind(selector.name) == "gauge":
            yield query.found(
                "warning",
                "gauge-in-rate",
                f"{selector.name} is a gauge: {node.function} takes each fall for a restart and "
                "adds it up",
                selector=selector,
                advice="use delta or deriv, or the value itself",
            )


DEFECT = Defect(question="Is a gauge inside rate?", find=_find)
