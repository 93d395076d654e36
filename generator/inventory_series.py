"""The inventory's own series: ownership, objectives, limits, prices and budgets as constants."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal

from modelwatch import limits
from modelwatch.catalogue import inventory as series
from modelwatch.catalogue.drift import EMBEDDING_METHODS, RATES
from modelwatch.catalogue.metric import Metric
from modelwatch.engine import Engine
from modelwatch.inventory import Budget, Inventory, Model, Pool, Slo, Source, Threshold
from modelwatch.rules import Constant
from modelwatch.supply import bucket_label, unavailable

ONE = Decimal(1)
DAY_S = 86_400

LATENCY_SIGNALS = {
    "latency": "request_duration",
    "time_to_first_token": "time_to_first_token",
    "inter_token_latency": "inter_token_latency",
}
"""Which distribution an SLO of this kind is about."""


def constants(inventory: Inventory, engines: Mapping[str, Engine]) -> tuple[Constant, ...]:
    """Every constant series, fleet first, then model by model in the order of the file."""
    compression = inventory.settings.time_compression
    return (
        *_fleet(inventory, engines),
        *(row for model in inventory.models for row in _model(model, engines, compression)),
        *_hardware(inventory),
        *(row for pool in inventory.pools for row in _pool(pool)),
        *(row for budget in inventory.budgets for row in _budget(budget)),
    )


def predicted(total: int) -> tuple[Constant, ...]:
    """How many series the inventory may need at the most."""
    return (_constant(series.SERIES_PREDICTED, total, part="total"),)


def _constant(metric: Metric, value: Decimal | int = ONE, /, **labels: str) -> Constant:
    """A row without the labels that are empty: to Prometheus these are the same."""
    return Constant(
        metric=metric,
        value=Decimal(value),
        labels={name: text for name, text in labels.items() if text},
    )


def _fleet(inventory: Inventory, engines: Mapping[str, Engine]) -> Iterator[Constant]:
    for policy, severities in sorted(inventory.severities.items()):
        for urgency, severity in severities.items():
            yield _constant(series.SEVERITY, policy=policy, urgency=urgency, severity=severity)
    for threshold in inventory.thresholds:
        yield _threshold(series.THRESHOLD_DEFAULT, threshold)
    for signal, events in inventory.floors.items():
        yield _constant(series.FLOOR_DEFAULT, events, signal=signal)
    for days in sorted({slo.window_days for model in inventory.models for slo in model.slos}):
        yield _constant(series.SLO_WINDOW, days * DAY_S, window=f"{days}d")
    for name in sorted({source.engine for source in _model_sources(inventory)}):
        for signal, reason in sorted(unavailable(engines[name]).items()):
            yield _constant(series.ENGINE_UNAVAILABLE, engine=name, signal=signal, reason=reason)


def _model_sources(inventory: Inventory) -> Iterable[Source]:
    return (source for model in inventory.models for source in model.sources)


def _model(
    model: Model, engines: Mapping[str, Engine], time_compression: int
) -> Iterator[Constant]:
    identity = {"model": model.name, "environment": model.environment}
    yield _constant(
        series.MODEL_INFO,
        **identity,
        team=model.team,
        tier=str(model.tier),
        version=model.version,
        owner=model.owner,
        policy=model.policy,
    )
    for feature, share in model.features.items():
        yield _constant(series.MODEL_FEATURE, share, **identity, feature=feature)
    for source in model.sources:
        for instance in _instances(source):
            yield _constant(
                series.SOURCE,
                job=source.scraped_job,
                instance=instance,
                engine=source.engine,
                engine_model=source.engine_model,
                **identity,
                version=source.version or model.version,
            )
    yield from _promises(model, identity, engines)
    for threshold in limits.thresholds(model, time_compression):
        yield _threshold(series.THRESHOLD, threshold, **identity)
    for signal, score, events in limits.floors(model):
        yield _constant(series.FLOOR, events, **identity, signal=signal, score=score)
    yield from _prices(model, identity)
    if model.pool:
        yield _constant(series.GPU_MODEL, **identity, pool=model.pool)
    for probe in model.probes:
        yield _constant(series.PROBE_INFO, **identity, probe=probe.name, api=probe.api)
    yield from _drift(model, identity)
    if model.retires:
        begins = datetime.fromisoformat(model.retires).replace(tzinfo=UTC)
        yield _constant(series.RETIRES, int(begins.timestamp()), **identity)


def _drift(model: Model, identity: Mapping[str, str]) -> Iterator[Constant]:
    for signal in model.own_past:
        yield _constant(series.OWN_PAST, **identity, signal=signal)
    drift = model.drift
    if drift is None:
        return
    for feature in drift.features:
        critical = str(feature in drift.critical).lower()
        yield _constant(series.DRIFT_FEATURE, **identity, feature_name=feature, critical=critical)
    for method in (drift.method, *RATES, *EMBEDDING_METHODS):
        yield _constant(series.DRIFT_METHOD, **identity, method=method)


def _instances(source: Source) -> tuple[str, ...]:
    """The `instance` of each row; empty for all targets of a job."""
    return source.targets or source.instances or ("",)


def _threshold(metric: Metric, threshold: Threshold, **identity: str) -> Constant:
    return _constant(
        metric,
        threshold.limit.value,
        **identity,
        signal=threshold.signal,
        **threshold.labels,
        hold=threshold.hold,
        limit=threshold.limit.text,
    )


def _promises(
    model: Model, identity: Mapping[str, str], engines: Mapping[str, Engine]
) -> Iterator[Constant]:
    for slo in model.slos:
        yield _constant(
            series.SLO_OBJECTIVE,
            slo.objective.value,
            **identity,
            slo=slo.kind,
            objective=slo.words,
            window=f"{slo.window_days}d",
            score=slo.score,
        )
        if slo.kind == "freshness" and slo.limit:
            yield _constant(series.SLO_MAXIMUM_AGE, slo.limit.value, **identity, slo=slo.kind)
        if slo.floor_events is not None:
            yield _constant(series.FLOOR, slo.floor_events, **identity, signal="slo", slo=slo.kind)
        yield from _buckets(model, slo, identity, engines)


def _buckets(
    model: Model, slo: Slo, identity: Mapping[str, str], engines: Mapping[str, Engine]
) -> Iterator[Constant]:
    """Which bucket separates good from bad, once per engine that has buckets."""
    signal = LATENCY_SIGNALS.get(slo.kind)
    if signal is None or slo.limit is None:
        return
    for name in dict.fromkeys(source.engine for source in model.sources):
        if boundary := bucket_label(engines[name], signal, slo.limit.value):
            yield _constant(series.SLO_BUCKET, **identity, engine=name, slo=slo.kind, le=boundary)


def _prices(model: Model, identity: Mapping[str, str]) -> Iterator[Constant]:
    for kind, price in model.prices.tokens.items():
        yield _constant(series.PRICE_TOKEN, price.value, **identity, kind=kind)
    if model.prices.request:
        yield _constant(series.PRICE_REQUEST, model.prices.request.value, **identity)
    if model.prices.image:
        yield _constant(series.PRICE_IMAGE, model.prices.image.value, **identity)


def _hardware(inventory: Inventory) -> Iterator[Constant]:
    """What the cards of each self-hosted model cost per hour."""
    prices = {
        (pool.name, pool.environment): pool.price_per_hour.value
        for pool in inventory.pools
        if pool.price_per_hour
    }
    for model in inventory.models:
        price = prices.get((model.pool, model.environment))
        if price is not None and model.cards:
            yield _constant(
                series.MODEL_HARDWARE_COST,
                price * model.cards,
                model=model.name,
                environment=model.environment,
                pool=model.pool,
            )


def _pool(pool: Pool) -> Iterator[Constant]:
    identity = {"environment": pool.environment, "pool": pool.name}
    yield _constant(
        series.POOL_INFO, **identity, team=pool.team, tier=str(pool.tier), policy=pool.policy
    )
    if pool.cards:
        yield _constant(series.GPU_EXPECTED, pool.cards, **identity)
    for host in pool.hosts:
        yield _constant(series.GPU_SLOT, **identity, host=host)
    if pool.price_per_hour:
        yield _constant(series.GPU_PRICE, pool.price_per_hour.value, **identity)
    for source in pool.sources:
        for instance in _instances(source):
            yield _constant(
                series.GPU_SOURCE,
                job=source.scraped_job,
                instance=instance,
                engine=source.engine,
                **identity,
            )
    for threshold in pool.thresholds:
        yield _threshold(series.POOL_THRESHOLD, threshold, **identity)


def _budget(budget: Budget) -> Iterator[Constant]:
    identity = {"budget": budget.name, "environment": budget.environment}
    yield _constant(
        series.BUDGET_INFO,
        **identity,
        scope=budget.scope,
        subject=budget.subject,
        team=budget.team,
        tier=str(budget.tier),
        policy=budget.policy,
    )
    yield _constant(
        series.BUDGET,
        budget.amount.value,
        **identity,
        period=budget.period,
        limit=budget.amount.text,
    )
    for share in budget.shares:
        yield _constant(
            series.BUDGET_SHARE, share, **identity, share=f"{(share * 100).normalize():f}%"
        )
    for (model, environment), share in budget.members.items():
        yield _constant(
            series.BUDGET_MEMBER,
            share,
            model=model,
            environment=environment,
            budget=budget.name,
        )
