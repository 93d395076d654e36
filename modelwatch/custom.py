"""Engines that the inventory describes itself: any metric or PromQL under a canonical signal."""

import re
from collections.abc import Mapping

from modelwatch.catalogue import QUANTILES
from modelwatch.catalogue.recorded import DISTRIBUTIONS
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
from modelwatch.problems import DefinitionError
from modelwatch.supply import SIGNALS_OF

UNITS: Mapping[str, Unit] = {"": Unit.ONE, **{unit.value[0]: unit for unit in Unit}}
"""Units as people write them in the inventory."""

PART_LABELS = {"requests": "outcome", "tokens": "kind"}
"""Signals that have parts, and the canonical label that names them."""

_RATES = ("requests", "tokens", "cost", "preemptions")
_KINDS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(SIGNALS_OF["model"], ("gauge", "promql")),
    **dict.fromkeys(DISTRIBUTIONS, ("histogram", "gauge", "promql")),
    **dict.fromkeys(_RATES, ("counter", "gauge", "histogram", "promql")),
}
"""What a signal can be described by. A gauge of a distribution is a quantile, the p95 unless its
`label` names it; a gauge of a rate is that rate per second."""

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
    """The engine that the inventory's description amounts to.

    Raises:
        DefinitionError: part of it cannot be meant, see `refusals`.
    """
    if wrong := refusals(custom):
        raise DefinitionError(f"engine {custom.name}: {wrong[0][1]}")
    mapped = {signal.signal for signal in custom.signals}
    return Engine(
        name=custom.name,
        title=custom.name,
        versions=(),
        port=custom.port,
        path=custom.path,
        model_label=custom.model_label,
        rows=tuple(_row(signal) for signal in custom.signals),
        unavailable={signal: _NOT_MAPPED for signal in SIGNALS_OF["model"] if signal not in mapped},
    )


def refusals(custom: CustomEngine) -> tuple[tuple[str, str], ...]:
    """Signals whose description cannot be meant, each with what is wrong and what to do."""
    found = [
        (signal.signal, f"a {signal.kind} cannot be '{signal.signal}'; use {_or(kinds)}")
        for signal in custom.signals
        if signal.kind not in (kinds := _KINDS[signal.signal])
    ]
    rows = [(signal.signal, part) for signal in custom.signals for part in _parts(signal)]
    repeated = dict.fromkeys(row for row in rows if rows.count(row) > 1)
    return (
        *found,
        *(
            (name, f"two entries of '{name}' are both {part or 'all of it'}; keep one of them")
            for name, part in repeated
        ),
    )


def _or(kinds: tuple[str, ...]) -> str:
    return f"{', '.join(kinds[:-1])} or {kinds[-1]}"


def _parts(signal: CustomSignal) -> tuple[str, ...]:
    """What an entry records of its signal."""
    if signal.signal not in PART_LABELS:
        return ("",)
    if signal.kind == "promql":
        return () if signal.label else (_only_part(signal),)
    return tuple(signal.values) if signal.label else (_only_part(signal),)


def _row(signal: CustomSignal) -> Row:
    if signal.kind == "promql":
        return _promql(signal)
    unit = UNITS[signal.unit]
    seconds = Unit.SECONDS if unit is Unit.ONE else unit
    if signal.signal in DISTRIBUTIONS and signal.kind == "histogram":
        return Histogram(
            signal=signal.signal, names=(signal.metric,), buckets=signal.buckets, unit=seconds
        )
    if signal.signal in DISTRIBUTIONS:
        return Quantiles(
            signal=signal.signal, metrics=_quantiles(signal), label=signal.label, unit=seconds
        )
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
    """The same metric for each quantile of its label, or for the one that it is."""
    own = (signal.value or "0.95",)
    return dict.fromkeys(QUANTILES if signal.label else own, signal.metric)


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
