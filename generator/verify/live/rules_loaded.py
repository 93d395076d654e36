"""Rules: is what is loaded what was generated, and does it work?"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from generator.verify.finding import Finding, Verification
from generator.verify.live.asked import each, or_a_note
from generator.verify.live.context import LiveContext
from generator.verify.live.expressions import Comparison
from generator.verify.live.generated import Group, Rule, generated
from modelwatch.quantities import printed_duration

_NAME = "rules-loaded"
_OURS = "modelwatch-"
_LATE = 3
"""Intervals after which a group is not evaluated any more."""
_LINKS = ("runbook_url", "dashboard_url")
_LOAD = "load the generated files again, and reload"


@or_a_note(_NAME)
def check(context: LiveContext) -> Verification:
    """Compare every generated rule with the one that is loaded."""
    wanted = generated(context.files)
    count = sum(len(group.rules) for group in wanted)
    loaded = _loaded(context)
    names = {group.name for group in wanted}
    if not names & set(loaded):
        return Verification(findings=(_nothing(wanted),), checked={_NAME: count})
    comparison = Comparison(context.prometheus)
    compared = each(
        lambda group: tuple(_of_group(group, loaded.get(group.name, []), comparison)), wanted
    )
    return Verification(
        findings=(
            *(one for some in compared for one in some),
            *_links(wanted, loaded),
            *_strangers(names, loaded),
            *_sick(context, [one for some in loaded.values() for one in some]),
            *comparison.notes(_NAME),
        ),
        checked={_NAME: count},
    )


def _loaded(context: LiveContext) -> dict[str, list[Mapping[str, Any]]]:
    """Our groups by name: of one name there may be several, of several files."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for group in context.prometheus.look("rules").get("groups") or []:
        if str(group["name"]).startswith(_OURS):
            found.setdefault(group["name"], []).append(group)
    return found


def _nothing(wanted: Sequence[Group]) -> Finding:
    return Finding(
        level="error",
        check=_NAME,
        subject="this Prometheus",
        message=f"none of the {len(wanted)} groups of generated rules is loaded",
        advice="name prometheus/rules/*.yml in rule_files of prometheus.yml, and reload; where "
        "another program evaluates rules for this storage, ask that one",
        reason="nothing-loaded",
    )


def _of_group(
    group: Group, loaded: Sequence[Mapping[str, Any]], comparison: Comparison
) -> Iterator[Finding]:
    where = f"group {group.name}"
    if not loaded:
        yield _finding(where, "is not loaded", _LOAD, "missing-group", group)
        return
    if len(loaded) > 1:
        files = " and ".join(sorted(str(one.get("file", "")) for one in loaded))
        yield _finding(
            where, f"is loaded {len(loaded)} times: {files}", "remove one of them", "twice", group
        )
        return
    interval = float(loaded[0].get("interval", group.interval_s))
    if abs(interval - group.interval_s) > 1e-3:  # less than a millisecond
        said = (
            f"is evaluated every {_printed(interval)}, generated was {_printed(group.interval_s)}"
        )
        yield _finding(where, said, _LOAD, "other-interval", group)
    have = [_rule(one) for one in loaded[0]["rules"]]
    for rule, other in _paired(group.rules, have):
        yield from _of_rule(group, rule, other, comparison)


def _paired(
    wanted: Sequence[Rule], have: Sequence[Rule]
) -> Iterator[tuple[Rule | None, Rule | None]]:
    """Each rule with the one of the same name and labels, else with one of the same name."""
    left = list(have)
    pairs: list[tuple[Rule | None, Rule | None]] = []
    open_ones = []
    for rule in wanted:
        same = next((one for one in left if _key(one) == _key(rule)), None)
        if same:
            left.remove(same)
            pairs.append((rule, same))
        else:
            open_ones.append(rule)
    for rule in open_ones:
        like = next((one for one in left if (one.alert, one.name) == (rule.alert, rule.name)), None)
        if like:
            left.remove(like)
        pairs.append((rule, like))
    yield from pairs
    yield from ((None, one) for one in left)


def _key(rule: Rule) -> tuple[bool, str, Mapping[str, str]]:
    return (rule.alert, rule.name, rule.labels)


def _of_rule(
    group: Group, rule: Rule | None, other: Rule | None, comparison: Comparison
) -> Iterator[Finding]:
    if rule is None and other is not None:
        yield Finding(
            level="warning",
            check=_NAME,
            subject=other.shown,
            message=f"is loaded in group {group.name}, but was not generated",
            advice=_LOAD,
            reason="not-generated",
            path=group.path,
        )
    elif rule is not None and other is None:
        yield _finding(
            rule.shown, f"is missing in group {group.name}", _LOAD, "missing-rule", group
        )
    elif rule is not None and other is not None:
        different = [
            *([] if comparison.same(rule.expr, other.expr) else ["expression"]),
            *(["hold"] if rule.hold_s != other.hold_s else []),
            *(["keep_firing_for"] if rule.keep_s != other.keep_s else []),
            *(["labels"] if dict(rule.labels) != dict(other.labels) else []),
            *(["annotations"] if _told(rule) != _told(other) else []),
        ]
        if different:
            said = f"is loaded with another {', '.join(different)} than generated"
            yield _finding(rule.shown, said, _LOAD, "different", group)


def _told(rule: Rule) -> dict[str, str]:
    """The annotations without links."""
    return {name: text for name, text in rule.annotations.items() if name not in _LINKS}


def _links(
    wanted: Sequence[Group], loaded: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Iterator[Finding]:
    """Links of all alerts begin with the same addresses: one finding for all."""
    have = [_rule(rule) for groups in loaded.values() for one in groups for rule in one["rules"]]
    links = {(rule.name, name, rule.annotations.get(name)) for rule in have for name in _LINKS}
    count = sum(
        any((rule.name, name, rule.annotations.get(name)) not in links for name in _LINKS)
        for group in wanted
        for rule in group.rules
        if rule.alert and any(rule.name == other.name for other in have)
    )
    if count:
        yield Finding(
            level="note",
            check=_NAME,
            subject="this Prometheus",
            message=f"the links of {count} alerts lead elsewhere than those that are generated",
            advice="nothing, if `modelwatch up` loaded them with the addresses of its stack; else "
            "look at grafana_url and runbook_url in the settings, and load the rules again",
            reason="other-links",
        )


def _rule(said: Mapping[str, Any]) -> Rule:
    alert = said.get("type") == "alerting"
    return Rule(
        alert=alert,
        name=said["name"],
        expr=said["query"],
        labels=said.get("labels") or {},
        annotations=said.get("annotations") or {},
        hold_s=float(said.get("duration") or 0),
        keep_s=float(said.get("keepFiringFor") or 0),
    )


def _strangers(
    names: set[str], loaded: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Iterator[Finding]:
    for name in sorted(set(loaded) - names):
        yield Finding(
            level="warning",
            check=_NAME,
            subject=f"group {name}",
            message=f"is loaded from {loaded[name][0].get('file', 'somewhere')}, but was not "
            "generated",
            advice="remove the file, if no other inventory wrote it",
            reason="not-generated",
        )


def _sick(context: LiveContext, groups: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Rules that fail, groups that take longer than their interval or stand still."""
    for group in groups:
        for rule in group["rules"]:
            if rule.get("health") == "err":
                yield Finding(
                    level="error",
                    check=_NAME,
                    subject=_rule(rule).shown,
                    message=f"fails: {rule.get('lastError', '')}",
                    advice="read the message; two series for one join are told as duplicates",
                    reason="fails",
                )
        yield from _slow(context, group)


def _slow(context: LiveContext, group: Mapping[str, Any]) -> Iterator[Finding]:
    interval, took = float(group.get("interval") or 0), float(group.get("evaluationTime") or 0)
    evaluated = _unix(str(group.get("lastEvaluation") or ""))
    if interval and took > interval:
        message = f"takes {took:.1f} s to evaluate, which is longer than its interval"
        advice, reason = "give Prometheus more processors, or watch fewer models with it", "slow"
    elif interval and evaluated and context.now - evaluated > _LATE * interval + 60:
        message = f"was last evaluated {context.now - evaluated:.0f} s ago"
        advice, reason = "read the log of Prometheus; is it overloaded or its disk full?", "stopped"
    else:
        return
    yield Finding(
        level="warning" if reason == "slow" else "error",  # one round may be slow by chance
        check=_NAME,
        subject=f"group {group['name']}",
        message=message,
        advice=advice,
        reason=reason,
    )


def _unix(text: str) -> float:
    """Unix seconds of a time such as `2026-01-01T00:00:00.123456789Z`; zero of none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return 0
    return moment.timestamp() if moment.year > 1 else 0


def _finding(about: str, message: str, advice: str, reason: str, group: Group) -> Finding:
    return Finding(
        level="error",
        check=_NAME,
        subject=about,
        message=message,
        advice=advice,
        reason=reason,
        path=group.path,
    )


def _printed(seconds: float) -> str:
    return printed_duration(Decimal(str(seconds)))


CHECK = check
