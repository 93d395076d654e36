"""A ledger with a clock that stands still, and ways to send to it and to read its page."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exporters.base.exporter import Reply, Request
from exporters.base.families import Distribution
from exporters.quality.declared import Declared, FromInventory
from exporters.quality.doors import answer
from exporters.quality.journal import MOST_JOURNAL_BYTES
from exporters.quality.ledger import Ledger
from exporters.quality.page import Counted
from modelwatch.catalogue.metric import Metric
from tests.inventory_texts import MODEL, read_text

NOW = 1_800_000_000.0
QUALITY = """\
    quality:
      groundedness: {good: above 0.7, evaluated_every: 1h}
      toxicity: {good: below 0.2, evaluated_every: 1h}
      stars: {good: above 3, low: 1, high: 5, evaluated_every: 1h}
"""
CHAT = f"{MODEL}    version: v1\n{QUALITY}"
SEARCH = """\
  - name: search
    team: assist
    environments: [production, staging]
    sources:
      - {engine: vllm, environment: production, targets: ["s:1"], model: s}
      - {engine: vllm, environment: staging, targets: ["s:2"], model: s}
"""
IDENTITY = ("chat", "production")


def declared(text: str = CHAT + SEARCH) -> Declared:
    return FromInventory(read_text(text))


@dataclass
class Clock:
    """Time that passes when it is told to."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now


class Books:
    """A ledger under test."""

    def __init__(
        self,
        folder: Path,
        known: Declared | None = None,
        *,
        most_journal_bytes: int = MOST_JOURNAL_BYTES,
    ) -> None:
        self.clock = Clock()
        self.ledger = Ledger(
            folder, known or declared(), clock=self.clock, most_journal_bytes=most_journal_bytes
        )

    def post(self, body: object, kind: str = "application/json") -> Reply:
        """Send a value as JSON, or bytes as they are."""
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = Request(path="/v1/scores", query={}, headers={"content-type": kind}, body=sent)
        return answer(self.ledger, request)

    def receipt(self, body: object, kind: str = "application/json") -> dict[str, Any]:
        """What the answer to it says."""
        found: dict[str, Any] = json.loads(self.post(body, kind).body)
        return found

    def reasons(self, body: object, kind: str = "application/json") -> list[str]:
        """Why events are refused."""
        return [one["reason"] for one in self.receipt(body, kind)["reasons"]]

    def settle(self) -> None:
        """Wait until new series are shown."""
        self.clock.now += 100

    def samples(self, metric: Metric) -> dict[tuple[str, ...], Any]:
        """Samples of the page by what comes after model and environment, of the chat."""
        return {
            labels[2:]: value
            for labels, value in self.all_samples(metric).items()
            if labels[:2] == IDENTITY
        }

    def all_samples(self, metric: Metric) -> dict[tuple[str, ...], Any]:
        """Samples of the page by all label values."""
        for family in Counted(self.ledger).collect():
            if family.metric is metric:
                return dict(family.samples)
        raise AssertionError(f"{metric} is not on the page")

    def distribution(self, metric: Metric, *labels: str) -> Distribution:
        """One histogram of the chat."""
        found = self.samples(metric)[labels]
        assert isinstance(found, Distribution)
        return found


def score(value: Any = 0.9, **fields: Any) -> dict[str, Any]:
    return {"model": "chat", "score": "groundedness", "value": value, **fields}


def lines(events: Iterable[object]) -> bytes:
    return b"\n".join(json.dumps(event).encode() for event in events) + b"\n"
