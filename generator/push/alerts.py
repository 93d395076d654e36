"""Rule groups into a ruler: what differs is put there, and nothing else is touched."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from generator.built_files import Group
from generator.push.replies import Refused
from generator.push.rulers import Ruler
from modelwatch import promql

_TIMES = ("for", "keep_firing_for")
_HOPELESS = (401, 403, 404)
"""What is refused so is refused for every other group as well."""

Step = Literal["new", "changed", "unchanged", "removed", "left", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What happened to a group, or would; `refusal` says why nothing did."""

    name: str
    step: Step
    changes: tuple[str, ...] = ()
    refusal: str = ""


def push(ruler: Ruler, wanted: Sequence[Group], *, prune: bool, dry: bool) -> Iterator[Outcome]:
    """Each group, when it is done; what we no longer have comes last.

    Raises:
        Refused: the ruler takes nothing from us.
        Unreachable: it does not answer.
    """
    there = ruler.groups()
    for group in wanted:
        outcome = judge(there.get(group["name"]), ruler.form(group))
        if outcome.step == "unchanged" or dry:
            yield outcome
        else:
            yield _done(outcome, partial(ruler.put, group))
    names = {group["name"] for group in wanted}
    for name in (name for name in there if name not in names):
        outcome = Outcome(name=name, step="removed" if prune else "left")
        if prune and not dry:
            outcome = _done(outcome, partial(ruler.remove, name))
        yield outcome


def judge(present: Group | None, wanted: Group) -> Outcome:
    """What has to be done for a group."""
    name = wanted["name"]
    if present is None:
        count = len(wanted["rules"])
        return Outcome(name=name, step="new", changes=(f"+ {count} rule{'s' * (count != 1)}",))
    changes = tuple(difference(present, wanted))
    return Outcome(name=name, step="changed" if changes else "unchanged", changes=changes)


def difference(before: Group, after: Group) -> Iterator[str]:
    """`-` what goes, `+` what comes, `~` what is said differently, rule by rule."""
    old, new = _plain(before), _plain(after)
    for key in (key for key in {**new, **old} if key != "rules" and old.get(key) != new.get(key)):
        yield f"~ {key}: {old.get(key)} -> {new.get(key)}"
    here, there = _by_title(old["rules"]), _by_title(new["rules"])
    yield from (f"- {title}" for title in here if title not in there)
    yield from (f"+ {title}" for title in there if title not in here)
    for title in (title for title in there if title in here):
        yield from _changed(title, here[title], there[title])
    if list(here) != list(there) and here.keys() == there.keys():
        yield "~ the order of the rules"


def _changed(title: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    keys = [key for key in {**new, **old} if old.get(key) != new.get(key)]
    if "expr" in keys:
        yield f"- {title} | {' '.join(old['expr'].split())}"
        yield f"+ {title} | {' '.join(new['expr'].split())}"
    if rest := [key for key in keys if key != "expr"]:
        yield f"~ {title} | {', '.join(rest)}"


def _by_title(rules: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Rules by what they are called, and by their number where several have one name."""
    found: dict[str, Mapping[str, Any]] = {}
    for rule in rules:
        name = rule.get("alert") or rule.get("record") or ""
        number = sum(title.partition(" #")[0] == name for title in found) + 1
        found[f"{name} #{number}" if number > 1 else name] = rule
    return found


def _plain(group: Group) -> Group:
    """A group whose durations are numbers, without what a ruler adds that says nothing."""
    kept = {key: value for key, value in group.items() if value and key != "rules"}
    return {
        **kept,
        "interval": promql.duration_seconds(str(group.get("interval", ""))),
        "rules": [_plain_rule(rule) for rule in group["rules"]],
    }


def _plain_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    times = {key: promql.duration_seconds(str(rule.get(key, ""))) for key in _TIMES}
    kept = {key: value for key, value in rule.items() if value and key not in _TIMES}
    return {**kept, **times, "expr": rule["expr"].strip()}


def _done(outcome: Outcome, do: Callable[[], None]) -> Outcome:
    try:
        do()
    except Refused as refusal:
        if refusal.status in _HOPELESS:
            raise
        return Outcome(name=outcome.name, step="refused", refusal=str(refusal))
    return outcome
