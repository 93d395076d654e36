"""What models did over the last days: the time of most answers, and how many failed."""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from generator.asking import Period, Prometheus, Series
from generator.discover.found import Measured
from modelwatch.catalogue import FAILURES
from modelwatch.engine import Counter, Engine, Histogram, Row
from modelwatch.promql import select
from modelwatch.supply import bare, metrics_of

DAYS = 7
_SHARE = 0.95
OBJECTIVES = {
    "latency": "request_duration",
    "time_to_first_token": "time_to_first_token",
    "inter_token_latency": "inter_token_latency",
}
"""Objectives of times, with the signal that each is of."""

Serving = tuple[str, str]
"""The instance, and how the engine names the model there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """An engine behind a job, and the names of its metrics that are there."""

    prometheus: Prometheus
    name: str
    engine: Engine
    names: frozenset[str]
    at: float

    def grown(self, row: Histogram | Counter, selector: str, label: str) -> tuple[Series, ...]:
        """How much each model's series grew in the last days, by a label."""
        by = dict.fromkeys(("instance", *labels_of(self.engine, row.model_label), label))
        kept = ", ".join(name for name in by if name)
        query = f"sum by ({kept}) (increase({selector}[{DAYS}d]))"
        return self.prometheus.instant(query, self.at)

    def read_for(self, signal: str) -> frozenset[str]:
        """The metrics that are there of one signal."""
        return self.read_by(row for row in self.engine.rows if row.signal == signal)

    def read_by(self, rows: Iterable[Row]) -> frozenset[str]:
        """The metrics that are there of some rows."""
        return self.names & {name for row in rows for name in metrics_of(row)}

    def serving(self, series: Series, row: Histogram | Counter) -> Serving:
        """What a series is of."""
        model = model_of(series, self.engine, row.model_label)
        return series.labels.get("instance", ""), model


@dataclass(slots=True)
class Tally:
    """Everything that was counted of one model at one instance; maybe no requests at all."""

    buckets: dict[str, dict[Decimal, float]] = field(default_factory=dict)
    requests: float | None = None
    failures: float = 0


def tallies(job: Job) -> dict[Serving, Tally]:
    """What the engine counted in a job; raises what `Prometheus.instant` raises."""
    found: dict[Serving, Tally] = defaultdict(Tally)
    for row in job.engine.rows:
        if isinstance(row, Histogram) and row.signal in OBJECTIVES.values():
            _times(job, row, found)
        if isinstance(row, Counter) and row.signal == "requests" and not row.period_s:
            _count(job, row, found)
    return found


def _times(job: Job, row: Histogram, found: dict[Serving, Tally]) -> None:
    objective = next(name for name, signal in OBJECTIVES.items() if signal == row.signal)
    name = next((name for name in row.names if f"{bare(name)}_bucket" in job.names), "")
    if not name:
        return
    selector = _selector(name, row.where, job.name, part="_bucket")
    for series in job.grown(row, selector, "le"):
        boundary = Decimal(series.labels["le"].replace("+Inf", "Infinity"))
        if boundary.is_finite():
            boundary *= Decimal(row.unit.factor)
        counted = found[job.serving(series, row)].buckets.setdefault(objective, {})
        counted[boundary] = counted.get(boundary, 0) + sum(series.finite)


def _count(job: Job, row: Counter, found: dict[Serving, Tally]) -> None:
    name = next((name for name in row.names if bare(name) in job.names), "")
    if not name or row.model_label == "":
        return
    for series in job.grown(row, _selector(name, row.where, job.name), row.label):
        outcome = _outcome(row, series)
        tally = found[job.serving(series, row)]
        if outcome:
            tally.requests = (tally.requests or 0) + sum(series.finite)
            tally.failures += sum(series.finite) if outcome in FAILURES else 0


def _selector(name: str, where: Mapping[str, str], job: str, part: str = "") -> str:
    """The metric in a job; a name that is a selector itself keeps its labels."""
    metric, _, own = name.partition("{")
    selected = select("", {"__name__": f"{metric}{part}", **where, "job": job})
    return f"{selected.removesuffix('}')},{own}" if own else selected


def _outcome(row: Counter, series: Series) -> str:
    """Which of our outcomes the series counts; empty where it counts none."""
    if not row.label:
        return row.value
    text = series.labels.get(row.label, "")
    matching = (ours for ours, pattern in row.values.items() if re.fullmatch(pattern, text))
    return next(matching, row.rest)


def hours_known(job: Job) -> int:
    """In how many hours of the last days there was anything of the job: it may be new."""
    telling = job.read_for("requests") or job.names
    names = "|".join(map(re.escape, ("up", *sorted(telling))))
    period = Period(start=job.at - DAYS * 86400, end=job.at)
    metric = select("", {"__name__": f"~{names}", "job": job.name})
    counted = job.prometheus.range(f"count({metric})", period, 3600)
    return max(1, *(len(series.finite) for series in counted)) if counted else 1


def labels_of(engine: Engine, model_label: str | None = None) -> tuple[str, ...]:
    """The labels that name the model, and its environment where the engine tells it."""
    named = engine.model_label if model_label is None else model_label
    own = (engine.environment_label,) if engine.environment_label else ()
    return (*(label for label in named.split(" or ") if label), *own)


def model_of(series: Series, engine: Engine, model_label: str | None = None) -> str:
    """How the engine names the model of a series."""
    named = engine.model_label if model_label is None else model_label
    values = (series.labels.get(label, "") for label in named.split(" or "))
    return next((value for value in values if value), "")


def measured(tallied: Iterable[Tally], hours: int) -> Measured:
    """The tallies of a model's instances, together."""
    buckets: dict[str, dict[Decimal, float]] = {}
    tallied = list(tallied)
    counted_requests = [tally.requests for tally in tallied if tally.requests is not None]
    for tally in tallied:
        for objective, counted in tally.buckets.items():
            mine = buckets.setdefault(objective, {})
            for boundary, events in counted.items():
                mine[boundary] = mine.get(boundary, 0) + events
    quantiles = {objective: _quantile(counted) for objective, counted in buckets.items()}
    seen = {objective: value for objective, value in quantiles.items() if not math.isnan(value)}
    return Measured(
        hours=hours,
        p95_s=seen,
        boundaries={
            objective: frozenset(
                boundary for boundary in buckets[objective] if boundary.is_finite()
            )
            for objective in seen
        },
        requests=sum(counted_requests) if counted_requests else None,
        failures=sum(tally.failures for tally in tallied),
    )


def _quantile(counted: Mapping[Decimal, float]) -> float:
    """Between which times most events were, drawn straight from one boundary to the next."""
    wanted = _SHARE * max(counted.values(), default=0)
    if not wanted > 0:
        return math.nan
    below, before = Decimal(0), 0.0
    for boundary, events in sorted(counted.items()):
        if events >= wanted:
            if not boundary.is_finite():
                return math.inf
            part = (wanted - before) / (events - before) if events > before else 1
            return float(below) + float(boundary - below) * part
        below, before = boundary, events
    return math.nan
