"""Accuracy on NannyML's car loans: 50 000 later loans in ten chunks, of which the last five drift.

Each chunk is one day of a model of its own, and a day of one model that has them all.
"""

import csv
import io
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from alerts import accuracy, correlated
from alerts.recorded import accuracy as estimates
from alerts.recorded import accuracy_cohorts
from exporters.base.models import Models
from exporters.drift.baseline import Baseline
from exporters.drift.building import Builder
from exporters.drift.labels.part import Labels
from exporters.drift.labels.rows import Label
from exporters.drift.observations import Batch, Watched
from exporters.drift.scores import EDGES
from modelwatch.buckets import le
from modelwatch.catalogue.drift import DRIFT_BINS, WINDOWS
from modelwatch.promql import select
from tests.alerts.staging import INVENTORY
from tests.promtool_rules import complaints, samples_of
from tests.real import first_on
from tests.real_data import car_loans

CHUNK = 5_000
CHUNKS = tuple(f"chunk{number}" for number in range(10))
DAY_S = 86_400
TODAY = 11
"""promtool begins at 1970, with this day."""


@dataclass(frozen=True, kw_only=True)
class Loans:
    """Scores, what was predicted, and how the loans ended."""

    scores: Sequence[float]
    predicted: Sequence[str]
    outcomes: Sequence[str]

    def chunk(self, number: int) -> "Loans":
        part = slice(CHUNK * number, CHUNK * (number + 1))
        return Loans(
            scores=self.scores[part], predicted=self.predicted[part], outcomes=self.outcomes[part]
        )


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@cache
def loans() -> tuple[Baseline, Loans]:
    """The baseline of the reference, and the later loans."""
    found = car_loans()
    reference, later = _rows(found.reference), _rows(found.analysis)
    builder = Builder()
    builder.add(
        {},
        scores=[float(row["y_pred_proba"]) for row in reference],
        predicted=[row["y_pred"] for row in reference],
        labels=[row["repaid"] for row in reference],
    )
    baseline = builder.freeze(model="loans", version="1", created=datetime.now(UTC))
    return baseline, Loans(
        scores=[float(row["y_pred_proba"]) for row in later],
        predicted=[row["y_pred"] for row in later],
        outcomes=[row["repaid"] for row in _rows(found.outcomes)],
    )


def counted(folder: Path) -> dict[str, float]:
    """What the exporter shows when it has seen all predictions and all labels."""
    baseline, later = loans()
    part = Labels(folder, clock=lambda: 0.0)
    watched = {
        name: Watched(model=name, environment="production", features=("score",), baseline="")
        for name in (*CHUNKS, "loans")
    }
    part.declare(Models((one.key, one) for one in watched.values()))
    for one in watched.values():
        part.taken(one, baseline)
    for number, name in enumerate(CHUNKS):
        for of in (name, "loans"):
            _see(part, watched[of], later.chunk(number), day=number)
    return samples_of(part.families())


def _see(part: Labels, watched: Watched, seen: Loans, *, day: int) -> None:
    part.observed(
        watched,
        Batch(
            line=1,
            model=watched.model,
            environment=watched.environment,
            length=CHUNK,
            scores=seen.scores,
            predicted=seen.predicted,
            ids=[f"{day}-{number}" for number in range(CHUNK)],
            times_s=[(day - TODAY) * DAY_S + 1.0] * CHUNK,
        ),
    )
    receipt = part.store.labelled(
        (number, Label(id=f"{day}-{number}", model=watched.model, label=label))
        for number, label in enumerate(seen.outcomes)
    )
    assert receipt.accepted == CHUNK


def bins(identity: str) -> dict[str, float]:
    """Scores of each chunk by class and bin, as the rules of drift record them."""
    _, later = loans()
    found: dict[str, float] = {}
    for number, name in enumerate(CHUNKS):
        seen = later.chunk(number)
        places = [bisect_left(EDGES, score) for score in seen.scores]
        for (predicted, place), count in Counter(zip(seen.predicted, places, strict=True)).items():
            labels = {
                "model": name,
                "environment": "production",
                "feature_name": "score",
                "predicted": predicted,
                "baseline": identity,
                "bin": le(EDGES[place]),
            }
            for window in WINDOWS:
                found[select(DRIFT_BINS, labels, window=window)] = count
    return found


def facts() -> dict[str, float]:
    found: dict[str, float] = {}
    for model in (*CHUNKS, "loans"):
        of = {"model": model, "environment": "production"}
        for limit in INVENTORY.thresholds:
            labels = {"signal": limit.signal, "hold": limit.hold, "limit": limit.limit.text}
            if limit.signal in ("accuracy_drop", "label_delay", "labels_missing"):
                found[select("model:threshold:value", of | labels)] = float(limit.limit.value)
        found[select("model:floor:events", of, signal="accuracy")] = 200
        for urgency in ("now", "soon", "watch"):
            policy = {"urgency": urgency, "severity": "ticket", "team": "risk", "tier": "2"}
            found[select("model:alert_policy:info", of | policy)] = 1
    return found


def between(series: str, chunks: str, low: float, high: float) -> str:
    """How many of these chunks have a value in this range."""
    return f"count({series.format(chunks)} >= {low} <= {high})"


@pytest.mark.real
@first_on("on PATH")
def test_ten_chunks_of_car_loans_are_estimated_realised_and_told_as_they_are_known_to_be(
    promtool: Path, tmp_path: Path
) -> None:
    realised = 'model:realised_accuracy:ratio{{model=~"chunk[{}]",cohorts="1"}}'
    estimated = 'model:estimated_accuracy:ratio{{model=~"chunk[{}]",window="1d"}}'
    firing = 'ALERTS{{alertname="{}",alertstate="firing",model=~"chunk[{}]"}}'
    too_low = (
        "model:realised_accuracy:ratio{cohorts='1'} - on (model) "
        "model:estimated_accuracy:ratio{window='1d'}"
    )
    (tmp_path / "store").mkdir()
    said = complaints(
        promtool,
        tmp_path,
        INVENTORY,
        records=(*estimates.GROUPS, *accuracy_cohorts.GROUPS),
        alerts=(*accuracy.ALERTS, *correlated.ALERTS),
        series={**counted(tmp_path / "store"), **bins(loans()[0].identity), **facts()},
        expected={
            between(realised, "0-4", 0.941, 0.9503): 5,
            between(realised, "5-9", 0.912, 0.9225): 5,
            # The estimate follows, by bins most often a little low.
            between(estimated, "0-4", 0.941, 0.946): 5,
            between(estimated, "5-9", 0.910, 0.915): 5,
            f"count({too_low} >= -0.004 <= 0.009)": 10,
            f"count({firing.format('ModelRealisedAccuracyLow', '5-9')})": 5,
            f"count({firing.format('ModelEstimatedAccuracyLow', '5-9')})": 5,
            f"count({firing.format('ModelAccuracyDropped', '5-9')})": 5,
            "count(ALERTS{alertstate='firing',model=~'chunk.*'})": 15,
            # Ten days of one model: the estimate may be trusted.
            "count(model:accuracy:correlation{model='loans'} > 0.95)": 1,
            "count(model:cohort_mature:timestamp{model='loans'})": 10,
        },
        at_minutes=60,
    )
    assert not said
