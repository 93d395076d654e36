"""Engines that the inventory describes itself: any metric or PromQL under a canonical signal."""

import re
from collections.abc import Mapping

from modelwatch.catalogue import QUANTILES
from modelwatch.catalogue.recorded import DISTRIBUTIONS, LENGTHS
from modelwatch.engine import (
    Combine,
    Counter,
    Engine,
    Expression,
    Gauge,
    Histogram,
    Quantiles,
    Row,
    Unit,
)
from modelwatch.inventory import CustomEngine, CustomSignal
from modelwatch.promql import select
from modelwatch.supply import SIGNALS_OF

UNITS: Mapping[str, Unit] = {"": Unit.ONE, **{unit.value[0]: unit for unit in Unit}}
"""Units as people write them in the inventory."""

PART_LABELS = {"requests": "outcome", "tokens": "kind"}
"""Signals that have parts, and the canonical label that names them."""

_RATES = ("requests", "tokens", "cost", "preemptions")
_NOT_MAPPED = "the inventory maps nothing to it"
_NO_METRICS = (
    re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'"),  # texts, first: braces may be in them
    re.compile(r"\{[^}]*\}|\[[^]]*\]"),
    re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", re.IGNORECASE),
)
_WORD = re.compile(r"(?<![\w:.])([a-zA-Z_:][\w:]*)(?!\s*\(|[\w:])")
_KEYWORDS = frozenset(
    ["and", "or", "unless", "offset", "bool", "inf", "nan", "atan2", "group_left", "group_right"]
)


def engine(custom: CustomEngine) -> Engine:
    """The engine that the inventory's description amounts to, what cannot be meant left out."""
    mapped = {signal.signal for signal in custom.signals}
    return Engine(
        name=custom.name,
        title=custom.name,
        versions=(),
        port=custom.port,
        path=custom.path,
        model_label=custom.model_label,
        rows=tuple(
            _row(signal) for signal in custom.signals if signal.signal in SIGNALS_OF["model"]
        ),
        unavailable={signal: _NOT_MAPPED for signal in SIGNALS_OF["model"] if signal not in mapped},
    )


def parts(signal: CustomSignal) -> tuple[str, ...]:
    """What an entry records of its signal: outcomes, kinds, quantiles, or `""` for all of it."""
    if signal.signal in DISTRIBUTIONS:
        return tuple(_quantiles(signal)) if signal.kind == "gauge" else (signal.kind,)
    part = PART_LABELS.get(signal.signal, "")
    if not part:
        return ("",)
    if signal.kind == "promql" and signal.label == part:
        return ()
    return tuple(signal.values) if signal.label else (_only_part(signal),)


def _row(signal: CustomSignal) -> Row:
    if signal.kind == "promql":
        return _promql(signal)
    unit = UNITS.get(signal.unit, Unit.ONE)
    seconds = Unit.SECONDS if unit is Unit.ONE else unit
    if signal.signal in LENGTHS:
        return Histogram(
            signal=signal.signal, names=(signal.metric,), buckets=signal.buckets, unit=unit
        )
    if signal.signal in DISTRIBUTIONS and signal.kind == "histogram":
        return Histogram(
            signal=signal.signal, names=(signal.metric,), buckets=signal.buckets, unit=seconds
        )
    if signal.signal in DISTRIBUTIONS:
        return Quantiles(signal=signal.signal, metrics=_quantiles(signal), unit=seconds)
    if signal.kind == "gauge" and signal.signal not in _RATES:
        across: Combine = "max" if signal.signal == "kv_cache_usage" else "sum"
        return Gauge(signal=signal.signal, names=(signal.metric,), unit=unit, across=across)
    return _counter(signal, unit)


def _counter(signal: CustomSignal, unit: Unit) -> Counter:
    """A counter, what a histogram counts or sums up, or a gauge that is a rate already."""
    part = {"requests": "_count"}.get(signal.signal, "_sum") if signal.kind == "histogram" else ""
    return Counter(
        signal=signal.signal,
        names=(f"{signal.metric}{part}",),
        label=signal.label,
        values=signal.values if signal.label else {},
        value="" if signal.label else _only_part(signal),
        unit=unit,
        period_s=1 if signal.kind == "gauge" else 0,
    )


def _quantiles(signal: CustomSignal) -> dict[str, str]:
    """The metric of each quantile: rows of one metric by its label, or all of it is one."""
    if not signal.label:
        return {signal.value or "0.95": signal.metric}
    rows = signal.values or {quantile: quantile for quantile in QUANTILES}
    return {
        quantile: select(signal.metric, {signal.label: f"~{pattern}"})
        for quantile, pattern in rows.items()
    }


def _promql(signal: CustomSignal) -> Expression:
    part = "quantile" if signal.signal in DISTRIBUTIONS else PART_LABELS.get(signal.signal, "")
    keeps = bool(part) and signal.label == part
    return Expression(
        signal=signal.signal,
        expr=signal.promql,
        metrics=metrics_of(signal.promql),
        labels=(part,) if keeps else (),
        value="" if keeps else _only_part(signal),
        across="max" if signal.signal in (*DISTRIBUTIONS, "kv_cache_usage") else "sum",
    )


def _only_part(signal: CustomSignal) -> str:
    """What all of it is: the value named, else a success, an output token, a p95."""
    usual = {"requests": "success", "tokens": "output"}
    default = "0.95" if signal.signal in DISTRIBUTIONS else usual.get(signal.signal, "")
    return signal.value or default


def metrics_of(promql: str) -> tuple[str, ...]:
    """Names of the metrics that an expression reads."""
    for ignored in _NO_METRICS:
        promql = ignored.sub(" ", promql)
    words = _WORD.findall(promql)
    return tuple(dict.fromkeys(word for word in words if word.lower() not in _KEYWORDS))
