"""Scores and KPIs that somebody exposes under our own names: they name the model themselves."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from generator.asking import Prometheus, QueryError, Series
from generator.discover.found import Place, Sighting, Signal
from generator.discover.measuring import DAYS
from modelwatch.catalogue.exposed import KPI_EVENTS_TOTAL, KPI_VALUE
from modelwatch.catalogue.quality import QUALITY_SCORE
from modelwatch.promql import select

Key = tuple[str, str, str]
"""Model, environment and job."""
_BY = "model, environment, job, instance"


@dataclass(slots=True)
class _Told:
    instances: set[str] = field(default_factory=set)
    scores: dict[str, list[float]] = field(default_factory=dict)
    kpis: set[str] = field(default_factory=set)


def scored(prometheus: Prometheus, at: float) -> tuple[Sighting, ...]:
    """The models that have scores or KPIs, each with the range of the last days."""
    told: dict[Key, _Told] = defaultdict(_Told)
    kpis = select("", {"__name__": f"~{KPI_EVENTS_TOTAL}|{KPI_VALUE}"})
    try:
        for which in ("min", "max"):
            over = f"{which}_over_time({QUALITY_SCORE}[{DAYS}d])"
            for key, name, series in _asked(prometheus, f"{which} by ({_BY}, score) ({over})", at):
                told[key].instances.add(series.labels.get("instance", ""))
                told[key].scores.setdefault(name, []).extend(series.finite)
        for key, name, series in _asked(prometheus, f"count by ({_BY}, kpi) ({kpis})", at):
            told[key].instances.add(series.labels.get("instance", ""))
            told[key].kpis.add(name)
    except QueryError:  # a Prometheus that cannot answer this in time still has jobs
        return ()
    return tuple(_sighting(key, one) for key, one in sorted(told.items(), key=lambda row: row[0]))


def _asked(prometheus: Prometheus, query: str, at: float) -> Iterator[tuple[Key, str, Series]]:
    """Each series with the model that it is of, and the name of the score or KPI."""
    for series in prometheus.instant(query, at):
        labels = series.labels
        key = (labels.get("model", ""), labels.get("environment", ""), labels.get("job", ""))
        name = labels.get("score") or labels.get("kpi", "")
        if key[0] and key[2] and name:
            yield key, name, series


def _sighting(key: Key, told: _Told) -> Sighting:
    model, environment, job = key
    return Sighting(
        engine="modelwatch",
        model=model,
        environment=environment,
        place=Place(job=job, instances=tuple(sorted(told.instances - {""}))),
        counts=False,
        why="scores or KPIs under our names",
        scores=tuple(
            Signal(name=name, low=min(values), high=max(values))
            for name, values in sorted(told.scores.items())
            if values
        ),
        kpis=tuple(Signal(name=name) for name in sorted(told.kpis)),
    )
