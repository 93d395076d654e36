"""Counts messages into bins, a window at a time: the same functions as in the exporter.

It knows nothing of Flink. What is found grows message by message, travels between processes, and
becomes one document of counts for each model, as `/v1/counts` takes them.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from exporters.base.models import Models
from exporters.base.receipts import Refused
from exporters.drift.baseline import Baseline, Embedding
from exporters.drift.bins import Counts
from exporters.drift.counting import Counting, Key
from exporters.drift.gathering import Gathering
from exporters.drift.observations import Batch, Watched

AT_ONCE = 500
"""Messages that are counted together: columns are counted much faster than values."""

Identity = tuple[str, str]
"""A model and its environment."""


@dataclass(slots=True)
class Found:
    """What was found so far; `lines` are messages that are yet to be counted."""

    lines: list[str] = field(default_factory=list)
    counts: dict[Identity, dict[Key, Counts]] = field(default_factory=dict)
    refused: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    sampling: dict[Identity, float] = field(default_factory=dict)


class Windows:
    """Counts for the models that have these baselines.

    Messages that are `late`, when their window was closed, are refused as too old.
    """

    def __init__(
        self,
        baselines: Mapping[Identity, Baseline],
        *,
        late: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._late = late
        self._models = Models((key, _counting(key, one)) for key, one in baselines.items())
        self._clock = clock

    def add(self, found: Found, line: str) -> None:
        """Take a message."""
        found.lines.append(line)
        if len(found.lines) >= AT_ONCE:
            self.settle(found)

    def settle(self, found: Found) -> None:
        """Count all messages."""
        for batch in self._batches(found):
            try:
                counting = self._models.find(batch.model, batch.environment)
            except Refused as problem:
                found.refused["", "", problem.reason] += batch.length
                continue
            key = counting.watched.key
            if self._late:
                found.refused[(*key, "too_old")] += batch.length
                continue
            counted = counting.count(batch)
            before = found.counts.setdefault(key, {})
            for name, counts in counted.counts.items():
                before[name] = before[name] + counts if name in before else counts
            for reason, amount, _ in counted.refused:
                found.refused[(*key, reason)] += amount
            if batch.sampling is not None:
                found.sampling[key] = batch.sampling

    def merged(self, one: Found, other: Found) -> Found:
        """Both."""
        self.settle(one)
        self.settle(other)
        for key, more in other.counts.items():
            before = one.counts.setdefault(key, {})
            for name, counts in more.items():
                before[name] = before[name] + counts if name in before else counts
        one.refused.update(other.refused)
        one.sampling.update(other.sampling)
        return one

    def of_nobody(self, found: Found) -> int:
        """How many observations were of no model that is known here."""
        self.settle(found)
        return sum(amount for (model, *_), amount in found.refused.items() if not model)

    def documents(self, found: Found, name: str, start_ms: int, end_ms: int) -> str:
        """The counts as a body for `/v1/counts`, and nothing where there are none."""
        self.settle(found)
        keys = {*found.counts, *((model, where) for model, where, _ in found.refused if model)}
        used = {key: self._models.find(*key).baseline.identity for key in keys}
        documents = [
            {
                "model": key[0],
                "environment": key[1],
                "baseline": used[key],
                "id": f"{name}/{used[key]}",
                "from": _moment(start_ms),
                "to": _moment(end_ms),
                "features": _features(found.counts.get(key, {})),
                "rejected": _reasons(found.refused, key),
                **({"sampling": found.sampling[key]} if key in found.sampling else {}),
            }
            for key in sorted(keys)
        ]
        return json.dumps(documents, separators=(",", ":")) if documents else ""

    def _batches(self, found: Found) -> Iterable[Batch]:
        """What the messages hold; those that hold nothing are counted as refused."""
        gathering = Gathering(self._clock())
        for number, line in enumerate(found.lines, 1):
            try:
                gathering.add(number, json.loads(line))
            except (ValueError, RecursionError):
                gathering.refuse(number, Refused("malformed", ""))
        found.lines.clear()
        for _, problem in gathering.refused:
            try:
                key = self._models.find(problem.model, problem.environment).watched.key
            except Refused:
                key = ("", "")
            found.refused[(*key, problem.reason)] += 1
        return gathering.batches()


def _counting(key: Identity, baseline: Baseline) -> Counting:
    names = [one.name for one in baseline.features if not isinstance(one, Embedding)]
    model, environment = key
    watched = Watched(model=model, environment=environment, features=tuple(names), baseline="")
    return Counting(watched, baseline)


def _features(counts: Mapping[Key, Counts]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for (name, predicted), one in counts.items():
        numbers = {
            "bins": one.bins,
            "missing": one.missing,
            "unseen": one.unseen,
            "out_of_range": one.out_of_range,
        }
        if predicted:
            found.setdefault(name, {"classes": {}})["classes"][predicted] = numbers
        else:
            found[name] = numbers
    return found


def _reasons(refused: Mapping[tuple[str, str, str], int], key: Identity) -> dict[str, int]:
    return {reason[2]: amount for reason, amount in refused.items() if reason[:2] == key}


def _moment(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat()
