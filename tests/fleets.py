"""A small fleet for tests, made by hand: every kind of promise, limit and owner once."""

from dataclasses import replace
from decimal import Decimal

from modelwatch import defaults
from modelwatch.engine import Engine
from modelwatch.inventory import (
    Budget,
    Drift,
    Hours,
    Inventory,
    Kpi,
    Model,
    Pool,
    Prices,
    Quantity,
    Receiver,
    Score,
    Settings,
    Slo,
    Source,
    Team,
    Threshold,
)


def amount(value: str, text: str) -> Quantity:
    return Quantity(value=Decimal(value), text=text)


def _limit(signal: str, value: str, text: str, hold: str, **labels: str) -> Threshold:
    return Threshold(signal=signal, limit=amount(value, text), hold=hold, labels=labels)


def _slo(kind: str, objective: str, text: str, limit: Quantity | None = None) -> Slo:
    score = "groundedness" if kind == "quality" else ""
    return Slo(
        kind=kind, objective=amount(objective, text), window_days=30, limit=limit, score=score
    )


def _webhook(name: str) -> Receiver:
    url = f"http://127.0.0.1:9406/{name}"
    return Receiver(name=name, kind="webhook", settings={"url": url})


CHAT = Model(
    name="chat",
    environment="production",
    team="assist",
    tier=1,
    policy="tier-1",
    version="2.1",
    owner="Ada Park",
    runbook="Switch traffic to chat-hosted before restarting replicas.",
    sources=(Source(engine="vllm", engine_model="llama", targets=("127.0.0.1:9401",)),),
    slos=(
        _slo("availability", "0.999", "99.9%"),
        _slo("latency", "0.95", "95%", amount("5", "5s")),
        _slo("time_to_first_token", "0.95", "95%", amount("0.5", "500ms")),
        _slo("quality", "0.95", "95%"),
        _slo("freshness", "0.99", "99%", amount("86400", "1d")),
    ),
    thresholds=(
        _limit("time_to_first_token", "1", "p95 > 1s", "5m", quantile="0.95"),
        _limit("inter_token_latency", "0.1", "p95 > 100ms", "5m", quantile="0.95"),
        _limit("queue_duration", "2", "p95 > 2s", "5m", quantile="0.95"),
        _limit("concurrency", "200", "200", "10m"),
        _limit("probe_duration", "3", "p95 > 3s", "5m", quantile="0.95"),
        _limit("probe_time_to_first_token", "1", "p95 > 1s", "5m", quantile="0.95"),
        _limit("kv_cache", "0", "off", "10m"),
    ),
    floors={"requests": 50},
    prices=Prices(tokens={"input": amount("0.00000015", "0.15 USD per million tokens")}),
    scores=(
        Score(name="groundedness", good=amount("0.7", "0.7"), evaluated_every=amount("3600", "1h")),
        Score(
            name="toxicity",
            direction="lower",
            good=amount("0.1", "0.1"),
            evaluated_every=amount("3600", "1h"),
        ),
    ),
    own_past=("scores",),
    drift=Drift(features=("age", "language"), critical=("language",), baseline="chat.json"),
    kpis=(Kpi(name="click_through_rate", drop=amount("0.2", "20%"), hold="1h"),),
    pool="a100",
)
VISION = Model(
    name="vision",
    environment="production",
    team="vision",
    tier=2,
    policy="tier-2",
    sources=(Source(engine="triton", targets=("127.0.0.1:9402",)),),
    slos=(_slo("availability", "0.995", "99.5%"),),
    thresholds=(
        _limit("request_duration", "0.2", "p95 > 200ms", "5m", quantile="0.95"),
        _limit("request_duration", "0.5", "p99 > 500ms", "2m", quantile="0.99"),
        _limit("waiting_requests", "7", "7", "3m"),
    ),
)
SUMMARIZE = Model(
    name="summarize",
    environment="staging",
    team="assist",
    tier=3,
    policy="tier-3",
    sources=(Source(engine="vllm", engine_model="llama", targets=("127.0.0.1:9401",)),),
)


def _every(kinds: dict[str, tuple[Threshold, ...]]) -> tuple[Threshold, ...]:
    return tuple(threshold for thresholds in kinds.values() for threshold in thresholds)


def fleet(**settings: object) -> Inventory:
    """The fleet, with settings of the test's own."""
    own = {"alertmanager_version": "0.25", "deadman": "heartbeat", "stack_team": "platform"}
    return Inventory(
        path="fleet.yaml",
        settings=replace(Settings(), **{**own, **settings}),  # type: ignore[arg-type]  # any field
        teams={
            "assist": Team(
                name="assist",
                page=("on-call",),
                ticket=("tickets",),
                contact="#assist",
                hours=Hours(timezone="Europe/Berlin"),
            ),
            "vision": Team(name="vision", page=("on-call",), contact='#"vision" {{ braces }}'),
            "platform": Team(name="platform", ticket=("tickets",), on_call="Mo Chen"),
        },
        receivers={name: _webhook(name) for name in ("on-call", "tickets", "heartbeat")},
        models=(CHAT, VISION, SUMMARIZE),
        pools=(
            Pool(
                name="a100",
                environment="production",
                team="platform",
                tier=2,
                policy="tier-2",
                cards=4,
                hosts=("gpu1",),
                price_per_hour=amount("2.1", "2.10 USD"),
                thresholds=_every(defaults.fleet(defaults.POOL_LIMITS)),
            ),
        ),
        budgets=(
            Budget(
                name="chat-monthly",
                scope="model",
                subject="chat",
                environment="production",
                amount=amount("3000", "3000 USD per month"),
                period="month",
                shares=(Decimal("0.5"), Decimal("0.8"), Decimal(1)),
                team="assist",
                tier=1,
                policy="tier-1",
                members={("chat", "production"): Decimal(1)},
            ),
        ),
        severities=defaults.POLICIES,
        thresholds=_every(defaults.fleet(defaults.LIMITS)),
        floors=defaults.FLOORS,
    )


ENGINES = {
    name: Engine(
        name=name,
        title=name.title(),
        versions=(),
        port=0,
        rows=(),
        unavailable={"kv_cache_usage": "it keeps none"} if name == "triton" else {},
        first_checks={"request_duration": (f"Look at the queue of {name}.",)},
    )
    for name in ("vllm", "triton")
}
