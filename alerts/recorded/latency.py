"""Latency: quantiles and means of the four distributions.

Engines have buckets of their own, so quantiles are computed per engine and the slowest one is
taken. An idle engine has no quantile: NaN is never recorded.
"""

from alerts.recorded.windows import FAST
from modelwatch.catalogue import QUANTILES as WANTED
from modelwatch.catalogue.recorded import (
    DISTRIBUTIONS,
    ENGINE_BUCKETS,
    ENGINE_COUNTS,
    ENGINE_QUANTILES,
    ENGINE_SUMS,
    MEANS,
    QUANTILES,
)
from modelwatch.promql import largest, ratio, select, total
from modelwatch.rules import Record, RecordGroup

_ENGINE = ("model", "environment", "engine")


def _quantile(signal: str, quantile: str) -> Record:
    """From buckets where the engine has them, else as the engine itself computes it."""
    buckets = total(ENGINE_BUCKETS[signal], by=(*_ENGINE, "le"))
    made = select(ENGINE_QUANTILES[signal], quantile=quantile)
    return Record(
        metric=QUANTILES[signal],
        labels={"quantile": quantile},
        expr=f"""
            max by (model, environment) (
            histogram_quantile({quantile}, {buckets}) >= 0
            or on ({", ".join(_ENGINE)})
            {largest(made, by=_ENGINE)} >= 0
            )
        """,
    )


def _mean(signal: str) -> Record:
    return Record(
        metric=MEANS[signal],
        expr=ratio(total(ENGINE_SUMS[signal]), total(ENGINE_COUNTS[signal])),
    )


GROUPS = (
    RecordGroup(
        name="modelwatch-latency",
        interval=FAST,
        records=(
            *(_quantile(signal, quantile) for signal in DISTRIBUTIONS for quantile in WANTED),
            *(_mean(signal) for signal in DISTRIBUTIONS),
        ),
    ),
)
