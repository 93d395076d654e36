"""GPU pools: how many cards report, how busy are they, for whom, and what do idle ones cost?

The series of single cards are written by the engine layer.
"""

from alerts.recorded.windows import FAST, MID
from modelwatch.catalogue.gpu_usage import (
    GPU_MODEL_CARD_SECONDS_TOTAL,
    GPU_MODEL_COST_TOTAL,
    GPU_MODEL_IDLE_COST_TOTAL,
    GPU_MODEL_MEMORY,
    MODEL_CARD_COST,
    MODEL_CARD_IDLE_COST,
    MODEL_CARD_MEMORY,
    MODEL_CARDS,
)
from modelwatch.catalogue.inventory import GPU_PRICE, GPU_SOURCE, POOL_THRESHOLD
from modelwatch.catalogue.recorded import (
    CARD,
    GPU_MEMORY_TOTAL,
    GPU_TEMPERATURE,
    GPU_UTILIZATION,
    POOL,
    POOL_IDLE_COST,
    POOL_PRESENT,
    POOL_UTILIZATION,
)
from modelwatch.promql import largest, on, or_zero, rate, select, total
from modelwatch.rules import Record, RecordGroup

_POOL = ", ".join(POOL)
# Whatever a card reports shows that it is there; not every exporter reports everything.
_CARDS = " or ".join(
    f"group by ({', '.join(CARD)}) ({metric})"
    for metric in (GPU_UTILIZATION, GPU_MEMORY_TOTAL, GPU_TEMPERATURE)
)
_LIMIT = largest(select(POOL_THRESHOLD, signal="gpu_idle"), by=POOL)
# Only cards that were there an hour ago were idle for an hour.
_IDLE = f"""
    count by ({_POOL}) (
    avg_over_time({GPU_UTILIZATION}[1h]) < {on(*POOL)} group_left () {_LIMIT}
    and {on(*CARD)} {GPU_UTILIZATION} offset 1h
    )
"""
_PRICE = largest(GPU_PRICE, by=POOL)
_USED_POOLS = f"group by ({_POOL}) ({GPU_UTILIZATION})"

GROUPS = (
    RecordGroup(
        name="modelwatch-gpu",
        interval=FAST,
        records=(
            Record(
                metric=POOL_PRESENT,
                expr=or_zero(f"count by ({_POOL}) ({_CARDS})", largest(GPU_SOURCE, by=POOL)),
            ),
            Record(metric=POOL_UTILIZATION, expr=f"avg by ({_POOL}) ({GPU_UTILIZATION})"),
        ),
    ),
    RecordGroup(
        name="modelwatch-gpu-mid",
        interval=MID,
        records=(
            Record(
                metric=POOL_IDLE_COST,
                expr=f"{or_zero(_IDLE, _USED_POOLS)} * {on(*POOL)} {_PRICE} / 3600",
            ),
            Record(
                metric=MODEL_CARDS,
                expr=total(rate(GPU_MODEL_CARD_SECONDS_TOTAL, over="15m"), by=MODEL_CARDS.labels),
            ),
            Record(
                metric=MODEL_CARD_MEMORY,
                expr=total(GPU_MODEL_MEMORY, by=MODEL_CARD_MEMORY.labels),
            ),
            Record(
                metric=MODEL_CARD_COST,
                expr=total(rate(GPU_MODEL_COST_TOTAL, over="1h"), by=MODEL_CARD_COST.labels),
            ),
            Record(
                metric=MODEL_CARD_IDLE_COST,
                expr=total(
                    rate(GPU_MODEL_IDLE_COST_TOTAL, over="1h"), by=MODEL_CARD_IDLE_COST.labels
                ),
            ),
        ),
    ),
)
