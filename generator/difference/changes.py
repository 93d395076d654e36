"""What changes between two inventories, thing by thing and fact by fact."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from generator.difference.facts import Fact, Facts, Kind
from generator.difference.things import Key, ThingKind, things
from modelwatch.inventory import Inventory

How = Literal["added", "changed", "removed"]
Effect = Literal["", "tightened", "loosened"]

_INHERITED = "{} (the fleet's)"
_FLEET: Key = ("fleet", "", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """One fact before and after; empty where nothing is said of it."""

    what: str
    before: str
    after: str
    kind: Kind
    effect: Effect

    @property
    def is_risk(self) -> bool:
        """Whether less is promised, seen or told than before, or to others."""
        lost = bool(self.kind and not self.after)
        rerouted = self.kind == "route" and bool(self.before)
        return lost or rerouted or self.effect == "loosened"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change, and everything that it is made to: things that change alike stand together."""

    how: How
    kind: ThingKind
    subjects: tuple[str, ...]
    details: tuple[Detail, ...]


def changes(old: Inventory, new: Inventory) -> tuple[Change, ...]:
    """Every change of meaning, removed things first; the order of the files says nothing."""
    before, after = things(old), things(new)
    fleets = before.get(_FLEET, {}), after.get(_FLEET, {})
    found = [
        (_how(key, before, after), key, details)
        for key in sorted(before.keys() | after.keys(), key=_order)
        if (details := tuple(_details(before.get(key, {}), after.get(key, {}), fleets)))
    ]
    return tuple(_together(found))


def name(key: Key) -> str:
    """A thing as people speak of it: `chat (production)`."""
    return f"{key[1]} ({key[2]})" if key[2] else key[1]


_RANK: tuple[Kind, ...] = ("promise", "budget", "route", "people", "limit", "watch", "")
"""In which order facts are told."""
_KINDS: tuple[ThingKind, ...] = ("model", "pool", "budget", "team", "receiver", "fleet")


def _order(key: Key) -> tuple[int, str, str]:
    return (_KINDS.index(key[0]), *key[1:])


def _how(key: Key, before: Mapping[Key, Facts], after: Mapping[Key, Facts]) -> How:
    if key not in before:
        return "added"
    return "changed" if key in after else "removed"


def _together(found: Iterable[tuple[How, Key, tuple[Detail, ...]]]) -> Iterator[Change]:
    """Things of one kind that change alike are one change, where its first one stands."""
    alike: dict[tuple[ThingKind, How, tuple[Detail, ...]], list[str]] = {}
    for how, key, details in found:
        shown = () if how == "removed" else details
        alike.setdefault((key[0], how, shown), []).append(name(key))
    for kind, rest in groupby(alike.items(), key=lambda entry: entry[0][0]):
        hows = ("removed", "changed", "added")
        for (_, how, details), subjects in sorted(rest, key=lambda one: hows.index(one[0][1])):
            yield Change(how=how, kind=kind, subjects=tuple(subjects), details=details)


def _details(old: Facts, new: Facts, fleets: tuple[Facts, Facts]) -> Iterator[Detail]:
    """Facts that differ. A limit that is not said is the fleet's, and does not end there."""
    differ = {what for what in old.keys() | new.keys() if _differs(old.get(what), new.get(what))}
    for what in sorted(differ, key=lambda one: (_RANK.index((new.get(one) or old[one]).kind), one)):
        whole = what.partition(", ")[0]
        if whole != what and (whole in old) != (whole in new):
            continue
        before, after = old.get(what), new.get(what)
        if old and new and what.startswith("limit "):
            before = before or _inherited(fleets[0].get(what), old, fleets[0])
            after = after or _inherited(fleets[1].get(what), new, fleets[1])
            if not _differs(before, after):
                continue
        yield _detail(what, before, after)


def _differs(before: Fact | None, after: Fact | None) -> bool:
    return (before and before.meaning) != (after and after.meaning)


def _inherited(fact: Fact | None, own: Facts, fleet: Facts) -> Fact | None:
    if fact is None or own is fleet:
        return None
    return Fact(
        text=_INHERITED.format(fact.text), meaning=fact.meaning, kind=fact.kind, strict=fact.strict
    )


def _detail(what: str, before: Fact | None, after: Fact | None) -> Detail:
    known = after or before
    return Detail(
        what=what,
        before=before.text if before else "",
        after=after.text if after else "",
        kind=known.kind if known else "",
        effect=_effect(before, after),
    )


def _effect(before: Fact | None, after: Fact | None) -> Effect:
    """Loosened where any part of it is."""
    was, becomes = before.strict if before else (), after.strict if after else ()
    if not was or not becomes:
        return "tightened" if becomes else "loosened" if was else ""
    pairs = tuple(zip(was, becomes, strict=True))
    if any(new < old for old, new in pairs):
        return "loosened"
    return "tightened" if any(new > old for old, new in pairs) else ""
