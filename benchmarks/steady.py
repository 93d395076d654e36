"""What a Prometheus has recorded that has run for hours: the past that rules read.

Without it windows of hours would hold minutes, and every rule would look cheap. Windows that are
longer than the past still do, in either shape of rules.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import product

from benchmarks import fleet, pages
from benchmarks.history import Past
from exporters.engines.vllm import ENGINE
from generator import engine_rules
from generator.definitions import Definitions
from modelwatch import buckets, catalogue
from modelwatch.catalogue.metric import Metric
from modelwatch.catalogue.recorded import SLO_BAD
from modelwatch.engine import Histogram
from modelwatch.inventory import Inventory
from modelwatch.promql import duration_seconds

RAW_S = 3 * 86_400
"""The longest window over which the per-service shape reads raw counters."""

RAW_STEP_S = 15
"""As often as they are scraped."""

BUCKETS_STEP_S = 60
"""Buckets for the query are sparser than scraped ones, which flatters the raw query."""

_WINDOWED = re.compile(r"([a-z]\w*:[\w:]+)(?:\{[^}]*\})?\[(\w+)[^\]]*\](?! offset)")


def raw(models: int, past_s: int) -> Iterator[Past]:
    """The counters that objectives are about, as scraped."""
    duration, shares = pages.buckets("request_duration")
    boundary = str(float(fleet.LATENCY_BOUNDARY_S))
    counters: list[tuple[str, Mapping[str, str], float]] = [
        *(
            ("vllm:request_success_total", {"finished_reason": reason}, share)
            for reason, share in pages.FINISHED.items()
        ),
        (f"{duration}_bucket", {"le": boundary}, shares[boundary]),
        (f"{duration}_count", {}, 1.0),
    ]
    past_s = min(past_s, RAW_S)
    return (_counter(name, labels, share, models, past_s) for name, labels, share in counters)


def raw_buckets(models: int, past_s: int) -> Iterator[Past]:
    """Every bucket of the request duration, as scraped."""
    duration, shares = pages.buckets("request_duration")
    return (
        replace(
            _counter(f"{duration}_bucket", {"le": boundary}, share, models, past_s),
            step_s=BUCKETS_STEP_S,
        )
        for boundary, share in shares.items()
    )


def _counter(name: str, labels: Mapping[str, str], share: float, models: int, past_s: int) -> Past:
    return Past(
        name=name,
        series=[
            {
                "job": ENGINE.name,
                "instance": fleet.target(number),
                "engine": "0",
                "model_name": fleet.name(number),
                **labels,
            }
            for number in range(1, models + 1)
        ],
        value=lambda seconds: pages.counted(seconds, share),
        window_s=past_s,
        step_s=RAW_STEP_S,
    )


def recorded(
    models: int, past_s: int, inventory: Inventory, definitions: Definitions
) -> Iterator[Past]:
    """Every recorded series of models that a rule of ours reads over a window."""
    groups = (
        *definitions.records,
        *engine_rules.groups(inventory, definitions.engines_of(inventory)),
    )
    intervals = {
        record.metric.name: int(duration_seconds(group.interval))
        for group in groups
        for record in group.records
    }
    expressions = [record.expr for group in groups for record in group.records]
    windows: dict[str, int] = {}
    for name, window in (found for expr in expressions for found in _WINDOWED.findall(expr)):
        windows[name] = max(windows.get(name, 0), int(duration_seconds(window)))
    known = {metric.name: metric for metric in catalogue.metrics()}
    for name, window_s in windows.items():
        if name in intervals and set(known[name].labels) <= set(_values()):
            yield of_metric(known[name], models, min(window_s, past_s), intervals[name])


def of_metric(metric: Metric, models: int, window_s: int, step_s: int) -> Past:
    """A recorded metric of every model, for all values of its labels; few events are bad."""
    level = 0.001 if metric == SLO_BAD else 1.0
    return Past(
        name=metric.name,
        series=list(_series(metric, models)),
        value=lambda _: level,
        window_s=window_s,
        step_s=step_s,
    )


def _series(metric: Metric, models: int) -> Iterator[Mapping[str, str]]:
    values = _values()
    others = [values[label] for label in metric.labels if label != "model"]
    names = [label for label in metric.labels if label != "model"]
    for number in range(1, models + 1):
        for combination in product(*others):
            yield {"model": fleet.name(number), **dict(zip(names, combination, strict=True))}


def _values() -> dict[str, Iterable[str]]:
    """Values of the labels that series of this fleet have; others belong to what it has not."""
    row = next(
        row
        for row in ENGINE.rows
        if isinstance(row, Histogram) and row.signal == "request_duration"
    )
    return {
        "model": (),
        "environment": ("production",),
        "engine": (ENGINE.name,),
        "version": ("1",),
        "outcome": ("success", "cancelled", "server_error", "rate_limited"),
        "kind": ("input", "cached_input", "output"),
        "quantile": catalogue.QUANTILES,
        "slo": ("availability", "latency"),
        "le": (*(buckets.label(boundary, row.unit) for boundary in row.buckets), "+Inf"),
    }
