"""Limits and floors of one model: those written as such and those that follow from its scores."""

from collections.abc import Iterator
from decimal import Decimal

from modelwatch.inventory import Model, Quantity, Score, Threshold

EVALUATIONS_MISSED = 3
"""An evaluator is silent when this many evaluations in a row did not come."""


def thresholds(model: Model, time_compression: int = 1) -> tuple[Threshold, ...]:
    """Every limit that the model itself sets; the compression shortens intervals."""
    return (
        *model.thresholds,
        *_of_scores(model, time_compression),
        *_of_kpis(model),
        *_of_drift(model),
    )


def floors(model: Model) -> tuple[tuple[str, str, int], ...]:
    """Signal, score and fewest events of every floor that the model itself sets."""
    own = tuple((signal, "", events) for signal, events in model.floors.items())
    return (
        *own,
        *(("quality", score.name, score.minimum_samples) for score in model.scores),
        *(("kpi", kpi.name, kpi.minimum_per_day) for kpi in model.kpis),
    )


def _of_scores(model: Model, compression: int) -> Iterator[Threshold]:
    for score in model.scores:
        labels = {"score": score.name}
        signal = "quality_below" if score.direction == "higher" else "quality_above"
        yield Threshold(signal=signal, limit=score.good, hold="1h", labels=labels)
        silence = _silence(score, compression)
        yield Threshold(signal="evaluation_age", limit=silence, hold="10m", labels=labels)


def _silence(score: Score, compression: int) -> Quantity:
    every = score.evaluated_every
    return Quantity(
        value=every.value * Decimal(EVALUATIONS_MISSED) / compression,
        text=f"{EVALUATIONS_MISSED} x {every.text}",
    )


def _of_kpis(model: Model) -> Iterator[Threshold]:
    for kpi in model.kpis:
        yield Threshold(signal="kpi_drop", limit=kpi.drop, hold=kpi.hold, labels={"kpi": kpi.name})


def _of_drift(model: Model) -> Iterator[Threshold]:
    if model.drift and model.drift.limit:
        for feature in model.drift.features:
            labels = {"feature_name": feature, "method": model.drift.method}
            yield Threshold(signal="drift", limit=model.drift.limit, hold="30m", labels=labels)
