"""Rules of device exporters: cards and hosts of GPU pools.

All engines of a kind share their rules, because the series of a card do not name the engine. Two
pools may have different engines; a card that two engines see under one name is taken from the
first.
"""

from collections.abc import Iterator, Sequence

from generator import engine_promql as vendor
from generator.engine_joins import Joins, recorded_by
from modelwatch.catalogue import recorded as series
from modelwatch.catalogue.metric import Metric
from modelwatch.engine import Counter, Expression, Gauge, Kind, Row
from modelwatch.problems import DefinitionError
from modelwatch.rules import Record

_CARD = {
    "gpu_utilization": series.GPU_UTILIZATION,
    "gpu_memory_used": series.GPU_MEMORY_USED,
    "gpu_memory_total": series.GPU_MEMORY_TOTAL,
    "gpu_power": series.GPU_POWER,
    "gpu_power_limit": series.GPU_POWER_LIMIT,
    "gpu_temperature": series.GPU_TEMPERATURE,
    "gpu_throttled": series.GPU_THROTTLED,
    "gpu_xid": series.GPU_XID,
    "gpu_ecc": series.GPU_ECC,
}
_HOST = {
    "host_cpu": series.HOST_CPU,
    "host_memory": series.HOST_MEMORY,
    "host_disk": series.HOST_DISK,
}
_NEW_XID = f"(changes({series.GPU_XID}[15m])\nand {series.GPU_XID} != 0)"
"""New codes, from our own recording: the exporter's series is another one after each code."""


def pool_records(kind: Kind, joins: Sequence[Joins]) -> Iterator[Record]:
    """One rule per signal that any of the engines supplies."""
    for signal, metric in (_CARD if kind == "gpu" else _HOST).items():
        supplied = [
            (join, row) for join in joins for row in join.engine.rows if row.signal == signal
        ]
        if signal == "gpu_xid":
            yield from _xid(supplied)
        elif supplied:
            yield _record(metric, [_joined(join, row) for join, row in supplied])


Supplied = list[tuple[Joins, Row]]


def _xid(supplied: Supplied) -> Iterator[Record]:
    """The last code where it is exposed, and how many new ones there were in any case."""
    codes = [(join, row) for join, row in supplied if isinstance(row, Gauge)]
    if codes:
        yield _record(series.GPU_XID, [_joined(join, row) for join, row in codes])
    counted = [
        join.join(vendor.increase(row, join.engine, over="15m"))
        for join, row in supplied
        if isinstance(row, Counter)
    ]
    new = [_NEW_XID] if codes else []
    if new or counted:
        yield _record(series.GPU_XID_ERRORS, [*new, *counted])


def _joined(join: Joins, row: Row) -> str:
    match row:
        case Counter() if row.signal == "gpu_ecc":
            vector = vendor.increase(row, join.engine, over="1h")
        case Counter():
            vector = vendor.counter_rate(row, join.engine)
        case Gauge():
            vector = vendor.gauge(row, join.engine)
        case Expression():
            vector = vendor.expression(row, join.engine)
        case _:
            raise DefinitionError(f"{join.engine.name}: {row.signal} of a card is one number")
    return join.join(vector)


def _record(metric: Metric, vectors: list[str]) -> Record:
    by = metric.labels
    return Record(
        metric=metric,
        expr=vendor.choice([recorded_by(vector, by, how="max") for vector in vectors], by),
    )
