"""A draft of an inventory from promises of other formats: every guess is marked in the text."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from generator.slo_formats import Promise, one_line
from generator.slo_meaning import Watched
from generator.slo_meaning.custom import Signal
from generator.slo_meaning.scope import Scope
from generator.yaml_text import dump
from modelwatch import defaults
from modelwatch.promql import duration_seconds
from modelwatch.quantities import printed_duration, printed_share

CONFIRM = "# confirm: "
_TEAM = "owners"
_RECEIVER = "on-call"
_DAY_S = 86400
_LONGEST_NAME = 63
_LATEST = "freshness"


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A promise that found no place, and why."""

    promise: Promise
    why: str


@dataclass(slots=True, kw_only=True)
class _Model:
    """One model of the draft with what was promised for it."""

    name: str
    environment: str
    team: str
    scope: Scope
    engine: str = ""
    signals: dict[str, Signal] = field(default_factory=dict)
    slos: dict[str, Watched] = field(default_factory=dict)
    limits: dict[str, Watched] = field(default_factory=dict)
    guesses: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The text of an inventory, how many promises are in it, and those that are not."""

    text: str
    count: int
    left: tuple[Left, ...]


def draft(found: list[Watched], engines: frozenset[str]) -> Draft:
    """The inventory that keeps these promises; `engines` are names that are taken."""
    models: dict[object, _Model] = {}
    left: list[Left] = []
    for one in found:
        key = _home(one)
        model = models.get(key) or _begun(one, models.values())
        if why := _taken(one, models.values()) or _added(model, one):
            left.append(Left(promise=one.promise, why=why))
        else:
            models[key] = model
    for model in models.values():
        model.engine = model.scope.engine or _engine_name(model.name, engines)
    count = sum(len(model.slos) + len(model.limits) for model in models.values())
    return Draft(text="".join(_text(list(models.values()))), count=count, left=tuple(left))


def _home(one: Watched) -> object:
    """What all promises of one model have in common."""
    facts = one.promise.facts
    return one.scope, facts.get("model", ""), facts.get("environment", "")


def _taken(one: Watched, others: Iterable[_Model]) -> str:
    """Why the sources cannot stand beside others: each series is of one model.

    A job is joined whole or by its instances, never both.
    """
    where = one.scope
    for other in others:
        there = other.scope
        for job in where.jobs if where != there else ():
            if job not in there.jobs:
                continue
            if bool(where.instances) != bool(there.instances):
                ways = ("by its instances", "whole")
                here, elsewhere = ways if where.instances else reversed(ways)
                return f"job '{job}' is read {here} here, and {elsewhere} by '{other.name}'"
            both = set(where.models or ("",)) & set(there.models or ("",))
            if both and (not where.instances or set(where.instances) & set(there.instances)):
                named = f"'{min(both)}' of " if min(both) else ""
                return f"{named}job '{job}' belongs to '{other.name}' already"
    return ""


def _begun(one: Watched, others: Iterable[_Model]) -> _Model:
    facts = one.promise.facts
    environment = facts.get("environment", "")
    taken = {model.name for model in others if model.environment == environment}
    served = one.scope.models if one.promise.service == one.promise.name else ()
    name = facts.get("model", "") or (served[0] if len(served) == 1 else one.promise.service)
    name = slug(name.rpartition("/")[2]) or "model"
    if name in taken:
        others_of_it = [text for text in one.scope.models if slug(text) != name]
        tail = slug((*others_of_it, one.promise.name)[0].rpartition("/")[2])
        name = f"{name[: _LONGEST_NAME - 1 - len(tail)]}-{tail}"[:_LONGEST_NAME].strip("-")
    count = 2
    while name in taken:
        name, count = f"{name[: _LONGEST_NAME - 3]}-{count}", count + 1
    return _Model(
        name=name,
        environment=environment,
        team=slug(one.promise.team) or _TEAM,
        scope=one.scope,
    )


def _added(model: _Model, one: Watched) -> str:
    """Put the promise into the model; why not, where it cannot be."""
    kept = model.limits if one.quantile else model.slos
    if one.kind in kept:
        first = kept[one.kind].promise
        return (
            f"'{model.name}' is promised '{one.kind}' already by '{first.name}' "
            f"({first.path}:{first.place[0]}); a model promises one share of each kind"
        )
    for signal, entry in (one.signals or {}).items():
        if model.signals.setdefault(signal, entry) != entry:
            return f"'{model.name}' has other series of '{signal}' already; see the first of them"
    kept[one.kind] = one
    team = slug(one.promise.team)
    if team and team != model.team:
        model.guesses.append(f"'{one.promise.name}' belongs to {team}; a model has one team")
    return ""


def slug(text: str) -> str:
    """The text as a name of an inventory."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_LONGEST_NAME].strip("-")


def _engine_name(model: str, engines: frozenset[str]) -> str:
    name = model.replace("-", "_")
    name = name if name[0].isalpha() else f"engine_{name}"
    return f"{name[:50]}_metrics" if name in engines else name[:62]


# Text. Comments stand above what they are about.


def _text(models: list[_Model]) -> Iterator[str]:
    yield (
        "# A draft of `modelwatch import`. Whatever was guessed is marked with `confirm`; remove\n"
        "# the mark when you have looked. Then: modelwatch check, and modelwatch generate.\n"
    )
    yield "teams:\n"
    for team in dict.fromkeys(model.team for model in models):
        if team == _TEAM:
            yield f"  {CONFIRM}no label names a team; say who owns these models\n"
        yield f"  {team}: {{page: {_RECEIVER}}}\n"
    yield "receivers:\n"
    yield f"  {CONFIRM}who is told, and how? The documents name no address\n"
    yield f"  {_RECEIVER}: {{webhook: {{url: http://localhost:9009/on-call}}}}\n"
    own = [model for model in models if model.signals]
    if own:
        yield "\nengines:\n"
        yield "  # Engines of your own: what counts as a request, and which of them fail.\n"
        for model in own:
            yield _indented(_engine(model), 2)
    yield "\nmodels:\n"
    yield "\n".join(_indented("".join(_model(model)), 2) for model in models)


def _engine(model: _Model) -> str:
    label = model.scope.model_label
    body = {**({"model_label": label} if label else {}), "signals": model.signals}
    return dump({model.engine: body})


def _model(model: _Model) -> Iterator[str]:
    head: dict[str, Any] = {"name": model.name, "team": model.team}
    if model.environment:
        head["environment"] = model.environment
    yield f"- {_indented(dump(head), 2).lstrip()}"
    yield "  sources:\n"
    every = (*model.slos.values(), *model.limits.values())
    notes = (*model.guesses, *(note for one in every for note in one.confirm))
    yield from _comments(dict.fromkeys(notes))
    for source in _sources(model.scope, model.engine):
        yield f"    - {_indented(dump(source), 6).lstrip()}"
    yield from _quality(model)
    if model.slos:
        yield "  slo:\n"
        for kind, one in model.slos.items():
            yield from _promise(kind, one)
    if model.limits:
        yield "  limits:\n"
        for kind, one in model.limits.items():
            percent = printed_share(Decimal(one.quantile)).removesuffix("%")
            yield f"    # {_from(one.promise)}\n"
            yield f"    {kind}: p{percent} > {_limit(one)} for 5m\n"


def _comments(guesses: Iterable[str]) -> Iterator[str]:
    for guess in guesses:
        yield f"    {CONFIRM}{one_line(guess)}\n"


def _sources(where: Scope, engine: str) -> Iterator[dict[str, Any]]:
    if where.exported:
        yield from json.loads(where.exported)
        return
    for job in where.jobs:
        for name in where.models or ("",):
            yield {
                "engine": engine,
                "job": job,
                **({"instances": list(where.instances)} if where.instances else {}),
                **({"model": name} if name else {}),
            }


def _promise(kind: str, one: Watched) -> Iterator[str]:
    promise = one.promise
    days, guess = _window(promise.window)
    yield f"    # {_from(promise)}\n"
    yield from _comments([guess] if guess else [])
    share = printed_share(promise.objective)
    if kind == "quality":
        score = promise.facts.get("score", "score")
        value: Any = {"objective": share, "score": score, "window": f"{days}d"}
    else:
        limit = promise.facts.get("limit") or (_limit(one) if one.limit else "")
        how = "within" if kind == _LATEST else "under"
        value = f"{share}{f' {how} {limit}' if limit else ''} over {days}d"
    yield _indented(dump({kind: value}), 4)


def _quality(model: _Model) -> Iterator[str]:
    """The score of a quality objective, which has to be described."""
    one = model.slos.get("quality")
    if one is None:
        return
    facts = one.promise.facts
    yield "  quality:\n"
    if "good" not in facts:
        yield f"    {CONFIRM}which answers are good?\n"
    score = {"good": facts.get("good", "above 0.7")}
    yield _indented(dump({facts.get("score", "score"): score}), 4)


def _window(text: str) -> tuple[int, str]:
    """The nearest window that is recorded, and why it is another one."""
    allowed = [int(days.removesuffix("d")) for days in defaults.SLO_WINDOWS]
    if not text:
        usual = int(defaults.SLO_WINDOW.removesuffix("d"))
        return usual, f"the document names no window; {usual} days are the default"
    exact = duration_seconds(text) / _DAY_S
    nearest = min(allowed, key=lambda days: abs(days - exact))
    if nearest == exact:
        return nearest, ""
    return nearest, f"the window is {text} in the document; 7, 28, 30 and 90 days are recorded"


def _limit(one: Watched) -> str:
    return printed_duration(one.limit) if one.limit else ""


def _from(promise: Promise) -> str:
    said = f": {promise.description}" if promise.description else ""
    return one_line(f"{promise.name}, {promise.path}:{promise.place[0]}{said}")


def _indented(text: str, columns: int) -> str:
    return "".join(f"{' ' * columns}{line}" for line in text.splitlines(keepends=True))
