"""The engine layer: recording rules that turn an engine's own series into canonical ones.

One rule per signal and engine in use, however many models there are: an alias series of the
inventory joins what a scrape job calls a model to the inventory's name of it. A source that owns a
whole job is joined on `job`, one that owns some targets of it on `job` and `instance`; only the
joins that the inventory needs are written.
"""

from collections.abc import Iterable, Iterator, Mapping

from generator import engine_promql as vendor
from generator.engine_joins import Joins, recorded_by
from generator.engine_pools import pool_records
from modelwatch import custom
from modelwatch.catalogue import recorded as series
from modelwatch.catalogue.metric import Metric
from modelwatch.engine import (
    Combine,
    Counter,
    Engine,
    Expression,
    Gauge,
    Histogram,
    Kind,
    Mean,
    Quantiles,
    Row,
)
from modelwatch.inventory import Inventory, Source
from modelwatch.problems import DefinitionError
from modelwatch.promql import on
from modelwatch.rules import Record, RecordGroup

INTERVAL = "30s"
GROUP_SIZE = 20
UNDECLARED_LIMIT = 20
"""Undeclared models per job that are told apart: clients can ask for any name."""

_PARTED: Mapping[str, tuple[Metric, str]] = {
    "requests": (series.ENGINE_REQUESTS, "outcome"),
    "tokens": (series.ENGINE_TOKENS, "kind"),
}
_PLAIN: Mapping[str, Metric] = {
    "cost": series.ENGINE_COST,
    "preemptions": series.ENGINE_PREEMPTIONS,
    "requests_running": series.ENGINE_RUNNING,
    "requests_waiting": series.ENGINE_WAITING,
    "kv_cache_usage": series.ENGINE_KV_CACHE,
    "batch_size": series.ENGINE_BATCH_SIZE,
}


def groups(inventory: Inventory, engines: Mapping[str, Engine]) -> tuple[RecordGroup, ...]:
    """The rules of every engine that the inventory's models and pools use."""
    known = {**{name: custom.engine(own) for name, own in inventory.engines.items()}, **engines}
    models = _in_use((model.sources for model in inventory.models), known)
    pools = _in_use((pool.sources for pool in inventory.pools), known)
    return (
        *(
            group
            for engine, sources in models
            for group in _split(f"modelwatch-engine-{engine.name}", _records(engine, sources))
        ),
        *_pool_groups(pools),
    )


Used = list[tuple[Engine, list[Source]]]


def _in_use(sources: Iterable[tuple[Source, ...]], known: Mapping[str, Engine]) -> Used:
    by_engine: dict[str, list[Source]] = {}
    for source in (source for of_one in sources for source in of_one):
        by_engine.setdefault(source.engine, []).append(source)
    if missing := sorted(set(by_engine) - set(known)):
        raise DefinitionError(f"no engine is called {', '.join(missing)}")
    return [(known[name], found) for name, found in sorted(by_engine.items())]


def _pool_groups(used: Used) -> Iterator[RecordGroup]:
    kinds: tuple[Kind, ...] = ("gpu", "host")
    for kind in kinds:
        joins = [Joins.of(engine, found) for engine, found in used if engine.kind == kind]
        yield from _split(f"modelwatch-engine-{kind}", list(pool_records(kind, joins)))


def _split(name: str, records: list[Record]) -> Iterator[RecordGroup]:
    """Groups that every ruler accepts, numbered where there are several."""
    chunks = [records[at : at + GROUP_SIZE] for at in range(0, len(records), GROUP_SIZE)]
    for number, chunk in enumerate(chunks, start=1):
        suffix = f"-{number}" if len(chunks) > 1 else ""
        yield RecordGroup(name=f"{name}{suffix}", interval=INTERVAL, records=tuple(chunk))


def _records(engine: Engine, sources: list[Source]) -> list[Record]:
    joins = Joins.of(engine, sources)
    records = [
        record
        for signal in dict.fromkeys(row.signal for row in engine.rows)
        for record in _signal(signal, [row for row in engine.rows if row.signal == signal], joins)
    ]
    repeated = [record.metric.name for record in records]
    if len(set(repeated)) < len(repeated):
        raise DefinitionError(f"{engine.name} has two rows for the same series")
    return [*records, *_undeclared(joins)]


def _signal(signal: str, rows: list[Row], joins: Joins) -> Iterator[Record]:
    if signal in _PARTED:
        yield _parted(signal, rows, joins)
    elif signal in series.DISTRIBUTIONS:
        yield from _distribution(signal, rows, joins)
    elif signal in series.LENGTHS:
        yield from (_length(signal, row, joins) for row in rows)
    elif signal in _PLAIN:
        yield from (_plain(_PLAIN[signal], row, joins) for row in rows)
    else:
        raise DefinitionError(f"{joins.engine.name} has a row for {signal}, which no model has")


def _parted(signal: str, rows: list[Row], joins: Joins) -> Record:
    """All outcomes, or all kinds of tokens, in one rule."""
    metric, label = _PARTED[signal]
    counted = [row for row in rows if isinstance(row, Counter | Expression)]
    if len(counted) < len(rows):
        raise DefinitionError(f"{joins.engine.name}: {signal} is a rate, not a distribution")
    own = [row for row in counted if not joins.of_server(row)]
    of_server = [row for row in counted if joins.of_server(row)]
    vectors = [_by_part(row, joins.engine, label) for row in own]
    server_vectors = [_by_part(row, joins.engine, label) for row in of_server]
    if signal == "requests":
        vectors += _zeros(own, own, joins.engine)
        server_vectors += _zeros(own, of_server, joins.engine)
    parts = [joins.join("\nor\n".join(vectors))] if own else []
    parts += [joins.join(vector, of_server=True) for vector in server_vectors]
    return joins.record(metric, "\nor\n".join(parts), label)


def _by_part(row: Counter | Expression, engine: Engine, label: str) -> str:
    if isinstance(row, Counter):
        return vendor.counter_rate(row, engine, canonical=label)
    return vendor.expression(row, engine, canonical=label)


def _zeros(
    own: list[Counter | Expression], counting: list[Counter | Expression], engine: Engine
) -> list[str]:
    """Zero for each outcome that the rows would count but have not seen yet.

    Without them a model with no failure yet has no error ratio instead of one of zero. A model for
    which nothing counts failures has none: that is not the same as no failures.
    """
    if not own:
        return []
    outcomes = dict.fromkeys(value for row in counting for value in _outcomes(row) if value)
    by = vendor.identity(engine)
    counts = vendor.choice([vendor.presence(row, engine) for row in own], by)
    return [vendor.labelled(f"0 * ({counts})", "outcome", value) for value in outcomes]


def _outcomes(row: Counter | Expression) -> tuple[str, ...]:
    if isinstance(row, Counter):
        return (*row.values, row.rest, row.value)
    return (row.value,)


def _distribution(signal: str, rows: list[Row], joins: Joins) -> Iterator[Record]:
    engine = joins.engine
    has_mean = any(isinstance(row, Mean) for row in rows)
    for row in rows:
        of_server = joins.of_server(row)
        match row:
            case Histogram():
                buckets = joins.join(vendor.bucket_rates(row, engine), of_server=of_server)
                yield joins.record(series.ENGINE_BUCKETS[signal], buckets, "le")
            case Quantiles():
                own = joins.join(vendor.quantiles(row, engine), of_server=of_server)
                yield joins.record(series.ENGINE_QUANTILES[signal], own, "quantile", how="max")
            case Expression():
                vector = vendor.expression(row, engine, canonical="quantile")
                own = joins.join(vector, of_server=of_server)
                yield joins.record(series.ENGINE_QUANTILES[signal], own, "quantile", how="max")
        if isinstance(row, Mean) or (isinstance(row, Histogram) and not has_mean):
            for part, metrics in (("_sum", series.ENGINE_SUMS), ("_count", series.ENGINE_COUNTS)):
                rate = vendor.distribution_rate(row, engine, part)
                yield joins.record(metrics[signal], joins.join(rate, of_server=of_server))


def _length(signal: str, row: Row, joins: Joins) -> Record:
    if not isinstance(row, Histogram):
        raise DefinitionError(f"{joins.engine.name}: {signal} needs a histogram")
    buckets = joins.join(vendor.bucket_rates(row, joins.engine), of_server=joins.of_server(row))
    return joins.record(series.ENGINE_BUCKETS[signal], buckets, "le")


def _plain(metric: Metric, row: Row, joins: Joins) -> Record:
    vector, how = _value(row, joins.engine)
    return joins.record(metric, joins.join(vector, of_server=joins.of_server(row)), how=how)


def _value(row: Row, engine: Engine) -> tuple[str, Combine]:
    match row:
        case Counter():
            return vendor.counter_rate(row, engine), "sum"
        case Gauge():
            return vendor.gauge(row, engine), row.across
        case Expression():
            return vendor.expression(row, engine), row.across
    raise DefinitionError(f"{engine.name}: {row.signal} is one number, not a distribution")


def _undeclared(joins: Joins) -> Iterator[Record]:
    """Traffic under names that the inventory does not have, in jobs that it does have."""
    rows = [
        row
        for row in joins.engine.rows
        if row.signal == "requests" and isinstance(row, Counter) and not joins.of_server(row)
    ]
    if not rows or not joins.engine.model_label or joins.engine.knows_inventory:
        return
    by = vendor.identity(joins.engine)
    counts = vendor.choice([vendor.presence(row, joins.engine) for row in rows], by)
    foreign = (
        f"(({counts}) > 0)\n"
        f"and {on('job')} {joins.every_alias()}\n"
        f"unless {on('job', vendor.ENGINE_MODEL)} {joins.every_alias()}"
    )
    labels = ("job", vendor.ENGINE_MODEL)
    yield Record(
        metric=series.ENGINE_UNDECLARED,
        expr=f"topk by (job) ({UNDECLARED_LIMIT}, {recorded_by(foreign, labels)})",
        labels={"engine": joins.engine.name},
    )
