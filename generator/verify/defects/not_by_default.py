"""Does an exporter expose the metric only when it is told to?"""

from collections.abc import Iterator

from generator.verify.defect import Defect, Grounds
from generator.verify.expression import Node, selectors
from generator.verify.finding import Finding
from generator.verify.query import Query
from generator.verify.unknown import switched_on


def _find(query: Query, tree: Node, grounds: Grounds) -> Iterator[Finding]:
    for selector in selectors(tree):
        for name in sorted(grounds.world.owners.get(selector.name, ())):
            engine = grounds.world.engines.get(name)
            on_page = selector.name in grounds.world.exposed
            words = switched_on(selector.name, engine) if engine and on_page else ""
            if engine and words:
                yield query.found(
                    "warning",
                    "not-by-default",
                    f"{engine.title} does not expose {selector.name} in its default configuration",
                    selector=selector,
                    advice=words,
                    reason="needs-flag",
                )
                break


DEFECT = Defect(question="Is a metric exposed only on request?", find=_find, in_ours=False)
