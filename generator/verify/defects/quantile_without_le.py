"""Can a quantile be computed from what is left of the buckets?"""

from collections.abc import Iterator

from generator.verify.defect import RATES, Defect, Grounds
from generator.verify.expression import (
    Aggregate,
    Call,
    Node,
    Subquery,
    every,
    selectors,
)
from generator.verify.finding import Finding
from generator.verify.query import Query


def _find(query: Query, tree: Node, grounds: Grounds) -> Iterator[Finding]:
    del grounds
    for node in every(tree):
        if not isinstance(node, Call) or node.function != "histogram_quantile":
            continue
        inner = node.arguments[1]
        bucket = next((one for one in selectors(inner) if one.name.endswith("_bucket")), None)
        if bucket is None:
            continue  # a native histogram needs no label, and other series say so in their names
        if any(map(_drops_le, every(inner))):
            yield query.found(
                "error",
                "quantile-without-le",
                "the label le is summed away, so this quantile never has a value",
                selector=bucket,
                advice="add le to the labels of `by`",
            )
        elif not any(map(_takes_rate, every(inner))):
            yield query.found(
                "warning",
                "quantile-without-le",
                "this quantile is over everything since the server started, not over a window",
                selector=bucket,
                advice="take the rate of the buckets first",
            )


def _drops_le(node: Node) -> bool:
    if not isinstance(node, Aggregate) or node.how in ("topk", "bottomk"):
        return False
    named = node.labels or ()
    return ("le" in named) if node.without else ("le" not in named)


def _takes_rate(node: Node) -> bool:
    return isinstance(node, Subquery) or (
        isinstance(node, Call) and (node.function in RATES or node.function.endswith("_over_time"))
    )


DEFECT = Defect(question="Does histogram_quantile get its buckets?", find=_find)
