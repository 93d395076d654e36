"""What a promise of another format means here: which engine, which model, which kind, which limit.

A promise on metrics of a known engine becomes one of that engine. One on any other counter or
histogram becomes one of an engine that the inventory describes itself, see `custom`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from alerts.recorded.slo import LATENCIES
from generator.slo_formats import Promise
from generator.slo_meaning import custom
from generator.slo_meaning.differences import differences
from generator.slo_meaning.events import bad_and_all, latency
from generator.slo_meaning.scope import Scope, scope
from generator.slo_meaning.terms import Meaning, NotUnderstoodError, Quantile, Terms, meaning, terms
from modelwatch.buckets import label as bucket_label
from modelwatch.catalogue import QUANTILES
from modelwatch.catalogue.recorded import SLO_BAD, SLO_TOTAL
from modelwatch.engine import Counter, Engine, Histogram
from modelwatch.quantities import plain
from modelwatch.supply import bare, metrics_read

_KIND_OF = {signal: kind for kind, signal in LATENCIES.items()}
_CANONICAL = {SLO_BAD.name, SLO_TOTAL.name}


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A promise in our terms: a `kind` of objective, or of a limit where `quantile` is not empty.

    `scope` says where its series are. `signals` are those of an engine that the inventory has to
    describe. `confirm` is what was guessed.
    """

    promise: Promise
    kind: str
    scope: Scope
    limit: Decimal | None = None
    quantile: str = ""
    signals: Mapping[str, custom.Signal] | None = None
    confirm: tuple[str, ...] = ()


def watched(promise: Promise, engines: Mapping[str, Engine]) -> Watched:
    """The promise in our terms.

    Raises:
        NotUnderstoodError: it has none; says why.
    """
    indicator = promise.indicator
    if indicator.up:
        made = custom.of_gauge(terms(indicator.up.text), promise.service)
        return _described(promise, "availability", made)
    if indicator.value:
        return _of_value(promise, meaning(indicator.value.text), engines)
    bad, whole = bad_and_all(indicator)
    names = {selector.metric for _, selector in (*bad, *whole)}
    if names <= _CANONICAL:
        return _of_ours(promise, engines)
    if indicator.of_gauges:
        raise NotUnderstoodError("its queries are gauges, which count no events")
    engine, guess = _engine(names, engines)
    if engine is None:
        return _of_custom(promise, bad, whole)
    found_latency = latency(bad, whole)
    if found_latency:
        base, le = found_latency
        row = _histogram(engine, base)
        limit = _boundary(row, le, engine)
        return _known(
            promise, engine, (*bad, *whole), _KIND_OF[row.signal], confirm=guess, limit=limit
        )
    notes = (*guess, *differences(engine, bad, whole))
    return _known(promise, engine, (*bad, *whole), "availability", confirm=notes)


def _of_ours(promise: Promise, engines: Mapping[str, Engine]) -> Watched:
    """A document that was exported from here: it carries the facts of the inventory."""
    facts = promise.facts
    try:
        sources = json.loads(facts["sources"])
        unknown = [one["engine"] for one in sources if one["engine"] not in engines]
        kind = facts["slo"]
    except (KeyError, TypeError, ValueError) as error:
        raise NotUnderstoodError(
            "it reads what modelwatch records, and does not say from which sources"
        ) from error
    if unknown:
        raise NotUnderstoodError(f"the engine '{unknown[0]}' is described in another inventory")
    return Watched(promise=promise, kind=kind, scope=Scope(engine="", exported=facts["sources"]))


def _of_custom(promise: Promise, bad: Terms, whole: Terms) -> Watched:
    found_latency = latency(bad, whole)
    if found_latency is None:
        made = custom.of_counters(bad, whole, promise.service)
        return _described(promise, "availability", made)
    base, le = found_latency
    made = custom.of_histogram((*bad, *whole), base, promise.service)
    return _described(promise, _kind(made), made, limit=le * custom.factor(base))


def _kind(made: custom.Made) -> str:
    return _KIND_OF[next(iter(made.signals))]


def _described(
    promise: Promise,
    kind: str,
    made: custom.Made,
    *,
    limit: Decimal | None = None,
    quantile: str = "",
    confirm: tuple[str, ...] = (),
) -> Watched:
    """A promise on an engine that the inventory describes."""
    return Watched(
        promise=promise,
        kind=kind,
        scope=made.scope,
        limit=limit,
        quantile=quantile,
        signals=made.signals,
        confirm=(*made.confirm, *confirm),
    )


def _of_value(promise: Promise, found: Meaning, engines: Mapping[str, Engine]) -> Watched:
    """A value under a limit: a quantile, or a native histogram of which a share is."""
    limit = promise.indicator.limit
    if isinstance(found, Quantile):
        return _of_quantile(promise, found, engines)
    if not isinstance(found, tuple) or len(found) != 1:
        raise NotUnderstoodError("a value is compared that is no quantile of a histogram")
    selector = found[0][1]
    classic = {f"{selector.metric}{part}" for part in ("_bucket", "_count")}
    engine, guess = _engine(classic, engines)
    if engine is None or limit is None:
        raise NotUnderstoodError("it reads a native histogram; modelwatch reads classic buckets")
    row = _histogram(engine, selector.metric)
    limit = _boundary(row, limit / Decimal(row.unit.factor), engine)
    notes = (*guess, "a native histogram was read; the classic buckets of the same one are counted")
    return _known(promise, engine, found, _KIND_OF[row.signal], confirm=notes, limit=limit)


def _of_quantile(promise: Promise, found: Quantile, engines: Mapping[str, Engine]) -> Watched:
    """A limit beside the objectives: how long a quantile was too slow is no share of events."""
    quantile = next((one for one in QUANTILES if Decimal(one) == Decimal(found.share)), "")
    if not quantile:
        raise NotUnderstoodError(f"the quantile {found.share} is not recorded")
    base = found.of.metric.removesuffix("_bucket")
    limit = promise.indicator.limit
    note = (
        f"the document promises this for {plain(promise.objective * 100)}% of the time; "
        "a limit tells when it is so for 5 minutes",
    )
    engine, guess = _engine({found.of.metric}, engines)
    if engine is None:
        made = custom.of_histogram(((1, found.of),), base, promise.service)
        scaled = None if limit is None else limit * custom.factor(base)
        return _described(promise, _kind(made), made, limit=scaled, quantile=quantile, confirm=note)
    row = _histogram(engine, base)
    scaled = None if limit is None else limit * Decimal(row.unit.factor)
    return _known(
        promise,
        engine,
        ((1, found.of),),
        _KIND_OF[row.signal],
        confirm=(*guess, *note),
        limit=scaled,
        quantile=quantile,
    )


def _engine(
    names: Iterable[str], engines: Mapping[str, Engine]
) -> tuple[Engine | None, tuple[str, ...]]:
    """The engine that exposes all of these, and what else it may be."""
    able = [
        engine
        for engine in engines.values()
        if engine.kind == "model" and set(names) <= metrics_read(engine)
    ]
    if not able:
        return None, ()
    able.sort(key=lambda engine: not min(names).startswith(engine.name))
    others = " or ".join(engine.name for engine in able[1:])
    return able[0], (f"{others} has these metrics too",) if others else ()


def _histogram(engine: Engine, base: str) -> Histogram:
    for row in engine.rows:
        if isinstance(row, Histogram) and base in map(bare, row.names):
            if row.signal not in _KIND_OF:
                break
            return row
    raise NotUnderstoodError(f"nothing is promised about {base}")


def _boundary(row: Histogram, le: Decimal, engine: Engine) -> Decimal:
    if row.buckets and le not in row.buckets:
        lower = [one for one in row.buckets if one < le]
        higher = [one for one in row.buckets if one > le]
        near = " or ".join(bucket_label(one, row.unit) for one in (*lower[-1:], *higher[:1]))
        raise NotUnderstoodError(
            f'{engine.title} has no bucket le="{plain(le)}", so it has no data; it has {near}'
        )
    return le * Decimal(row.unit.factor)


def _known(
    promise: Promise,
    engine: Engine,
    read: Terms,
    kind: str,
    *,
    confirm: tuple[str, ...],
    limit: Decimal | None = None,
    quantile: str = "",
) -> Watched:
    labels = tuple(engine.model_label.split(" or ")) if engine.model_label else ()
    told = {row.label for row in engine.rows if isinstance(row, Counter) and row.label}
    where, guesses = scope(
        [selector for _, selector in read],
        engine=engine.name,
        model_labels=labels,
        ignored=("le", *told),
        job=engine.name,
    )
    return Watched(
        promise=promise,
        kind=kind,
        scope=where,
        limit=limit,
        quantile=quantile,
        confirm=(*confirm, *guesses),
    )
