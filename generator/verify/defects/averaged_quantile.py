"""Are quantiles averaged or added, which gives the quantile of nothing?"""

import re
from collections.abc import Iterator

from generator.verify.defect import Defect, Grounds
from generator.verify.expression import Aggregate, Call, Node, Selector, every, selectors, within
from generator.verify.finding import Finding
from generator.verify.query import Query

_AVERAGES = frozenset({"avg", "sum"})
_QUANTILE = re.compile(r"(?:^|[_:])(?:p\d\d+|quantile)(?:$|[_:])")


def _find(query: Query, tree: Node, grounds: Grounds) -> Iterator[Finding]:
    del grounds
    for node, around in within(tree):
        name = _averages(node)
        if not name or any(_averages(one) or _makes_quantile(one) for one in around):
            continue
        found = next(filter(None, map(_quantile, every(node))), None)
        if found is not None:
            yield query.found(
                "warning",
                "averaged-quantile",
                f"{name} of quantiles is no quantile: what is slow for few disappears in it",
                selector=found,
                advice="sum the buckets by le first, or take the maximum",
            )


def _averages(node: Node) -> str:
    return node.how if isinstance(node, Aggregate) and node.how in _AVERAGES else ""


def _makes_quantile(node: Node) -> bool:
    return isinstance(node, Call) and node.function == "histogram_quantile"


def _quantile(node: Node) -> Selector | None:
    if _makes_quantile(node):
        return next(selectors(node), None)
    if isinstance(node, Selector) and (
        any(each.label == "quantile" for each in node.matchers) or _QUANTILE.search(node.name)
    ):
        return node
    return None


DEFECT = Defect(question="Are quantiles averaged?", find=_find)
