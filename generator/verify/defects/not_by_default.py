"""Does an exporter expose the metric only when it is told to?"""

from collections.abc import Iterator

from generator.verify.defect import Defect, Grounds
from generator.verify.expression import Node, selectors
from generator.verify.finding import Finding
from generator.verify.query import Query
from generator.verify.unknown import switched_on


def _find(query: Query, tree: Node, grounds: Grounds) -> Iterator[Finding]:
    world = grounds.world
    for selector in selectors(tree):
        if selector.name not in world.exposed:
            continue  # it is dead for another reason, which says more
        owners = [world.engines[name] for name in sorted(world.owners.get(selector.name, ()))]
        words = [switched_on(selector.name, engine) for engine in owners]
        if words and all(words):
            titles = " or ".join(engine.title for engine in owners)
            yield query.found(
                "warning",
                "not-by-default",
                f"{titles} does not expose {selector.name} in its default configuration",
                selector=selector,
                advice=words[0],
                reason="needs-flag",
            )


DEFECT = Defect(question="Is a metric exposed only on request?", find=_find, in_ours=False)
