"""Stores of labels for tests: a model with two classes, on the first days of December 2026."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from exporters.base.exporter import Reply, Request
from exporters.base.families import Distribution
from exporters.drift.baseline import Baseline, Score, ScoreOfClass
from exporters.drift.labels.door import answer
from exporters.drift.labels.page import families
from exporters.drift.labels.store import Store
from exporters.drift.labels.subjects import Subject, subject
from modelwatch.catalogue.metric import Metric

EDGES = tuple(step / 20 for step in range(1, 21))
LOW, HIGH = (100,) * 10 + (0,) * 11, (0,) * 10 + (100,) * 10 + (0,)
BASELINE = Baseline(
    model="fraud",
    version="1",
    created="2026-11-01T00:00:00Z",
    newest="2026-11-01T00:00:00Z",
    rows=2000,
    features=(
        Score(
            name="score",
            edges=EDGES,
            classes=(
                ScoreOfClass(predicted="ok", counts=LOW, correct=(0.9,) * 21),
                ScoreOfClass(predicted="fraud", counts=HIGH, correct=(0.8,) * 21),
            ),
            missing=0,
        ),
    ),
    identity="0123456789ab",
)
FRAUD = subject("fraud", "production", BASELINE)


def moment(text: str) -> float:
    """Seconds since 1970 of a time in December, such as `03 12:00`."""
    return datetime.fromisoformat(f"2026-12-{text.replace(' ', 'T')}:00+00:00").timestamp()


@dataclass
class Kept:
    """A store whose clock stands still until it is moved."""

    folder: Path
    subjects: tuple[Subject, ...] = (FRAUD,)
    most: int = 1000
    now: float = field(default_factory=lambda: moment("10 12:00"))

    def __post_init__(self) -> None:
        self.reopen()

    def reopen(self) -> None:
        """As after a restart."""
        self.store = Store(self.folder, self.subjects, most=self.most, clock=lambda: self.now)

    def predict(self, at: str, *ids: str, predicted: str = "ok", score: float = 0.2) -> None:
        """Predictions as they were observed."""
        self.store.predicted(
            self.subjects[0],
            [(moment(at), predicted, one, score) for one in ids],
        )

    def send(self, *labels: Mapping[str, Any]) -> Reply:
        """Labels as one list."""
        return self.send_text(json.dumps(labels), "application/json")

    def send_text(self, text: str, media_type: str) -> Reply:
        """Labels as a request brings them."""
        headers = {"content-type": media_type}
        return answer(
            self.store, Request(path="/v1/labels", query={}, headers=headers, body=text.encode())
        )

    def page(self, metric: Metric) -> dict[tuple[str, ...], float | Distribution]:
        """Samples of a metric, without those that are zero; `fraud` is left out of the labels."""
        family = next(one for one in families(self.store) if one.metric == metric)
        return {
            labels[2:] if labels[:2] == FRAUD.key else labels: value
            for labels, value in family.samples.items()
            if value
        }


def whole(predicted: str, label: str, at: str, **more: object) -> dict[str, object]:
    """A label that brings its prediction along."""
    return {
        "model": "fraud",
        "predicted": predicted,
        "label": label,
        "predicted_at": moment(at),
        **more,
    }


def said(reply: Reply) -> dict[str, Any]:
    """The body of an answer."""
    found: dict[str, Any] = json.loads(reply.body)
    return found


def reasons(reply: Reply) -> Iterable[str]:
    """Why labels were refused."""
    return [one["reason"] for one in said(reply)["reasons"]]
