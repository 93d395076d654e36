"""Everything that an inventory speaks of, with the facts about each."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Literal

from generator.difference.facts import (
    Fact,
    Facts,
    names,
    quantity,
    said,
    sources,
    text,
    where,
    words,
)
from generator.difference.limits import drift, kpis, limits, own_past, promises, scores, shares
from modelwatch.inventory import (
    Budget,
    CustomEngine,
    Inventory,
    Model,
    Pool,
    Prices,
    Probe,
    Prompt,
    Receiver,
    RemoteWrite,
    Settings,
    Team,
)
from modelwatch.quantities import printed_share

ThingKind = Literal["model", "pool", "budget", "team", "receiver", "fleet"]
Key = tuple[ThingKind, str, str]
"""Kind, name and environment; the last is empty where names are unique."""

_AS_OTHER = {"cached_input": "input", "reasoning": "output"}
_DAYS_OF_A_MONTH = 30
_OWN_POLICIES = ("model-", "pool-", "budget-")


def things(inventory: Inventory) -> dict[Key, Facts]:
    """The facts of everything, the same for each order of the file."""
    return {key: said(facts) for key, facts in sorted(_all(inventory), key=lambda pair: pair[0])}


def _all(inventory: Inventory) -> Iterator[tuple[Key, Facts]]:
    for model in inventory.models:
        yield ("model", *model.key), _model(model, inventory)
    for pool in inventory.pools:
        yield ("pool", pool.name, pool.environment), _pool(pool, inventory)
    for budget in inventory.budgets:
        yield ("budget", budget.name, ""), _budget(budget, inventory)
    for team in inventory.teams.values():
        yield ("team", team.name, ""), _team(team)
    for receiver in inventory.receivers.values():
        yield ("receiver", receiver.name, ""), _receiver(receiver)
    yield ("fleet", "", ""), _fleet(inventory)


def _owned(thing: Model | Pool | Budget, inventory: Inventory) -> Facts:
    """Who answers for it, and how urgent it is. The policy of a tier is said by the tier."""
    own = thing.policy.startswith(_OWN_POLICIES)
    severity = words(inventory.severities.get(thing.policy, {})) if own else thing.policy
    return {
        "team": text(thing.team),
        "tier": text(thing.tier),
        "severity": text("" if severity == f"tier-{thing.tier}" else severity),
    }


def _model(model: Model, inventory: Inventory) -> Facts:
    return {
        **_owned(model, inventory),
        "owner": text(model.owner, "people"),
        "version": text(model.version),
        "description": text(model.description),
        "runbook": text(model.runbook),
        **{f"feature {name}": text(printed_share(part)) for name, part in model.features.items()},
        **sources(model.sources),
        **promises(model.slos),
        **limits(model.thresholds),
        **{f"floor {signal}": text(events) for signal, events in model.floors.items()},
        **_prices(model.prices),
        **scores(model.scores),
        **kpis(model.kpis),
        **own_past(model.own_past),
        **drift(model.drift),
        "GPU pool": text(model.pool),
        "cards": Fact(text=f"{model.cards}" if model.cards else "", meaning=model.cards),
        "processes": _processes(model),
        "retires": text(model.retires),
        **{what: fact for probe in model.probes for what, fact in _probe(probe).items()},
    }


def _prices(prices: Prices) -> Facts:
    """Without those that cost as another kind of token does."""
    tokens = {
        f"price {kind}": quantity(price)
        for kind, price in prices.tokens.items()
        if price != prices.tokens.get(_AS_OTHER.get(kind, ""))
    }
    return {
        **tokens,
        "price request": quantity(prices.request),
        "price image": quantity(prices.image),
    }


def _processes(model: Model) -> Fact:
    found = model.processes
    if found is None:
        return text("")
    kinds = {"command": found.command, "container": found.container, "pod": found.pod}
    return text("; ".join(f"{kind} {', '.join(sorted(one))}" for kind, one in kinds.items() if one))


def _probe(probe: Probe) -> Facts:
    what = f"probe {probe.name}"
    return {
        what: text(f"{probe.api} at {probe.url}", "watch"),
        f"{what}, model": text(probe.asks_for),
        f"{what}, serves": text(probe.serves),
        f"{what}, stream": text("no" if not probe.stream else ""),
        f"{what}, every": quantity(probe.every),
        f"{what}, timeout": quantity(probe.timeout),
        f"{what}, key file": text(probe.key_file),
        f"{what}, CA file": text(probe.ca_file),
        f"{what}, headers": _headers(probe.headers),
        f"{what}, answer": text(probe.answer),
        f"{what}, tokens per day": text(probe.tokens_per_day or "no cap"),
        f"{what}, cost per day": quantity(probe.usd_per_day)
        if probe.usd_per_day
        else text("no cap"),
        **{f"{what}, prompt {prompt.name}": _prompt(prompt) for prompt in probe.prompts},
    }


def _headers(headers: Mapping[str, str]) -> Fact:
    """Only the names are shown."""
    return Fact(text=", ".join(sorted(headers)), meaning=headers)


def _prompt(prompt: Prompt) -> Fact:
    expected = f"; expects {prompt.expect.kind} {prompt.expect.value}" if prompt.expect else ""
    return Fact(
        text=f"{prompt.text or prompt.body} (up to {prompt.max_tokens} tokens){expected}",
        meaning=prompt,
    )


def _pool(pool: Pool, inventory: Inventory) -> Facts:
    return {
        **_owned(pool, inventory),
        "cards": text(pool.cards or ""),
        "hosts": names(pool.hosts),
        "price per hour": quantity(pool.price_per_hour),
        **sources(pool.sources),
        **limits(pool.thresholds),
    }


def _budget(budget: Budget, inventory: Inventory) -> Facts:
    subject = f"{budget.scope} {budget.subject}".strip()
    if budget.environment and budget.scope != "environment":
        subject = f"{subject} in {budget.environment}"
    return {
        "for": text(subject),
        "amount": Fact(
            text=budget.amount.text,
            meaning=(budget.amount.value, budget.period),
            kind="budget",
            strict=(-budget.amount.value * (_DAYS_OF_A_MONTH if budget.period == "day" else 1),),
        ),
        "told at": shares(budget.shares),
        **_owned(budget, inventory),
        "timezone": text(budget.timezone),
    }


def _team(team: Team) -> Facts:
    hours = team.hours
    return {
        "pages go to": names(team.page, "route"),
        "tickets go to": names(team.ticket, "route"),
        "contact": text(team.contact, "people"),
        "on call": text(team.on_call, "people"),
        "hours": text(
            f"{hours.days.replace(':', ' to ')}, {hours.start} to {hours.end} {hours.timezone}"
            if hours
            else ""
        ),
    }


def _receiver(receiver: Receiver) -> Facts:
    return {
        "kind": text(receiver.kind, "route"),
        **{key: text(value, "route") for key, value in receiver.settings.items()},
    }


def _fleet(inventory: Inventory) -> Facts:
    owned: tuple[Model | Pool | Budget, ...] = (
        *inventory.models,
        *inventory.pools,
        *inventory.budgets,
    )
    own = {thing.policy for thing in owned if thing.policy.startswith(_OWN_POLICIES)}
    return {
        **_settings(inventory.settings),
        **limits(inventory.thresholds),
        **{f"floor {signal}": text(events) for signal, events in inventory.floors.items()},
        **{
            f"severity policy {name}": text(words(policy))
            for name, policy in inventory.severities.items()
            if name not in own
        },
        **{what: f for engine in inventory.engines.values() for what, f in _engine(engine).items()},
        **{f"part of the stack {one.engine}": text(where(one)) for one in inventory.stack_sources},
        **{f"exporter {name}": text(where(one)) for name, one in inventory.exporters.items()},
    }


def _settings(settings: Settings) -> Facts:
    """Each setting under its own name; lists and blocks entry by entry."""
    plain = {
        one.name: _setting(getattr(settings, one.name), one.name)
        for one in fields(settings)
        if one.name not in {"remote_write", "external_labels"}
    }
    return {
        **plain,
        **{f"external label {name}": text(to) for name, to in settings.external_labels.items()},
        **{f"remote_write {one.url}": _storage(one) for one in settings.remote_write},
    }


def _setting(value: object, name: str) -> Fact:
    if isinstance(value, tuple):
        return names(value)
    if isinstance(value, bool):
        return text("yes" if value else "no")
    return text("" if value is None else value, "route" if name == "deadman" else "")


def _storage(storage: RemoteWrite) -> Fact:
    """Without the values of headers."""
    parts = (
        storage.send,
        storage.query_url and f"asked at {storage.query_url}",
        storage.username and f"user {storage.username}",
        storage.password_file,
        storage.token_file,
        storage.ca_file,
        f"headers {', '.join(sorted(storage.headers))}" if storage.headers else "",
    )
    return Fact(text="; ".join(filter(None, parts)), meaning=storage)


def _engine(engine: CustomEngine) -> Facts:
    what = f"engine {engine.name}"
    facts: Facts = {what: text(f"port {engine.port}, {engine.path}, label {engine.model_label}")}
    for signal in engine.signals:
        part = f" {signal.value}" if signal.value else ""
        facts[f"{what}, {signal.signal}{part}"] = Fact(
            text=f"{signal.kind} {signal.promql or signal.metric}", meaning=signal
        )
    return facts
