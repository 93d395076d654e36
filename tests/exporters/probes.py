"""Probes by hand, and a stand-in for what sends their requests."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from exporters.probe.measuring import Measured
from exporters.probe.targets import Target
from modelwatch.inventory import (
    Expectation,
    Inventory,
    Model,
    Prices,
    Probe,
    Prompt,
    Quantity,
    Settings,
)

CAPITAL = Prompt(
    name="capital",
    text="Capital of France?",
    max_tokens=5,
    expect=Expectation(kind="contains", value="Paris"),
)
SUM = Prompt(name="sum", text="2+2=?", max_tokens=5)


def quantity(value: str) -> Quantity:
    return Quantity(value=Decimal(value), text=value)


def probe(name: str = "golden", **facts: Any) -> Probe:
    own: dict[str, Any] = {
        "api": "openai_chat",
        "url": "http://127.0.0.1:1/v1",
        "asks_for": "llama",
        "every": quantity("60"),
        "timeout": quantity("30"),
        "prompts": (CAPITAL,),
    }
    return Probe(name=name, **{**own, **facts})


def prices(tokens: Mapping[str, str] | None = None, request: str = "") -> Prices:
    return Prices(
        tokens={kind: quantity(price) for kind, price in (tokens or {}).items()},
        request=quantity(request) if request else None,
    )


def target(name: str = "golden", costs: Prices | None = None, **facts: Any) -> Target:
    return Target(
        probe=probe(name, **facts),
        model="chat",
        environment="production",
        prices=costs or Prices(),
    )


def inventory(*probes: Probe, costs: Prices | None = None) -> Inventory:
    chat = Model(
        name="chat",
        environment="production",
        team="assist",
        tier=1,
        policy="tier-1",
        prices=costs or Prices(),
        probes=probes,
    )
    return Inventory(
        path="models.yaml",
        settings=Settings(),
        teams={},
        receivers={},
        models=(chat,),
        pools=(),
        budgets=(),
        severities={},
        thresholds=(),
        floors={},
    )


def measured(outcome: str = "success", **facts: Any) -> Measured:
    own: dict[str, Any] = {"duration_s": 0.4, "phases_s": {}, "tokens": {}}
    return Measured(outcome=outcome, **{**own, **facts})


@dataclass(slots=True)
class Sender:
    """Answers every request with `reply`, when `gate` is open, and remembers what was sent."""

    reply: Callable[[Probe, Prompt], Measured] = lambda _probe, _prompt: measured()
    gate: threading.Event = field(default_factory=threading.Event)
    sent: list[tuple[str, str, str]] = field(default_factory=list)
    most: int = 0
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.gate.set()

    def __call__(self, probe: Probe, prompt: Prompt, *, key: str) -> Measured:
        with self._lock:
            self.sent.append((probe.name, prompt.name, key))
            self._now += 1
            self.most = max(self.most, self._now)
        assert self.gate.wait(10)
        with self._lock:
            self._now -= 1
        return self.reply(probe, prompt)
