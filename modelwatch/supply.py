"""What an engine can supply: which canonical signals, how, and what it reads for them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from modelwatch import buckets
from modelwatch.catalogue.recorded import DISTRIBUTIONS
from modelwatch.engine import (
    Counter,
    Engine,
    Expression,
    Gauge,
    Histogram,
    Kind,
    Mean,
    Quantiles,
    Row,
)

How = Literal["histogram", "quantile", "mean", "value"]

SIGNALS_OF: Mapping[Kind, tuple[str, ...]] = {
    "model": (
        "requests",
        "request_duration",
        "time_to_first_token",
        "inter_token_latency",
        "queue_duration",
        "prompt_length",
        "output_length",
        "requests_running",
        "requests_waiting",
        "tokens",
        "cost",
        "kv_cache_usage",
        "preemptions",
        "batch_size",
    ),
    "gpu": (
        "gpu_utilization",
        "gpu_memory_used",
        "gpu_memory_total",
        "gpu_power",
        "gpu_power_limit",
        "gpu_temperature",
        "gpu_throttled",
        "gpu_xid",
        "gpu_ecc",
    ),
    "host": ("host_cpu", "host_memory", "host_disk"),
}
"""The signals that an engine of a kind either supplies or declares unavailable."""

SIGNALS = tuple(signal for signals in SIGNALS_OF.values() for signal in signals)
"""Every canonical engine signal."""

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_PARTS = ("_bucket", "_sum", "_count")


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """How an engine supplies a signal, by its best row.

    `buckets` are finite boundaries in base units, empty where they are configured at the engine;
    there are `boundaries` of them at the most. `quantiles` are those that the engine computes
    itself. `has_mean` says that a mean exists even where `how` is a quantile. `opt_in` says what
    must be switched on for it, `has_default` that a lesser row comes without. `values` are the
    outcomes or token kinds that it tells apart, `shared` those of them that it counts for a whole
    server only, where it tells models apart otherwise.
    """

    how: How
    buckets: tuple[Decimal, ...] = ()
    boundaries: int = 0
    quantiles: tuple[str, ...] = ()
    has_mean: bool = False
    opt_in: str = ""
    has_default: bool = True
    values: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()


def supply(engine: Engine, signal: str) -> Supply | None:
    """How the engine supplies the signal, None when it cannot."""
    rows = [row for row in engine.rows if row.signal == signal]
    if not rows:
        return None
    histogram = _histogram(engine, signal)
    quantiles = [row for row in rows if isinstance(row, Quantiles)]
    own = [quantile for row in quantiles for quantile in row.metrics]
    if signal in DISTRIBUTIONS:
        own += [row.value for row in rows if isinstance(row, Expression) and row.value]
    own_rows = [row for row in rows if not (engine.model_label and row.model_label == "")]
    values = () if signal in DISTRIBUTIONS else _values(rows)
    best: Row = histogram or (quantiles[0] if quantiles else rows[0])
    return Supply(
        how=_how(histogram, own, rows),
        buckets=_in_base_units(histogram) if histogram else (),
        boundaries=len(histogram.buckets) or histogram.longest if histogram else 0,
        quantiles=tuple(own),
        has_mean=any(isinstance(row, Histogram | Mean) for row in rows),
        opt_in=best.opt_in,
        has_default=any(not row.opt_in for row in rows),
        values=values,
        shared=tuple(value for value in values if value not in _values(own_rows)),
    )


def _how(histogram: Histogram | None, own: list[str], rows: list[Row]) -> How:
    if histogram:
        return "histogram"
    if own or any("quantile" in row.labels for row in rows if isinstance(row, Expression)):
        return "quantile"
    return "mean" if any(isinstance(row, Mean) for row in rows) else "value"


def _values(rows: list[Row]) -> tuple[str, ...]:
    found = [
        value
        for row in rows
        if isinstance(row, Counter)
        for value in (*row.values, row.rest, row.value)
    ]
    found += [row.value for row in rows if isinstance(row, Expression)]
    return tuple(dict.fromkeys(value for value in found if value))


def _histogram(engine: Engine, signal: str) -> Histogram | None:
    rows = (row for row in engine.rows if isinstance(row, Histogram) and row.signal == signal)
    return next(rows, None)


def _in_base_units(row: Histogram) -> tuple[Decimal, ...]:
    return tuple(boundary * Decimal(row.unit.factor) for boundary in row.buckets)


def bucket_label(engine: Engine, signal: str, seconds: Decimal) -> str | None:
    """The exact `le` of the recorded bucket at this boundary, None when there is none.

    Where the engine's buckets are configurable the boundary is taken on trust.
    """
    row = _histogram(engine, signal)
    if row is None:
        return None
    boundary = seconds / Decimal(row.unit.factor)
    if row.buckets and boundary not in row.buckets:
        return None
    return buckets.label(boundary, row.unit)


def unavailable(engine: Engine) -> Mapping[str, str]:
    """Signals that the engine cannot supply, each with the reason in words."""
    return engine.unavailable


def metrics_read(engine: Engine) -> frozenset[str]:
    """Every vendor metric that the engine's rules may read."""
    return frozenset(name for row in engine.rows for name in metrics_of(row))


def metrics_of(row: Row) -> list[str]:
    """Every vendor metric that one row reads."""
    match row:
        case Histogram():
            return [f"{bare(name)}{part}" for name in row.names for part in _PARTS]
        case Mean():
            return [bare(name) for name in (*row.sums, *row.counts)]
        case Quantiles():
            return [bare(name) for name in row.metrics.values()]
        case Gauge():
            return [bare(name) for name in (*row.names, *row.divided_by)]
        case Counter():
            subtracted = [name for names in row.minus for name in names]
            return [bare(name) for name in (*row.names, *subtracted)]
        case Expression():
            return [bare(name) for name in row.metrics]


def bare(metric: str) -> str:
    """The name in a metric that may be written as a selector."""
    found = _NAME.match(metric)
    return found[0] if found else metric
