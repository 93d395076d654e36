"""Promises and limits against the engines: can any source of the model supply what is needed?"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from modelwatch import defaults
from modelwatch.catalogue import FAILURES
from modelwatch.catalogue.own_past import SCORES, SIGNALS
from modelwatch.context import Context, Draft
from modelwatch.engine import Engine
from modelwatch.inventory import Model, Slo, Threshold
from modelwatch.problems import Place
from modelwatch.quantities import plain, printed_duration
from modelwatch.reading_signals import is_off
from modelwatch.supply import Supply, supply, unavailable
from modelwatch.tree import as_text

_NEEDS = {
    "availability": "requests",
    "latency": "request_duration",
    "time_to_first_token": "time_to_first_token",
    "inter_token_latency": "inter_token_latency",
}
_WORDS = {
    "requests": "number of requests",
    "request_duration": "request duration",
    "time_to_first_token": "time to first token",
    "inter_token_latency": "inter-token latency",
    "queue_duration": "queue time",
    "prompt_length": "prompt length",
    "output_length": "output length",
    "requests_running": "number of running requests",
    "requests_waiting": "number of waiting requests",
    "tokens": "number of tokens",
    "kv_cache_usage": "KV cache usage",
    "preemptions": "number of preemptions",
}
_KEYS = {kind.signal: key for key, kind in defaults.LIMITS.items()}


@dataclass(slots=True)
class _Supplies:
    """What each engine supplies, looked up once."""

    context: Context
    known: dict[tuple[str, str], Supply | None] = field(default_factory=dict)

    def of(self, model: Model, signal: str) -> dict[str, Supply]:
        """The supplies of the model's engines that have the signal, by engine."""
        found = {source.engine: self._one(source.engine, signal) for source in model.sources}
        return {engine: one for engine, one in found.items() if one}

    def _one(self, engine: str, signal: str) -> Supply | None:
        key = (engine, signal)
        if key not in self.known:
            self.known[key] = supply(self.context.engines[engine], signal)
        return self.known[key]

    def reason(self, model: Model, signal: str) -> str:
        """Why none of the model's engines has the signal."""
        names = dict.fromkeys(source.engine for source in model.sources)
        return " and ".join(self._why(self.context.engines[name], signal) for name in names)

    def _why(self, engine: Engine, signal: str) -> str:
        said = unavailable(engine).get(signal, "").partition(";")[0].rstrip(".")
        return said if engine.title in said else f"{engine.title} has no {_WORDS[signal]}"


def check_promises(context: Context, models: Sequence[Draft]) -> None:
    """Report promises and limits that nothing could ever measure."""
    supplies = _Supplies(context)
    served = Counter(key for draft in models for key in _servers(draft.model))
    for draft in models:
        if not draft.model.sources:
            continue
        alone = all(served[key] == 1 for key in _servers(draft.model))
        for slo in draft.model.slos:
            _check_slo(context, draft, slo, supplies)
            if slo.kind == "availability":
                _check_failures(context, draft, supplies, alone=alone)
        for key in draft.block.block("limits"):
            _check_limit(context, draft, key, supplies)
        _check_own_past(context, draft, supplies)
        _check_score(context, draft)


def _check_slo(context: Context, draft: Draft, slo: Slo, supplies: _Supplies) -> None:
    signal = _NEEDS.get(slo.kind)
    if signal is None:
        return
    place, found = draft.at("slo", slo.kind), supplies.of(draft.model, signal)
    if not found:
        if draft.whole:
            context.report.add(
                place,
                f"'{slo.kind}' cannot be measured: {supplies.reason(draft.model, signal)}",
                _without(draft, slo),
            )
        return
    if slo.limit is None:
        return
    histograms = {engine: one for engine, one in found.items() if one.how == "histogram"}
    if not histograms and draft.whole:
        engine, one = next(iter(found.items()))
        only = "a mean" if one.how == "mean" else "quantiles"
        context.report.add(
            place,
            f"no share under {slo.limit.text} can be counted: "
            f"{context.engines[engine].title} has only {only} of {_WORDS[signal]}, no histogram",
            _instead(one, slo),
        )
    for engine, one in histograms.items():
        _check_boundary(context, place, engine, one.buckets, slo.limit.value)


def _servers(model: Model) -> set[tuple[str, str]]:
    """Job and target of everything that serves the model; no target stands for the whole job."""
    return {
        (source.scraped_job, target)
        for source in model.sources
        for target in source.targets or source.instances or ("",)
    }


def _check_failures(context: Context, draft: Draft, supplies: _Supplies, *, alone: bool) -> None:
    """A failure that nobody counts for this model would look like none at all."""
    found = supplies.of(draft.model, "requests")
    counted = {
        value for one in found.values() for value in one.values if alone or value not in one.shared
    }
    if not found or not draft.whole or counted & set(FAILURES):
        return
    titles = " and ".join(context.engines[engine].title for engine in found)
    of_server = any(set(one.shared) & set(FAILURES) for one in found.values())
    context.report.add(
        draft.at("slo", "availability"),
        f"'availability' cannot be measured: {titles} counts failures "
        + ("only for a whole server, which serves several models here" if of_server else "of none"),
        "remove it, or add a source that counts them, such as a gateway or a probe",
    )


def _without(draft: Draft, slo: Slo) -> str:
    if slo.kind in draft.block.block("slo"):
        return "remove it, or add a source that exposes it"
    return f"it comes from the defaults: write `{slo.kind}: off` under `slo` of this model"


def _instead(one: Supply, slo: Slo) -> str:
    if one.how != "quantile" or slo.limit is None:
        return "remove it, or add a source with a histogram"
    quantile = min(one.quantiles, key=lambda text: abs(Decimal(text) - slo.objective.value))
    percent = plain(Decimal(quantile) * 100)
    return f"write a limit instead: `limits: {{{slo.kind}: p{percent} > {slo.limit.text} for 5m}}`"


def _check_boundary(
    context: Context, place: Place, engine: str, buckets: tuple[Decimal, ...], limit: Decimal
) -> None:
    """Only at a bucket boundary can be counted how many were faster."""
    if not buckets or limit in buckets:
        return
    title, said = context.engines[engine].title, printed_duration(limit)
    lower = [boundary for boundary in buckets if boundary < limit]
    higher = [boundary for boundary in buckets if boundary > limit]
    if not higher:
        context.report.add(
            place,
            f"{said} is above the last bucket of {title}, {printed_duration(max(lower))}",
            f"write {printed_duration(max(lower))} or less",
        )
        return
    near = [*([max(lower)] if lower else []), min(higher)]
    context.report.add(
        place,
        f"{said} is no bucket boundary of {title}, so it cannot be counted",
        f"write {' or '.join(printed_duration(boundary) for boundary in near)}",
    )


def _check_limit(context: Context, draft: Draft, key: str, supplies: _Supplies) -> None:
    """A limit that the model itself sets; those of the defaults hold only where they can."""
    kind = defaults.LIMITS[key]
    mine = [
        threshold
        for threshold in draft.model.thresholds
        if threshold.signal == kind.signal and not is_off(threshold)
    ]
    if not kind.needs or not mine:
        return
    place, found = draft.at("limits", key), supplies.of(draft.model, kind.needs)
    if not found:
        if draft.whole:
            context.report.add(
                place,
                f"'{key}' cannot be measured: {supplies.reason(draft.model, kind.needs)}",
                "remove it, or add a source that exposes it",
            )
        return
    if kind.measure == "seconds":
        for threshold in mine:
            _check_quantile(context, draft, place, found, threshold)


def _check_quantile(
    context: Context, draft: Draft, place: Place, found: dict[str, Supply], threshold: Threshold
) -> None:
    quantile, limit = threshold.labels["quantile"], threshold.limit.value
    percent = plain(Decimal(quantile) * 100)
    able = [one for one in found.values() if _has_quantile(one, quantile)]
    engine, first = next(iter(found.items()))
    title = context.engines[engine].title
    if not able:
        if not draft.whole:
            return
        own = ", ".join(f"p{plain(Decimal(text) * 100)}" for text in first.quantiles)
        context.report.add(
            place,
            f"{title} has no histogram and no p{percent}" if own else f"{title} has only a mean",
            f"choose one of {own}" if own else "remove it, or add a source with a histogram",
        )
        return
    last = [max(one.buckets, default=limit) for one in able if one.how == "histogram"]
    if len(last) == len(able) and limit > max(last):
        context.report.add(
            place,
            f"{printed_duration(limit)} is above the last bucket of {title}, "
            f"{printed_duration(max(last))}: the quantile never gets there",
            f"write {printed_duration(max(last))} or less",
        )


def _has_quantile(one: Supply, quantile: str) -> bool:
    if one.how == "histogram":
        return True
    same = {plain(Decimal(text)) for text in one.quantiles}
    return one.how == "quantile" and (not same or quantile in same)


def _check_own_past(context: Context, draft: Draft, supplies: _Supplies) -> None:
    """Distributions that the model itself names; of the defaults, those are watched that exist."""
    for written, place in draft.block.items_of("own_past").placed():
        signal = as_text(written)
        if signal == SCORES and not draft.model.scores:
            context.report.add(
                place,
                f"'{draft.model.name}' has no scores",
                "remove it, or describe one: `quality: {groundedness: {good: above 0.7}}`",
            )
        found = supplies.of(draft.model, signal)
        if signal not in SIGNALS or not draft.whole:
            continue
        if not found:
            context.report.add(
                place,
                f"'{signal}' has no past: {supplies.reason(draft.model, signal)}",
                "remove it, or add a source that exposes it",
            )
        elif not any(one.how == "histogram" for one in found.values()):
            titles = " and ".join(context.engines[engine].title for engine in found)
            context.report.add(
                place,
                f"'{signal}' cannot be compared with its past: {titles} has no histogram of it",
                "remove it, or add a source with a histogram",
            )


def _check_score(context: Context, draft: Draft) -> None:
    """The quality objective is of a score that the model has."""
    slo = next((slo for slo in draft.model.slos if slo.kind == "quality"), None)
    if slo is None:
        return
    names = draft.block.block("quality").keys_at
    place = draft.at("slo", "quality")
    if slo.score:
        context.refer(place, "score", slo.score, "", names)
    elif names:
        context.report.add(
            place,
            f"'{draft.model.name}' has several scores",
            f"say which: `quality: {{objective: {slo.objective.text}, score: {min(names)}}}`",
        )
    else:
        context.report.add(
            place,
            f"'{draft.model.name}' has no score that could be good or bad",
            "describe one: `quality: {groundedness: {good: above 0.7}}`",
        )
