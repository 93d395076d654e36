"""Coverage: which signal of which model is monitored, and why is the rest not?"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from generator.verify.finding import Finding, Level, Table, Verification
from generator.verify.live.asked import Owned, each, named, now, or_a_note, owned, subject
from generator.verify.live.context import LiveContext
from modelwatch.catalogue import drift, probe, recorded
from modelwatch.catalogue.metric import Metric
from modelwatch.inventory import Model
from modelwatch.supply import metrics_read, supply, unavailable

_NAME = "coverage"

_RECORDED: Mapping[str, tuple[Metric, ...]] = {
    "requests": (recorded.REQUESTS,),
    **{
        signal: (recorded.QUANTILES[signal], recorded.MEANS[signal])
        for signal in recorded.DISTRIBUTIONS
    },
    "requests_running": (recorded.RUNNING,),
    "requests_waiting": (recorded.WAITING,),
    "tokens": (recorded.TOKENS,),
    "cost": (recorded.COST,),
    "kv_cache_usage": (recorded.KV_CACHE,),
    "preemptions": (recorded.PREEMPTIONS,),
    "batch_size": (recorded.BATCH_SIZE_MEAN,),
    "quality": (recorded.SCORE,),
    "kpi": (recorded.KPI,),
    "drift": (drift.DRIFT,),
    "probes": (probe.PROBE_SUCCESS,),
}
"""Any of these is there for a model whose signal is monitored."""

_DECLARED = {
    "quality": ("scores", "declare a score: `quality: {groundedness: {good: above 0.7}}`"),
    "kpi": ("kpis", "declare one under `kpi`"),
    "drift": ("drift", "declare it under `drift`"),
    "probes": ("probes", "declare one under `probes`"),
}
"""Signals that no engine has, by the field of the model that declares them."""

_MENDED: Mapping[str, tuple[Level, str]] = {
    "silent": (
        "warning",
        "does the source's `model` name what the engine serves, as it spells it?",
    ),
    "not recorded": ("warning", "load the generated rules: the pages have what they need"),
    "needs a flag": ("note", "switch it on at the engine"),
}

_MARKS: Mapping[str, str] = {
    "monitored": "+",
    "idle": ".",
    "silent": "!",
    "not recorded": "?",
    "needs a flag": "f",
    "not supplied": "-",
    "not declared": "",
}
_BAD = ("!", "?")
_HEADINGS: Mapping[str, str] = {
    "requests": "req",
    "request_duration": "dur",
    "time_to_first_token": "ttft",
    "inter_token_latency": "itl",
    "queue_duration": "que",
    "requests_running": "run",
    "requests_waiting": "wait",
    "tokens": "tok",
    "kv_cache_usage": "kv",
    "preemptions": "pre",
    "batch_size": "bat",
    "quality": "qual",
    "probes": "prob",
}
"""Signals whose names are too long for a column."""

_ON_THE_PAGE = {
    True: ("idle", "it is on the page, but counts nothing now"),
    False: ("not recorded", "it is on the page, but no rule records it"),
}
"""By whether the rules record anything else of the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    """One signal of one model.

    `state` is monitored, idle, silent, not recorded, needs a flag, not supplied or not declared.
    """

    model: Model
    signal: str
    state: str
    why: str = ""


@or_a_note(_NAME)
def check(context: LiveContext) -> Verification:
    """Ask for each signal which models have it, and explain each gap."""
    signals = tuple(_RECORDED)
    heard = dict(zip(signals, each(lambda one: _heard(context, one), signals), strict=True))
    sources = tuple(owned(context))
    pages = each(lambda own: _on_pages(context, own), sources)
    cells = [
        _cell(model, signal, heard, mine)
        for model in context.inventory.models
        for mine in ([pair for pair in zip(sources, pages, strict=True) if pair[0].model is model],)
        for signal in signals
    ]
    return Verification(
        findings=tuple(_gaps(cells)),
        tables=(
            Table(
                name="coverage",
                title="Signals of each model",
                rows=tuple(
                    {
                        "model": cell.model.name,
                        "environment": cell.model.environment,
                        "signal": cell.signal,
                        "state": cell.state,
                        "why": cell.why,
                    }
                    for cell in cells
                ),
                short=_matrix(cells),
                legend=_legend(cells),
            ),
        ),
        checked={_NAME: len(cells)},
    )


def _heard(context: LiveContext, signal: str) -> frozenset[tuple[str, str]]:
    """The models that have a value now."""
    query = " or ".join(f"(group by (model, environment) ({one}))" for one in _RECORDED[signal])
    return frozenset(
        (one.labels.get("model", ""), one.labels.get("environment", ""))
        for one in now(context, query)
    )


def _on_pages(context: LiveContext, own: Owned) -> frozenset[str]:
    """The metrics of the engine that the source's targets expose."""
    read = named(sorted(metrics_read(own.engine)), **own.where)
    return frozenset(
        one.labels["__name__"] for one in now(context, f"group by (__name__) ({read})")
    )


def _cell(
    model: Model,
    signal: str,
    heard: Mapping[str, frozenset[tuple[str, str]]],
    sources: list[tuple[Owned, frozenset[str]]],
) -> _Cell:
    if model.key in heard[signal]:
        state, why = "monitored", ""
    elif signal in _DECLARED:
        field, how = _DECLARED[signal]
        declared = getattr(model, field)
        state, why = ("silent", "nothing is measured") if declared else ("not declared", how)
    elif not sources:
        state, why = "not declared", "the model has no source"
    else:
        any_heard = any(model.key in models for models in heard.values())
        state, why = _of_engines(model, signal, sources, any_heard=any_heard)
    return _Cell(model=model, signal=signal, state=state, why=why)


def _of_engines(
    model: Model, signal: str, sources: list[tuple[Owned, frozenset[str]]], *, any_heard: bool
) -> tuple[str, str]:
    """Why a signal is not there that engines supply: the first reason of these that holds."""
    able = [found for own, _ in sources if (found := supply(own.engine, signal))]
    priced = signal == "cost" and (model.prices.tokens or model.prices.request or model.cards)
    flags = [found.opt_in for found in able if found.opt_in and not found.has_default]
    if not able and not priced:
        whys = dict.fromkeys(_why_not(own, signal) for own, _ in sources)
        return "not supplied", "; ".join(whys)
    if any(_read_for(own, signal) & page for own, page in sources):
        return _ON_THE_PAGE[any_heard]
    if flags:
        return "needs a flag", "; ".join(dict.fromkeys(flags))
    if lacking := [why for own, _ in sources if (why := unavailable(own.engine).get(signal))]:
        return "not supplied", "; ".join(dict.fromkeys(lacking))
    return "silent", f"none of what {_titles(sources)} supplies is on the page"


def _titles(sources: list[tuple[Owned, frozenset[str]]]) -> str:
    return " and ".join(dict.fromkeys(own.engine.title for own, _ in sources))


def _why_not(own: Owned, signal: str) -> str:
    return unavailable(own.engine).get(signal) or f"{own.engine.title} does not supply it"


def _read_for(own: Owned, signal: str) -> frozenset[str]:
    """What the engine's rows of one signal read."""
    rows = tuple(row for row in own.engine.rows if row.signal == signal)
    return metrics_read(replace(own.engine, rows=rows))


def _matrix(cells: list[_Cell]) -> tuple[Mapping[str, str], ...]:
    """One row per model with a mark per signal, those with the most gaps first."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for cell in cells:
        row = found.setdefault(
            cell.model.key, {"model": cell.model.name, "environment": cell.model.environment}
        )
        row[_HEADINGS.get(cell.signal, cell.signal)] = _MARKS[cell.state]
    return tuple(
        sorted(found.values(), key=lambda row: -sum(mark in _BAD for mark in row.values()))
    )


def _legend(cells: list[_Cell]) -> str:
    seen = {cell.state for cell in cells}
    return ", ".join(f"{_MARKS[state] or 'empty'} {state}" for state in _MARKS if state in seen)


def _gaps(cells: list[_Cell]) -> Iterator[Finding]:
    """One finding per model and state, with all of its signals; one where nothing is recorded."""
    signals: dict[tuple[str, str], list[_Cell]] = defaultdict(list)
    recorded_any = any(cell.state in ("monitored", "idle") for cell in cells)
    for cell in cells:
        everywhere = cell.state == "not recorded" and not recorded_any
        signals["all models" if everywhere else subject(cell.model), cell.state].append(cell)
    for (about, state), found in signals.items():
        if state in _MENDED:
            level, advice = _MENDED[state]
            names = ", ".join(dict.fromkeys(cell.signal for cell in found))
            whys = "; ".join(dict.fromkeys(cell.why for cell in found))
            yield Finding(
                level=level,
                check=_NAME,
                subject=about,
                message=f"{names}: {whys}",
                advice=advice,
                reason=state.replace(" ", "-"),
            )


CHECK = check
