"""Is a total added to its own parts?"""

from collections.abc import Iterator

from generator.verify.defect import Defect, Grounds
from generator.verify.expression import Aggregate, Node, every, selectors
from generator.verify.finding import Finding
from generator.verify.query import Query


def _find(query: Query, tree: Node, grounds: Grounds) -> Iterator[Finding]:
    overlaps = {
        name: label
        for engine in grounds.world.engines.values()
        for name, label in engine.overlaps.items()
    }
    for node in every(tree):
        if not isinstance(node, Aggregate) or node.how != "sum":
            continue
        for selector in selectors(node):
            label = overlaps.get(selector.name)
            kept = (
                label in (node.labels or ())
                if not node.without
                else label not in (node.labels or ())
            )
            if label and not kept and all(each.label != label for each in selector.matchers):
                yield query.found(
                    "warning",
                    "overlapping-parts",
                    f"the rows of {selector.name} overlap: summed over {label}, some are counted "
                    "twice",
                    selector=selector,
                    advice=f"select the values of {label} that you mean",
                )


DEFECT = Defect(question="Is a total added to its parts?", find=_find)
