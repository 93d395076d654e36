"""Is a share compared with per cent, or per cent with a share?"""

from collections.abc import Iterator

from generator.verify.defect import COMPARISONS, Defect, Grounds, peeled
from generator.verify.expression import Binary, Node, Number, Selector, every
from generator.verify.finding import Finding
from generator.verify.query import Query
from modelwatch.engine import Gauge, Unit
from modelwatch.supply import bare

_THROUGH = frozenset({"max", "min", "avg", "avg_over_time", "max_over_time", "min_over_time"})
_SHARES = frozenset({"kv_cache_usage", "gpu_utilization", "gpu_throttled", "host_cpu"})


def _find(query: Query, tree: Node, grounds: Grounds) -> Iterator[Finding]:
    for node in every(tree):
        if not isinstance(node, Binary) or node.operator not in COMPARISONS:
            continue
        selector, limit = peeled(node.left, _THROUGH), node.right
        if not isinstance(selector, Selector) or not isinstance(limit, Number):
            continue
        scale = _scale(selector.name, grounds)
        if scale == 1 and limit.value > 1:
            yield query.found(
                "error",
                "wrong-scale",
                f"{selector.name} is a share from 0 to 1: it never reaches {limit.value:g}",
                selector=selector,
                advice=f"compare with {limit.value / 100:g}",
            )
        elif scale == 100 and 0 < limit.value < 1:
            yield query.found(
                "warning",
                "wrong-scale",
                f"{selector.name} goes from 0 to 100: {limit.value:g} is less than one per cent",
                selector=selector,
                advice=f"compare with {limit.value * 100:g}",
            )


def _scale(name: str, grounds: Grounds) -> int:
    """How far a gauge of a share goes; 0 if it is none."""
    for owner in grounds.world.owners.get(name, ()):
        engine = grounds.world.engines.get(owner)
        for row in engine.rows if engine else ():
            if not isinstance(row, Gauge) or row.signal not in _SHARES or row.divided_by:
                continue
            if name in map(bare, row.names):
                return 100 if row.unit is Unit.PERCENT else int(row.unit is Unit.ONE)
    return 0


DEFECT = Defect(question="Is a share compared with per cent?", find=_find)
