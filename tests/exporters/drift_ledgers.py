"""A ledger of the drift exporter with a clock that stands still, a baseline, and ways to send."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from exporters.base.exporter import Reply, Request
from exporters.base.families import Distribution
from exporters.drift.baseline import (
    Baseline,
    Categorical,
    Numeric,
    Score,
    ScoreOfClass,
    identified,
    text,
)
from exporters.drift.declared import watched
from exporters.drift.doors import OBSERVE, doors
from exporters.drift.ledger import Ledger
from exporters.drift.observations import Part
from exporters.drift.page import Counted
from modelwatch.catalogue import drift
from modelwatch.catalogue.metric import Metric
from tests.exporters.quality_ledgers import Clock
from tests.inventory_texts import MODEL, read_text

FRAUD = f"""{MODEL.replace("chat", "fraud")}\
    drift: {{features: [amount, country, score, predicted], baseline: fraud.json}}
"""
NDJSON = "application/x-ndjson"
AMOUNT = Numeric(
    name="amount",
    edges=(-1.0, 0.5, 10.0, 1e6),
    counts=(10, 20, 30, 40, 0),
    centres=(-2.0, 0.0, 5.0, 1e5, 1e6),
    missing=25,
    low=-5.0,
    high=900_000.0,
    mean=3.0,
    deviation=2.0,
)
COUNTRY = Categorical(name="country", values=("DE", "FR"), counts=(60, 40), other=0, missing=0)
SCORE = Score(
    name="score",
    edges=tuple(step / 20 for step in range(1, 21)),
    classes=tuple(
        ScoreOfClass(predicted=name, counts=(5,) * 20 + (0,), correct=(None,) * 21)
        for name in ("fraud", "fine")
    ),
    missing=0,
)
PREDICTED = Categorical(
    name="predicted", values=("fine", "fraud"), counts=(50, 50), other=0, missing=0
)
BASELINE = identified(
    Baseline(
        model="fraud",
        version="3",
        created="2026-12-31T00:00:00Z",
        newest="2026-12-31T00:00:00Z",
        rows=125,
        features=(AMOUNT, COUNTRY, SCORE, PREDICTED),
    )
)
OTHER_BASELINE = identified(
    replace(BASELINE, features=(replace(AMOUNT, edges=(-1.0, 0.5, 10.0, 20.0)), COUNTRY))
)


class Drift:
    """A ledger under test, whose inventory and baseline are in a folder."""

    def __init__(
        self,
        folder: Path,
        inventory: str = FRAUD,
        *,
        baseline: Baseline | None = BASELINE,
        parts: tuple[Part, ...] = (),
        clock: Clock | None = None,
    ) -> None:
        self.folder, self.inventory, self.parts = folder, inventory, parts
        self.clock = clock or Clock()
        self.file = folder / "fraud.json"
        if baseline:
            self.write(baseline)
        self.begin()

    def begin(self) -> None:
        state = self.folder / "state"
        declared = watched(self.read(), state / "baselines")
        self.ledger = Ledger(state, declared, clock=self.clock, parts=self.parts)

    def read(self, inventory: str = "") -> Any:
        found = read_text(inventory or self.inventory)
        return replace(found, path=str(self.folder / "models.yaml"))

    def declare(self, inventory: str) -> None:
        self.ledger.declare(watched(self.read(inventory), self.folder / "state" / "baselines"))

    def restart(self) -> None:
        self.ledger.stop()
        self.begin()

    def crash(self) -> None:
        """End without a word, as after kill -9."""
        self.ledger._file.close()  # what the operating system would do
        self.begin()

    def write(self, baseline: Baseline | str) -> None:
        """Replace the file of the baseline, as `modelwatch baseline build` does."""
        new = self.folder / "new"
        new.write_text(baseline if isinstance(baseline, str) else text(baseline))
        new.replace(self.file)

    def post(
        self,
        body: object,
        kind: str = "application/json",
        path: str = OBSERVE,
        **headers: str,
    ) -> Reply:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        (door,) = [one for one in doors(self.ledger) if one.path == path]
        return door.answer(
            Request(path=path, query={}, headers={"content-type": kind, **headers}, body=sent)
        )

    def receipt(self, body: object, *sent: str, **headers: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.post(body, *sent, **headers).body)
        return found

    def reasons(self, body: object, *sent: str) -> list[str]:
        return [one["reason"] for one in self.receipt(body, *sent)["reasons"]]

    def samples(self, metric: Metric) -> dict[tuple[str, ...], Any]:
        """Samples of the page by label values after model and environment, of the model."""
        return {
            labels[2:]: value
            for labels, value in self.all_samples(metric).items()
            if labels[:2] == ("fraud", "production")
        }

    def all_samples(self, metric: Metric) -> dict[tuple[str, ...], Any]:
        """Samples of the page by all label values."""
        for family in Counted(self.ledger).collect():
            if family.metric is metric:
                return dict(family.samples)
        raise AssertionError(f"{metric} is not on the page")

    @property
    def rejected(self) -> dict[str, float]:
        """What was not counted, by reason, under whatever model."""
        found: dict[str, float] = {}
        for labels, number in self.all_samples(drift.DRIFT_REJECTED_TOTAL).items():
            if number:
                found[labels[2]] = found.get(labels[2], 0) + number
        return found

    def bins(self, metric: Metric, *labels: str) -> list[float]:
        found = self.samples(metric)[labels]
        assert isinstance(found, Distribution)
        return list(found.counts)


def row(amount: object = 1.0, country: object = "DE", **more: object) -> dict[str, Any]:
    return {"model": "fraud", "features": {"amount": amount, "country": country}, **more}


def lines(values: Iterable[object]) -> bytes:
    return b"\n".join(json.dumps(value).encode() for value in values) + b"\n"
