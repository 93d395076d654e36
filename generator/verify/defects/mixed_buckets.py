"""Are buckets of different instrumentations added up?"""

from collections.abc import Iterator

from generator.verify.defect import Defect, Grounds
from generator.verify.expression import Aggregate, Call, Node, every, selectors
from generator.verify.finding import Finding
from generator.verify.query import Query
from generator.verify.world import World

_PLACES = frozenset({"job", "instance", "service", "service_name", "pod", "container"})


def _find(query: Query, tree: Node, grounds: Grounds) -> Iterator[Finding]:
    for node in every(tree):
        if not isinstance(node, Call) or node.function != "histogram_quantile":
            continue
        kept = {
            label
            for part in every(node)
            if isinstance(part, Aggregate) and not part.without
            for label in part.labels or ()
        }
        if kept & _PLACES:
            continue
        for selector in selectors(node.arguments[1]):
            engines = _differing(selector.name, grounds.world)
            if len(engines) > 1 and not any(one.label in _PLACES for one in selector.matchers):
                yield query.found(
                    "warning",
                    "mixed-buckets",
                    f"{selector.name} is exposed by {', '.join(engines)} with different buckets; "
                    "added up, their quantile is wrong",
                    selector=selector,
                    advice="select one job, or keep job in `by`",
                )


def _differing(name: str, world: World) -> list[str]:
    """The engines that expose the buckets, when their boundaries differ."""
    found = {
        page.engine: frozenset(labels.get("le", "") for labels in page.series[name])
        for page in world.captured
        if name in page.series and page.engine in world.owners.get(name, ())
    }
    return sorted(found) if len(set(found.values())) > 1 else []


DEFECT = Defect(question="Are buckets of different makes added up?", find=_find, in_ours=False)
