"""Vectors through the exporter: what is taken, what is refused, what stands on the page."""

import json
import logging
import tracemalloc
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from exporters.base.exporter import Request
from exporters.base.models import Models
from exporters.drift import baseline as baselines
from exporters.drift import embeddings
from exporters.drift.doors import OBSERVE, doors
from exporters.drift.embeddings.part import part
from exporters.drift.learning import Learning
from exporters.drift.ledger import Ledger
from exporters.drift.observations import Batch, Columns, Watched
from exporters.drift.page import Counted
from modelwatch.catalogue.drift import (
    DRIFT_BASELINE_SAMPLES,
    DRIFT_NOISE_FLOOR,
    DRIFT_OBSERVATIONS_TOTAL,
    DRIFT_REJECTED_TOTAL,
    DRIFT_SAMPLES_BEHIND,
    DRIFT_STATISTIC,
    EMBEDDING_METHODS,
    WINDOWS,
)
from modelwatch.catalogue.metric import Metric
from tests.exporters.test_drift_embeddings import LENGTH, NOW, baseline_of, cloud

HOUR, DAY = 3600.0, 86_400.0
KEY = ("search", "production")


class Site:
    """An exporter whose clock stands still until it is moved."""

    def __init__(self, folder: Path, reference: int = 1) -> None:
        self.now = NOW
        self.file = folder / "baseline.json"
        self.write(reference)
        watched = Watched(
            model="search",
            environment="production",
            features=("question", "amount"),
            baseline=str(self.file),
        )
        self.ledger = Ledger(
            folder / "state",
            Models([(KEY, watched)]),
            parts=(part(lambda: self.now),),
            clock=lambda: self.now,
        )

    def write(self, seed: int) -> None:
        baseline = baselines.Baseline(
            model="search",
            version="1",
            created="2026-05-01T12:00:00Z",
            newest="2026-05-01T12:00:00Z",
            rows=600,
            features=(
                baseline_of(cloud(seed, 600)),
                baselines.Categorical(
                    name="amount", values=("1",), counts=(600,), other=0, missing=0
                ),
            ),
        )
        self.file.write_text(baselines.text(baseline))

    def send(self, **fields: object) -> dict[str, Any]:
        door = next(door for door in doors(self.ledger) if door.path == OBSERVE)
        body = json.dumps({"model": "search", **fields}).encode()
        headers = {"content-type": "application/json"}
        reply = door.answer(Request(path=OBSERVE, query={}, headers=headers, body=body))
        answer: dict[str, Any] = json.loads(reply.body)
        return answer

    def vectors(self, rows: list[object]) -> dict[str, Any]:
        return self.send(observations=[{"embeddings": {"question": row}} for row in rows])

    def samples(self, metric: Metric) -> Mapping[tuple[str, ...], object]:
        families = Counted(self.ledger).collect()
        return next(family.samples for family in families if family.metric == metric)

    def behind(self) -> dict[str, float]:
        found = self.samples(DRIFT_SAMPLES_BEHIND)
        return {labels[-1]: float(str(value)) for labels, value in found.items()}

    def rejected(self) -> dict[str, object]:
        found = self.samples(DRIFT_REJECTED_TOTAL)
        return {labels[-1]: value for labels, value in found.items() if value}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.ledger.stop()


def test_vectors_become_distances_with_floors_in_each_window(site: Site) -> None:
    assert site.vectors(cloud(2, 300, shift=1.0).tolist())["accepted"] == 300
    identity = site.ledger.watches.find(*KEY).counting.baseline.identity  # type: ignore[union-attr]
    labels = {
        (*KEY, "question", "", identity, method, window)
        for method in EMBEDDING_METHODS
        for window in WINDOWS
    }
    statistics, floors = site.samples(DRIFT_STATISTIC), site.samples(DRIFT_NOISE_FLOOR)
    assert set(statistics) == set(floors) == labels
    for key in labels:
        assert float(str(statistics[key])) > float(str(floors[key])) > 0
    assert site.behind() == dict.fromkeys(WINDOWS, 300)
    assert site.samples(DRIFT_BASELINE_SAMPLES)[*KEY, "question", "", identity] == 600


def test_by_column_it_is_the_same(site: Site) -> None:
    rows = cloud(2, 100).tolist()
    site.send(columns={"amount": ["1"] * 100}, embeddings={"question": rows})
    assert site.behind()["1h"] == 100
    counted = site.samples(DRIFT_OBSERVATIONS_TOTAL)
    assert {labels[2]: value for labels, value in counted.items()} == {"amount": 100}


FINE = [0.5] * LENGTH


@pytest.mark.parametrize(
    ("vector", "reason"),
    [
        (FINE[1:], "vector_length"),
        (FINE * 200, "vector_length"),
        ([], "vector_length"),
        ([*FINE[1:], float("nan")], "vector_number"),
        ([*FINE[1:], float("inf")], "vector_number"),
        ([*FINE[1:], "0.5"], "vector_number"),
        ([*FINE[1:], None], "vector_number"),
        ([*FINE[1:], True], "vector_number"),
        ([*FINE[1:], [0.5]], "vector_number"),
        ([*FINE[1:], 10**400], "vector_number"),
        ([*FINE[1:], 1e30], "vector_number"),
        ("0.5, 0.5", "vector_type"),
        (0.5, "vector_type"),
        ({"0": 0.5}, "vector_type"),
    ],
    ids=lambda value: str(value)[-24:],
)
def test_what_is_no_vector_is_refused_and_counted(site: Site, vector: object, reason: str) -> None:
    reply = site.vectors([FINE, vector, FINE])
    (told,) = reply["reasons"]
    assert told["reason"] == reason
    assert told["message"] == f"1 refused: {embeddings.REASONS[reason]}"
    assert site.rejected() == {reason: 1}
    assert site.behind()["1h"] == 2


def test_a_missing_vector_is_no_mistake_and_an_unknown_name_is(site: Site) -> None:
    site.vectors([FINE, None])
    site.send(embeddings={"answer": FINE})
    assert site.behind()["1h"] == 1
    assert site.rejected() == {"unknown_feature": 1}


def test_windows_slide_and_forget(site: Site) -> None:
    site.vectors(cloud(2, 100, shift=1.0).tolist())
    site.now += HOUR + 600
    site.vectors(cloud(3, 50).tolist())
    assert site.behind() == {"1h": 50, "6h": 150, "1d": 150}
    far = {labels[-2:]: value for labels, value in site.samples(DRIFT_STATISTIC).items()}
    assert float(str(far["euclidean", "1h"])) < float(str(far["euclidean", "6h"]))
    site.now += 6 * HOUR
    assert site.behind() == {"1h": 0, "6h": 0, "1d": 150}
    assert {labels[-1] for labels in site.samples(DRIFT_STATISTIC)} == {"1d"}
    site.now += DAY
    assert site.behind() == {"1h": 0, "6h": 0, "1d": 0}
    assert site.samples(DRIFT_STATISTIC) == {}


def test_a_clock_that_goes_back_loses_nothing(site: Site) -> None:
    site.vectors(cloud(2, 40).tolist())
    site.now -= HOUR
    site.vectors(cloud(3, 40).tolist())
    assert site.behind()["1h"] == 80


def test_another_baseline_begins_anew(site: Site) -> None:
    site.vectors(cloud(2, 100).tolist())
    site.write(7)
    site.ledger.look()
    assert site.behind() == dict.fromkeys(WINDOWS, 0)


def test_memory_is_the_same_after_many_vectors(site: Site) -> None:
    rows = cloud(2, 200).tolist()

    def a_day() -> int:
        for _ in range(150):
            site.vectors(rows[:40])
            site.now += 600
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        a_day()
        once = a_day()
        assert a_day() - once < 50_000
    finally:
        tracemalloc.stop()


def test_a_baseline_is_built_in_memory_that_does_not_grow() -> None:
    from exporters.drift.embeddings.building import RESERVOIR, Building

    building = Building("question", LENGTH)
    building.add(cloud(1, RESERVOIR))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(20):
            building.add(cloud(number, 1000))
        assert tracemalloc.get_traced_memory()[0] - before < 50_000
    finally:
        tracemalloc.stop()
    embedding = building.embedding()
    assert (embedding.count, embedding.fourier_count) == (RESERVOIR + 20_000, RESERVOIR)


def test_a_baseline_is_the_same_however_its_vectors_arrive() -> None:
    from exporters.drift.embeddings.building import Building

    vectors = cloud(1, 5001)
    whole, parts = Building("question", LENGTH), Building("question", LENGTH)
    whole.add(vectors)
    for start in range(0, 5001, 13):
        parts.add(vectors[start : start + 13])
    ours, theirs = whole.embedding(), parts.embedding()
    assert ours.gamma == pytest.approx(theirs.gamma, rel=1e-9)
    for name in ("mean", "half_mean", "variance", "fourier_mean"):
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name), abs=1e-6)
    assert ours.mean == pytest.approx(vectors.mean(axis=0))
    assert ours.half_mean == pytest.approx(vectors[::2].mean(axis=0))
    assert ours.variance == pytest.approx(vectors.var(axis=0))


def test_an_embedding_is_learned_from_traffic_across_a_restart(tmp_path: Path) -> None:
    watched = Watched(
        model="search",
        environment="production",
        features=("question", "amount"),
        baseline=str(tmp_path / "learned.json"),
        learn_s=HOUR,
        at_least=300,
    )

    def batch(rows: list[object]) -> Batch:
        return Batch(
            line=1,
            model="search",
            environment="production",
            length=len(rows),
            features=Columns({"amount": ["1"] * len(rows)}, len(rows)),
            embeddings=Columns({"question": rows}, len(rows)),
        )

    vectors = cloud(1, 400)
    first = Learning(watched, tmp_path)
    first.add(batch([[0.5] * 5000, "text", *vectors[:250].tolist()]), NOW)
    first.save(NOW, at_once=True)
    second = Learning(watched, tmp_path)
    assert second.rows == 252
    second.add(batch(vectors[250:].tolist()), NOW + HOUR)
    assert second.finished(NOW + HOUR)
    second.freeze(NOW + HOUR)
    found = {one.name: one for one in baselines.read(tmp_path / "learned.json").features}
    assert set(found) == {"question", "amount"}
    learned, built = found["question"], baseline_of(vectors)
    assert isinstance(learned, baselines.Embedding)
    assert (learned.count, learned.missing) == (400, 2)
    for name in ("mean", "half_mean", "variance", "fourier_mean"):
        assert getattr(learned, name) == pytest.approx(getattr(built, name), abs=1e-6)


def test_without_numpy_it_is_told_and_scalar_features_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(embeddings, "find_spec", lambda _name: None)
    with caplog.at_level(logging.ERROR):
        site = Site(tmp_path)
    try:
        assert [record.message for record in caplog.records] == [
            "question of search: embeddings need numpy; run: pip install 'modelwatch[drift]'"
        ]
        site.send(features={"amount": "1"}, embeddings={"question": FINE})
        assert site.rejected() == {"no_numpy": 1}
        counted = site.samples(DRIFT_OBSERVATIONS_TOTAL)
        assert {labels[2]: value for labels, value in counted.items()} == {"amount": 1}
    finally:
        site.ledger.stop()
