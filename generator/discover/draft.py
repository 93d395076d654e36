"""From sightings to the models and pools of an inventory: what is one model, and its name."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from generator.discover.found import Found, Hardware, Place, Sighting, Signal
from generator.discover.names import cut, free, short, slug
from generator.discover.settling import settled
from modelwatch.engine import Engine

PRODUCTION = "production"
_TARGET = re.compile(r"(?:\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9._-]{1,253}):([0-9]{1,5})")
_HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One model in one environment, which may be `assumed`. `of` is what it is known by."""

    name: str
    of: str
    environment: str
    assumed: bool
    team: str
    sources: tuple[Sighting, ...]
    scores: tuple[Signal, ...] = ()
    kpis: tuple[Signal, ...] = ()
    price: Mapping[str, Decimal] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """GPUs of one environment."""

    name: str
    environment: str
    assumed: bool
    sources: tuple[Sighting, ...]
    hardware: Hardware


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Everything that becomes the inventory; `remarks` say what did not."""

    entries: tuple[Entry, ...]
    pools: tuple[Pool, ...]
    remarks: tuple[str, ...]


def drafted(found: Sequence[Found], engines: Mapping[str, Engine]) -> Draft:
    """What these sources of knowledge say together; the earlier one is believed."""
    seen, remarks = _named(_placed(_once(found), engines), engines)
    hardware = [one for one in seen if one.hardware]
    models, lost = settled(one for one in seen if not one.hardware)
    cards, taken = settled(one for one in hardware if engines[one.engine].kind == "gpu")
    hosts = [one for one in hardware if engines[one.engine].kind == "host"]
    pools, left_out = _pools(cards, hosts)
    told = (
        *(remark for one in found for remark in one.remarks),
        *remarks,
        *lost,
        *taken,
        *left_out,
    )
    signals = [one for one in seen if one.scores or one.kpis]
    entries = _entries(models, signals, engines)
    return Draft(entries=entries, pools=pools, remarks=tuple(dict.fromkeys(told)))


def _once(found: Sequence[Found]) -> list[Sighting]:
    """The sightings, without those that an earlier source of knowledge has too."""
    kept: list[Sighting] = []
    for one in found:
        earlier = list(kept)
        for sighting in one.sightings:
            same = next((index for index, e in enumerate(earlier) if _same(e, sighting)), None)
            if same is None:
                kept.append(sighting)
            else:
                kept[same] = replace(
                    kept[same],
                    price=kept[same].price or sighting.price,
                    remarks=(*kept[same].remarks, *sighting.remarks),
                )
    return kept


def _same(earlier: Sighting, later: Sighting) -> bool:
    if earlier.engine != later.engine or bool(earlier.hardware) != bool(later.hardware):
        return False
    environments = {earlier.environment, later.environment} - {""}
    named_alike = earlier.identity == later.identity or not later.identity
    return len(environments) < 2 and (bool(later.hardware) or named_alike)


def _placed(sightings: Sequence[Sighting], engines: Mapping[str, Engine]) -> list[Sighting]:
    """Sightings that do not know where their engine is get the place where another saw it."""
    places: dict[str, Place] = {}
    for sighting in sightings:
        if sighting.place.is_known:
            whole = replace(sighting.place, instances=())
            places.setdefault(sighting.engine, whole)
    return [
        one if one.place.is_known else _at_usual_place(one, places, engines[one.engine])
        for one in sightings
    ]


def _at_usual_place(sighting: Sighting, places: Mapping[str, Place], engine: Engine) -> Sighting:
    if engine.name in places:
        return replace(sighting, place=places[engine.name])
    usual = f"localhost:{engine.port}"
    why = f"{sighting.why}; that it is at {usual} is its usual place, and nothing else"
    return replace(sighting, place=Place(targets=(usual,)), why=why)


def _named(
    sightings: Sequence[Sighting], engines: Mapping[str, Engine]
) -> tuple[list[Sighting], list[str]]:
    """Sightings that can stand in an inventory, and what speaks against the others."""
    kept, remarks = [], []
    for sighting in sightings:
        engine = engines[sighting.engine]
        where = cut(sighting.place.job or " ".join(sighting.place.targets) or engine.title)
        if not sighting.hardware and engine.model_label and not sighting.model:
            if not any(o.model for o in sightings if o.engine == sighting.engine):
                remarks.append(
                    f"{engine.title} is at {where}, but which models it has is not known: its own "
                    "metrics name them"
                )
        elif len(sighting.model) > 300:
            remarks.append(f"a model of {where} has a name of more than 300 characters")
        elif not all(map(_is_target, sighting.place.targets)):
            remarks.append(f"{where} is no address of {engine.title}")
        else:
            kept.append(sighting)
    return kept, remarks


def _is_target(text: str) -> bool:
    found = _TARGET.fullmatch(text)
    return found is not None and 0 < int(found[1]) <= _HIGHEST_PORT


# Models.


@dataclass(frozen=True, slots=True, order=True)
class _Group:
    """What is one model: in front of others (the engine's name) or not, and how it is known."""

    in_front: str
    of: str


def _group(sighting: Sighting, engines: Mapping[str, Engine]) -> _Group:
    in_front = sighting.engine if engines[sighting.engine].in_front else ""
    return _Group(in_front, sighting.identity)


Entries = dict[tuple[str, str], Entry]
"""By name and environment."""


def _entries(
    sightings: Sequence[Sighting], signals: Sequence[Sighting], engines: Mapping[str, Engine]
) -> tuple[Entry, ...]:
    beside = [one for one in sightings if one.engine == "modelwatch" and not one.counts]
    serving = [one for one in sightings if one not in beside]
    names = _names({_group(one, engines) for one in serving})
    models: dict[tuple[_Group, str], list[Sighting]] = defaultdict(list)
    for one in serving:
        models[_group(one, engines), _environment(one)].append(one)
    entries = {
        (names[group], environment): _entry(names, group, environment, mine)
        for (group, environment), mine in models.items()
    }
    for one in beside:
        _add_beside(entries, one)
    for one in signals:
        key = (one.model, _environment(one))
        if entry := entries.get(key):
            entries[key] = replace(
                entry,
                scores=_together(entry.scores, one.scores),
                kpis=_together(entry.kpis, one.kpis),
            )
    return tuple(entries[key] for key in sorted(entries))


def _together(first: Sequence[Signal], second: Sequence[Signal]) -> tuple[Signal, ...]:
    """Each signal once, with everything that was seen of it."""
    found = {signal.name: signal for signal in first}
    for signal in second:
        other = found.get(signal.name, signal)
        low, high = min(signal.low, other.low), max(signal.high, other.high)
        found[signal.name] = replace(signal, low=low, high=high)
    return tuple(found.values())


def _add_beside(entries: Entries, sighting: Sighting) -> None:
    """What counts no requests is no model where there is one of its name."""
    key = (sighting.model, _environment(sighting))
    is_exporter = bool(sighting.scores or sighting.kpis)
    if entry := entries.get(key):
        further = () if is_exporter else (sighting,)
        entries[key] = replace(entry, sources=(*entry.sources, *further))
        return
    taken = {name for name, _ in entries}
    base = slug(sighting.model)
    group = _Group("", sighting.model)
    name = free([base, f"{base[:40]}-beside"], taken)
    entries[name, key[1]] = _entry({group: name}, group, key[1], [sighting])


def _environment(sighting: Sighting) -> str:
    return slug(sighting.environment, PRODUCTION)


def _names(groups: Iterable[_Group]) -> dict[_Group, str]:
    """A name for each; what names itself by our metrics keeps its own."""
    names: dict[_Group, str] = {}
    ordered = sorted(groups, key=lambda group: (group.in_front != "modelwatch", group))
    for group in ordered:
        base = short(group.of) if group.in_front != "modelwatch" else slug(group.of)
        further = [f"{base[:40]}-{slug(group.in_front)}"] if group.in_front else [slug(group.of)]
        names[group] = free([base, *further], names.values())
    return names


def _entry(
    names: Mapping[_Group, str], group: _Group, environment: str, sightings: Sequence[Sighting]
) -> Entry:
    teams = dict.fromkeys(slug(one.team, "") for one in sightings if one.team)
    twins = [name for other, name in names.items() if other.of == group.of and other != group]
    remarks = [
        f"'{twin}' has the same name there; one model of both would count requests twice where "
        "one is in front of the other"
        for twin in twins[:1]
    ]
    price = next((one.price for one in sightings if one.price), {})
    return Entry(
        name=names[group],
        of=group.of,
        environment=environment,
        assumed=not any(one.environment for one in sightings),
        team=next(iter(teams), ""),
        sources=_joined(sightings),
        price=price,
        remarks=tuple(dict.fromkeys((*remarks, *(r for one in sightings for r in one.remarks)))),
    )


def _joined(sightings: Sequence[Sighting]) -> tuple[Sighting, ...]:
    """One source for all targets of an engine that are scraped alike."""
    found: dict[tuple[str, str, Place], Sighting] = {}
    for one in sightings:
        alike = replace(one.place, targets=(), instances=())
        key = (one.engine, one.model, alike)
        first = found.get(key)
        if first is None:
            found[key] = one
            continue
        targets = dict.fromkeys((*first.place.targets, *one.place.targets))
        instances = dict.fromkeys((*first.place.instances, *one.place.instances))
        place = replace(alike, targets=tuple(targets), instances=tuple(instances))
        found[key] = replace(first, place=place)
    return tuple(found.values())


# Pools.


def _pools(
    exporters: Iterable[Sighting], hosts: Iterable[Sighting]
) -> tuple[tuple[Pool, ...], list[str]]:
    """One pool per exporter of cards; exporters of hosts join the pool of their hosts."""
    remarks: list[str] = []
    pools: list[Pool] = []
    for one in exporters:
        hardware = one.hardware or Hardware()
        environment = _environment(one)
        twin = next(
            (
                pool
                for pool in pools
                if pool.environment == environment
                and set(pool.hardware.hosts) & set(hardware.hosts)
            ),
            None,
        )
        if twin:
            where = cut(one.place.job or " ".join(one.place.targets))
            remarks.append(f"{where} sees hosts of the pool '{twin.name}' too, and is left out")
            continue
        base = short(hardware.kind or one.called or one.engine, "gpus")
        name = free([base], [pool.name for pool in pools])
        pools.append(
            Pool(
                name=name,
                environment=environment,
                assumed=not one.environment,
                sources=(one,),
                hardware=hardware,
            )
        )
    return tuple(_with_hosts(pool, hosts) for pool in pools), remarks


def _with_hosts(pool: Pool, exporters: Iterable[Sighting]) -> Pool:
    added = []
    for one in exporters:
        mine = tuple(
            instance
            for instance in one.place.instances
            if instance.rpartition(":")[0] in pool.hardware.hosts
        )
        if mine:
            added.append(replace(one, place=replace(one.place, instances=mine)))
    return replace(pool, sources=(*pool.sources, *added))
