"""Is something grouped by a label that its series do not have?"""

from collections.abc import Iterator

from generator.verify.defect import Defect, Grounds
from generator.verify.expression import Aggregate, Node, every, selectors
from generator.verify.finding import Finding
from generator.verify.query import Query
from generator.verify.shapes import shape


def _find(query: Query, tree: Node, grounds: Grounds) -> Iterator[Finding]:
    for node in every(tree):
        if not isinstance(node, Aggregate) or node.without or not node.labels:
            continue
        inner = shape(node.inner, grounds.shape_of)
        if inner is None or inner.open:
            continue
        added = grounds.world.target_labels
        missing = [one for one in node.labels if not inner.has(one) and one not in added]
        selector = next(selectors(node), None)
        if missing and selector:
            have = ", ".join(sorted(inner.labels - added)) or "none"
            yield query.found(
                "error",
                "group-label",
                f"what is grouped by {', '.join(missing)} has no such label; it has {have}",
                selector=selector,
                advice="group by one of these",
                reason="label-missing",
            )


DEFECT = Defect(question="Is a label grouped by that is not there?", find=_find, in_ours=False)
