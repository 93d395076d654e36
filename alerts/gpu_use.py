"""GPU use: do the cards work for their money?"""

from modelwatch.catalogue.inventory import POOL_THRESHOLD
from modelwatch.catalogue.recorded import (
    POOL_BUSY_MODELS,
    POOL_IDLE_COST,
    POOL_UTILIZATION,
    POOL_UTILIZATION_1D,
)
from modelwatch.promql import on, select
from modelwatch.rules import HOLD, Alert, Given, Proof, Scope, SignalClass, Urgency

_OF_POOL = on("environment", "pool")

_WORKED = 0.05
"""Utilisation over the last day below which a pool has nothing to lose."""

_IDLE = select(POOL_THRESHOLD, signal="gpu_idle", hold=HOLD)

ALERTS = [
    Alert(
        name="GpuUtilizationCollapsed",
        signal="gpu_utilization_drop",
        signal_class=SignalClass.INFRA,
        urgency=Urgency.NOW,
        scope=Scope.POOL,
        needs=("gpu_utilization",),
        condition=f"""
            1 - {POOL_UTILIZATION}
              / {_OF_POOL}
            ({POOL_UTILIZATION_1D} > {_WORKED})
              > {_OF_POOL} group_left (limit)
            {select(POOL_THRESHOLD, signal="gpu_utilization_drop", hold=HOLD)}
              and {_OF_POOL}
            ({POOL_BUSY_MODELS} > 0)
        """,
        labels=("limit",),
        hold=HOLD,
        keep_firing="5m",
        summary="The GPUs of pool {{ $labels.pool }} work {{ $value | humanizePercentage }} less "
        "than over the last day although their models have traffic; the limit is "
        "{{ $labels.limit }}.",
        description="Mean utilisation of the pool has lost more than its limit against the last "
        "day, while a model that runs there gets at least its floor of requests: the work waits "
        "somewhere, or runs on the processor.",
        action=(
            "Look at errors and queues of the pool's models: do requests reach the engine?",
            "Look for an engine that restarted without its card, or hangs: its log, XID errors.",
            "Restart the engine that hangs, one replica at a time.",
        ),
        lies="Traffic that became much lighter, such as short prompts or cached answers, needs "
        "less work from the cards.",
        board="modelwatch-gpu",
        proof=Proof(
            row=POOL_THRESHOLD,
            where={"signal": "gpu_utilization_drop"},
            reachable=lambda facts: facts.limit < 1,
            value=lambda facts: (1 + facts.limit) / 2,
            given=(
                Given(
                    metric=POOL_UTILIZATION,
                    fires=lambda facts: 0.6 * (1 - facts.limit) / 2,
                    below=lambda facts: 0.6 * (1 - 0.99 * facts.limit),
                ),
                Given(metric=POOL_UTILIZATION_1D, fires=0.6),
                Given(metric=POOL_BUSY_MODELS, fires=1, quiet=0),
            ),
        ),
    ),
    Alert(
        name="GpuPoolIdle",
        signal="gpu_idle",
        signal_class=SignalClass.COST,
        urgency=Urgency.WATCH,
        scope=Scope.POOL,
        needs=("gpu_utilization",),
        condition=f"""
            3600 * ({POOL_IDLE_COST} > 0)
              * {_OF_POOL} group_left (limit)
            group by (environment, pool, limit) (
              {POOL_UTILIZATION} < {_OF_POOL} group_left (limit) {_IDLE}
            )
        """,
        labels=("limit",),
        hold=HOLD,
        keep_firing="30m",
        summary='Pool {{ $labels.pool }} does nothing and costs {{ $value | printf "%.2f" }} USD '
        "an hour: its GPUs are busy less than its limit of {{ $labels.limit }}.",
        description="Mean utilisation of the pool has been below its limit for the whole hold "
        "time; the value is what its idle cards cost in an hour.",
        action=(
            "See on the GPU board since when the pool is idle, and which models live there.",
            "Ask their owners whether the pool can shrink at these hours.",
            "Give cards back, or move a second model to them.",
        ),
        lies="A reserve that is kept for a failover is idle by intention. Prices are the "
        "inventory's, not the bill's.",
        board="modelwatch-gpu",
        proof=Proof(
            row=POOL_THRESHOLD,
            where={"signal": "gpu_idle"},
            value=lambda _: 7.2,
            has_quiet=False,
            given=(
                Given(metric=POOL_IDLE_COST, fires=0.002),
                Given(
                    metric=POOL_UTILIZATION,
                    fires=lambda facts: 0.5 * facts.limit,
                    below=lambda facts: 1.01 * facts.limit,
                ),
            ),
        ),
    ),
]
