"""GPUs: is every card there, and healthy?"""

from alerts.told import told
from modelwatch.catalogue.inventory import GPU_EXPECTED, POOL_THRESHOLD
from modelwatch.catalogue.metric import Metric
from modelwatch.catalogue.recorded import (
    GPU_ECC,
    GPU_MEMORY_TOTAL,
    GPU_MEMORY_USED,
    GPU_POWER,
    GPU_POWER_LIMIT,
    GPU_TEMPERATURE,
    GPU_THROTTLED,
    GPU_UTILIZATION,
    GPU_XID_ERRORS,
    POOL_POLICY,
    POOL_PRESENT,
)
from modelwatch.promql import on, select
from modelwatch.rules import HOLD, Alert, Given, Proof, Scope, SignalClass, Urgency

_OF_POOL = on("environment", "pool")
_OF_CARD = on("environment", "pool", "host", "gpu")
_CARD = {"host": "node-1", "gpu": "0"}

# Whatever a card reports shows that it is there; not every exporter reports everything.
_PRESENT = f"({GPU_UTILIZATION} or {_OF_CARD} {GPU_MEMORY_TOTAL} or {_OF_CARD} {GPU_TEMPERATURE})"

_RISK = "Move work off the card before it fails: drain the replica that uses it."


def _over(expr: str, signal: str) -> str:
    """A value per card where it is over the limit of its pool."""
    return f"""
        {expr}
          > {_OF_POOL} group_left (limit)
        {select(POOL_THRESHOLD, signal=signal, hold=HOLD)}
    """


def _share(part: Metric, whole: Metric) -> str:
    return f"{part} / {_OF_CARD} ({whole} > 0)"


def _level(
    name: str,
    *,
    signal: str,
    value: Metric,
    whole: Metric | None = None,
    urgency: Urgency,
    needs: tuple[str, ...],
    summary: str,
    description: str,
    action: tuple[str, ...],
    lies: str,
    unless: str = "",
) -> Alert:
    """A card is over its pool's limit; with `whole`, the limit is a share of it."""
    whole_of = 400.0 if whole else 1.0
    of_whole = (Given(metric=whole, labels=_CARD, fires=whole_of),) if whole else ()
    return Alert(
        name=name,
        signal=signal,
        signal_class=SignalClass.INFRA,
        urgency=urgency,
        scope=Scope.POOL,
        needs=needs,
        condition=_over(_share(value, whole) if whole else str(value), signal) + unless,
        labels=("host", "gpu", "limit"),
        hold=HOLD,
        keep_firing="5m",
        summary=f"GPU {{{{ $labels.gpu }}}} of {{{{ $labels.host }}}} (pool "
        f"{{{{ $labels.pool }}}}) {summary}, over its limit of {{{{ $labels.limit }}}}.",
        description=description,
        action=action,
        lies=lies,
        board="modelwatch-gpu",
        proof=Proof(
            row=POOL_THRESHOLD,
            where={"signal": signal},
            labels=_CARD,
            value=lambda facts: 1.01 * facts.limit,
            has_quiet=False,
            given=(
                Given(
                    metric=value,
                    labels=_CARD,
                    fires=lambda facts: 1.01 * facts.limit * whole_of,
                    below=lambda facts: 0.99 * facts.limit * whole_of,
                ),
                *of_whole,
            ),
        ),
    )


def _new_errors(
    name: str,
    *,
    signal: str,
    errors: Metric,
    needs: tuple[str, ...],
    summary: str,
    description: str,
    action: tuple[str, ...],
    lies: str,
) -> Alert:
    """Errors that are new, not a level that stays: the alert ends when no more come."""
    return Alert(
        name=name,
        signal=signal,
        signal_class=SignalClass.INFRA,
        urgency=Urgency.SOON,
        scope=Scope.POOL,
        needs=needs,
        # A card that is gone is told as missing, by `GpuCardMissing`; its last error is no news.
        condition=f"({errors} > 0) and {_OF_CARD} {_PRESENT}",
        labels=("host", "gpu"),
        # An error is an event: the window of the series keeps it open. One minute shows whether
        # the card is still there.
        hold="1m",
        summary=f"GPU {{{{ $labels.gpu }}}} of {{{{ $labels.host }}}} (pool "
        f"{{{{ $labels.pool }}}}) had {{{{ $value | humanize }}}} {summary}; the limit is none.",
        description=description,
        action=action,
        lies=lies,
        board="modelwatch-gpu",
        proof=Proof(
            row=POOL_POLICY,
            where={"urgency": str(Urgency.SOON)},
            labels=_CARD,
            has_quiet=False,
            given=(
                Given(metric=errors, labels=_CARD, fires=2, below=0),
                Given(metric=GPU_TEMPERATURE, labels=_CARD, fires=60),
            ),
        ),
    )


ALERTS = [
    Alert(
        name="GpuCardMissing",
        signal="gpu_cards",
        signal_class=SignalClass.INFRA,
        urgency=Urgency.NOW,
        scope=Scope.POOL,
        condition=f"""
            {GPU_EXPECTED}
              - {_OF_POOL}
            ({POOL_PRESENT} or {_OF_POOL} 0 * {GPU_EXPECTED})
              > 0
        """,
        # Longer than a restart of the exporter, shorter than anybody would wait for a card.
        hold="5m",
        keep_firing="5m",
        summary="Pool {{ $labels.pool }} misses {{ $value | humanize }} of its GPUs; the limit is "
        "none.",
        description="Fewer cards report than the inventory expects. Either a card fell off its "
        "bus, a host is down, or its exporter is.",
        action=(
            "On the GPU board see which host reports fewer cards than before.",
            "Is the host up? If so, look for XID 79 in its kernel log and at the exporter.",
            "Drain the host, reset or replace the card, and watch the queue of its models.",
        ),
        lies="A card that was moved on purpose is missing until the inventory says so; an exporter "
        "that is down looks like a host without cards.",
        board="modelwatch-gpu",
        proof=Proof(
            row=GPU_EXPECTED,
            value=lambda _: 1,
            has_quiet=False,
            given=(
                Given(
                    metric=POOL_PRESENT,
                    fires=lambda facts: facts.limit - 1,
                    below=lambda facts: facts.limit,
                ),
            ),
        ),
    ),
    _new_errors(
        "GpuXidErrors",
        signal="gpu_xid",
        errors=GPU_XID_ERRORS,
        needs=("gpu_xid",),
        summary="new XID errors in 15 minutes",
        description="The driver reported errors of this card that it had not reported before. The "
        "code says whether the program, the driver or the card is at fault.",
        action=(
            "Read the code on the GPU board: 13, 31 and 43 are usually the program's, 48, 63, 64, "
            "74, 79, 94 and 95 the card's.",
            "For a code of the card: drain the host and reset the card.",
            "When it comes back, replace the card.",
        ),
        lies="Exporters that show only the last code miss a second error with the same code.",
    ),
    _new_errors(
        "GpuMemoryErrors",
        signal="gpu_ecc",
        errors=GPU_ECC,
        needs=("gpu_ecc",),
        summary="memory errors in an hour that could not be corrected",
        description="Memory of the card returned wrong data that its error correction could not "
        "repair. The program that read it was stopped, or computed with wrong numbers.",
        action=(
            _RISK,
            "Reset the card so that it maps the bad rows out.",
            "When errors come back after the reset, replace the card.",
        ),
        lies="Counters of some drivers start again with the driver: an error just before a restart "
        "is not seen.",
    ),
    _level(
        "GpuTemperatureHigh",
        signal="gpu_temperature",
        value=GPU_TEMPERATURE,
        urgency=Urgency.SOON,
        needs=("gpu_temperature",),
        summary="is {{ $value | humanize }} °C hot",
        description="The card has been hotter than the limit of its pool for the whole hold time. "
        "Next it slows itself down, then it switches off.",
        action=(
            "Compare with the other cards of the host: one hot card is a fan or its paste, all "
            "hot cards are the room.",
            "Look at throttling: does it cost speed already?",
            _RISK,
        ),
        lies="Limits differ between cards; a pool of mixed cards needs that of the weakest.",
    ),
    _level(
        "GpuThrottled",
        signal="gpu_throttled",
        value=GPU_THROTTLED,
        urgency=Urgency.SOON,
        needs=("gpu_throttled",),
        summary="is held back {{ $value | humanizePercentage }} of the time by heat or power",
        description="The card lowers its clocks to stay within heat or power limits: the same work "
        "takes longer, and latency grows without more traffic.",
        action=(
            "Look at temperature and power of the card: which of them is at its limit?",
            "Compare latency of the pool's models with last week.",
            "Improve cooling or raise the power limit; until then move work to other cards.",
        ),
        lies="A power limit that was set on purpose to save energy throttles by design.",
        # A hot card slows itself down: that is told as heat.
        unless=f"""
            unless {_OF_CARD}
            {told("GpuTemperatureHigh", over="1h")}
        """,
    ),
    _level(
        "GpuPowerAtLimit",
        signal="gpu_power",
        value=GPU_POWER,
        whole=GPU_POWER_LIMIT,
        urgency=Urgency.WATCH,
        needs=("gpu_power", "gpu_power_limit"),
        summary="draws {{ $value | humanizePercentage }} of its power limit",
        description="The card has drawn nearly all the power it may for the whole hold time: more "
        "load will lower its clocks.",
        action=(
            "Look at throttling: does it cost speed already?",
            "Compare with the other cards of the pool: is the work spread evenly?",
            "Spread the work, or raise the limit if cooling allows.",
        ),
        lies="Large batches drive a healthy card to its limit: that is what it was bought for.",
    ),
    _level(
        "GpuMemoryNearlyFull",
        signal="gpu_memory",
        value=GPU_MEMORY_USED,
        whole=GPU_MEMORY_TOTAL,
        urgency=Urgency.WATCH,
        needs=("gpu_memory_used", "gpu_memory_total"),
        summary="has {{ $value | humanizePercentage }} of its memory in use",
        description="Memory of the card has been nearly full for the whole hold time: the next "
        "large request or a second program may find none.",
        action=(
            "See which programs hold the memory: is one there that should not be?",
            "Look at KV cache and preemptions of the models in this pool.",
            "Lower the share of memory that the engine reserves, or its context length.",
        ),
        lies="Engines such as vLLM reserve most of the memory at start: then this limit belongs "
        "above what they reserve, and the KV cache tells how full they are.",
    ),
]
