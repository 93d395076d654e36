"""Back-test: which alerts would have fired over the last days, how often and for how long?"""

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count

from generator.asking import Period, QueryError, Series
from generator.inventory_series import constants
from generator.proofs import concerns
from generator.selectors import selectors
from generator.verify.finding import Finding, Table, Verification
from generator.verify.live.asked import each, named, or_a_note
from generator.verify.live.context import LiveContext
from generator.verify.live.firing import Condition, Mute, spans
from generator.verify.live.generated import Group, Rule, generated
from generator.verify.live.inlining import NOTHING, Inlining, TooLong
from generator.verify.live.past import Past, TooLate, ask, begins
from modelwatch.catalogue.stack import RECORDED_SERIES
from modelwatch.promql import duration_seconds
from modelwatch.resolved import fleet

_NAME = "back-test"
_DAY_S = 86_400
_NOT_REACHED = "there was not enough time"
_LONGER = "give it more with --patience, look at fewer days with --days, or load the rules first"
_HEAVY_AT_ONCE = 2
_COMPUTED = "computed"
_LONGEST_WINDOW_DAYS = 31
_QUIET = "none"
"""Severity of the heartbeat, which always fires."""
_TOLD = re.compile(
    r"max_over_time\(ALERTS\{([^}]*)\}\[(\w+)\]\)( unless on \([^)]*\) ALERTS\{[^}]*\})?"
)
_NAMES = re.compile(r'alertname=~?"([^"]*)"')
_ALERTS_LEFT = re.compile(r"\bALERTS\{")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Readied:
    """What will be asked about one alert; `failure` says why nothing can be."""

    rule: Rule
    expr: str = ""
    mutes: tuple[Mute, ...] = ()
    basis: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tested:
    """One alert: what was found, and on what basis; `failure` says why nothing could be."""

    rule: Rule
    conditions: tuple[Condition, ...] = ()
    basis: str = ""
    failure: str = ""


@or_a_note(_NAME)
def check(context: LiveContext) -> Verification:
    """Ask when each alert's condition was true, then play what would have come of it."""
    groups = generated(context.files)
    rules = _rules(context, groups)
    if not rules or context.days <= 0:
        return Verification(checked={_NAME: 0})
    interval_s = min(group.interval_s for group in groups if any(one.alert for one in group.rules))
    past = _past(context, interval_s)
    inlining = _inlining(context, groups, past)
    tested = _all_tested(context, rules, inlining, past)
    conditions = [one for found in tested for one in found.conditions]
    played = spans(conditions, past.evaluations, past.interval_s)
    bases = {found.rule.name: found.basis for found in tested}
    rows = _rows(conditions, played, past, bases)
    return Verification(
        findings=(
            _summary(rows, tested, past),
            *_could_not(tested),
        ),
        tables=(
            Table(
                name="back-test",
                title=f"Alerts that would have fired since {_time(past.start)}",
                rows=rows,
                legend=_reach(tested),
            ),
        ),
        checked={_NAME: len(rules)},
    )


def _rules(context: LiveContext, groups: Sequence[Group]) -> tuple[Rule, ...]:
    """The alerts that can fire for something that the inventory declares."""
    engines = context.definitions.engines_of(context.inventory)
    known = fleet(constants(context.inventory, engines))
    able = {
        (subject.rule.alert.name, subject.rule.labels.get("hold", ""))
        for found in concerns(context.definitions.alerts, context.inventory, known).values()
        for concern in found
        for subject in concern.subjects
        if subject.severity != _QUIET
    }
    return tuple(
        rule
        for group in groups
        for rule in group.rules
        if rule.alert and (rule.name, rule.labels.get("hold", "")) in able
    )


def _past(context: LiveContext, interval_s: float) -> Past:
    """The days that are looked at, which begin with the first sample; compressed like all else."""
    day_s = _DAY_S / context.inventory.settings.time_compression
    days = max(_LONGEST_WINDOW_DAYS, context.days)
    everything = Period(start=context.now - days * day_s, end=context.now)
    known = begins(context.prometheus, everything)
    start = max(known, context.now - context.days * day_s)
    # Between two evaluations, or a window would hold one sample more than in a rule.
    first = (math.floor(start / interval_s) + 0.5) * interval_s
    return Past(
        known_s=context.now - known,
        start=first,
        interval_s=interval_s,
        evaluations=max(1, int((context.now - first) // interval_s) + 1),
    )


def _inlining(context: LiveContext, groups: Sequence[Group], past: Past) -> Inlining:
    """With the recorded series that were there from the beginning on."""
    engines = context.definitions.engines_of(context.inventory)
    known = fleet(constants(context.inventory, engines))
    period = Period(start=past.start, end=past.end)
    inlining = Inlining(
        groups=groups,
        fleet=known,
        there=frozenset(),
        names=frozenset(context.prometheus.label_values("__name__", "", period)),
        known_s=past.known_s,
    )
    early = Period(start=past.start, end=min(past.start + 600, past.end))
    query = f"group by (__name__) ({named(sorted(inlining.recorded))})"
    found = context.prometheus.stepped(query, early, 60)
    return replace(inlining, there=frozenset(one.labels.get("__name__", "") for one in found))


def _all_tested(
    context: LiveContext, rules: Sequence[Rule], inlining: Inlining, past: Past
) -> tuple[_Tested, ...]:
    """What was recorded first; then what has to be computed, the shortest first, for a while."""
    readied = [_readied(rule, inlining, past) for rule in rules]
    recorded = [one for one in readied if one.basis != _COMPUTED]
    computed = [one for one in readied if one.basis == _COMPUTED]
    computed.sort(key=lambda one: len(one.expr))
    deadline = context.clock() + context.patience_s
    done = count(1)

    def before_the_deadline(one: _Readied) -> _Tested:
        if context.clock() > deadline:
            return _Tested(rule=one.rule, failure=_NOT_REACHED)
        found = _tested(context, one, past, deadline)
        context.progress(f"{_NAME}: {next(done)} of {len(readied)} alerts")
        return found

    return (
        *each(before_the_deadline, recorded),
        *each(before_the_deadline, computed, at_once=_HEAVY_AT_ONCE),
    )


def _readied(rule: Rule, inlining: Inlining, past: Past) -> _Readied:
    rest, mutes = _mutes(rule, past.interval_s)
    if _ALERTS_LEFT.search(rest):
        return _Readied(rule=rule, failure="it is about other alerts, which were not stored")
    names = {part.name for part in selectors(rest)}
    if RECORDED_SERIES.name in names - inlining.there:
        return _Readied(rule=rule, failure="it is about our rules, which were not loaded")
    try:
        expr = inlining.written(rest)
    except TooLong:
        if inlining.computes(rest):
            return _Readied(rule=rule, failure="its expression over the pages alone is too long")
        return _Readied(rule=rule, expr=rest, mutes=mutes, basis="recorded, limits of then")
    computed = inlining.computes(rest)
    return _Readied(rule=rule, expr=expr, mutes=mutes, basis=_COMPUTED if computed else "recorded")


def _tested(context: LiveContext, one: _Readied, past: Past, deadline: float) -> _Tested:
    if one.failure:
        return _Tested(rule=one.rule, failure=one.failure)
    try:
        found = ask(context.prometheus, one.expr, past, lambda: context.clock() > deadline)
    except TooLate:
        return _Tested(rule=one.rule, failure=_NOT_REACHED)
    except QueryError as failure:
        return _Tested(rule=one.rule, failure=str(failure))
    return _Tested(
        rule=one.rule,
        basis=one.basis,
        conditions=tuple(_conditions(one.rule, found, one.mutes, past)),
    )


def _conditions(
    rule: Rule, found: Sequence[Series], mutes: tuple[Mute, ...], past: Past
) -> Iterator[Condition]:
    """One per label set, of all pieces."""
    true_at: dict[frozenset[tuple[str, str]], set[int]] = defaultdict(set)
    for series in found:
        true_at[frozenset(series.labels.items())].update(map(past.evaluation, series.times))
    for labels, moments in true_at.items():
        yield Condition(rule=rule, labels=dict(labels), true_at=frozenset(moments), mutes=mutes)


def _mutes(rule: Rule, interval_s: float) -> tuple[str, tuple[Mute, ...]]:
    """The expression without what mutes it, and what does: `alerts/told.py` writes it so."""
    mutes = tuple(
        Mute(
            names=tuple(name for text in _NAMES.findall(found[1]) for name in text.split("|")),
            window=int(float(duration_seconds(found[2])) / interval_s),
            goes_on=bool(found[3]),
        )
        for found in _TOLD.finditer(rule.expr)
        if _NAMES.search(found[1])
    )
    if len(mutes) < len(_TOLD.findall(rule.expr)):
        return rule.expr, ()
    return _TOLD.sub(NOTHING, rule.expr), mutes


def _rows(
    conditions: Sequence[Condition],
    played: Sequence[Sequence[tuple[int, int]]],
    past: Past,
    bases: Mapping[str, str],
) -> tuple[Mapping[str, str | int], ...]:
    """One row per alert and subject, what fires most often first."""
    found: dict[tuple[str, ...], list[tuple[int, int]]] = defaultdict(list)
    for one, fired in zip(conditions, played, strict=True):
        if fired:
            found[one.rule.name, *_about(one.labels), one.severity].extend(fired)
    return tuple(
        {
            "alert": alert,
            "about": about,
            "environment": environment,
            "severity": severity,
            "times": len(fired),
            "first": _time(past.time(min(start for start, _ in fired))),
            "last": _time(past.time(max(start for start, _ in fired))),
            "longest": _long(max(end - start for start, end in fired) * past.interval_s),
            "share": f"{_union(fired) / past.evaluations:.1%}",
            "from": bases[alert],
        }
        for (alert, about, environment, severity), fired in sorted(
            found.items(), key=lambda item: (-len(item[1]), item[0])
        )
    )


def _about(labels: Mapping[str, str]) -> tuple[str, str]:
    names = ("model", "pool", "budget", "instance")
    about = next((labels[name] for name in names if labels.get(name)), "the stack")
    return about, labels.get("environment", "")


def _union(fired: Sequence[tuple[int, int]]) -> int:
    """Evaluations in which any of them fires."""
    total, done = 0, 0
    for start, end in sorted(fired):
        total += max(0, end - max(start, done))
        done = max(done, end)
    return total


def _summary(
    rows: Sequence[Mapping[str, str | int]], tested: Sequence[_Tested], past: Past
) -> Finding:
    counts: dict[str, int] = defaultdict(int)
    for row in rows:
        counts[str(row["severity"])] += int(row["times"])
    told = ", ".join(f"{count} of severity {name}" for name, count in sorted(counts.items()))
    able = [one for one in tested if not one.failure]
    computed = sum(one.basis == _COMPUTED for one in able)
    how = f"; {computed} were computed from the pages, as no rule had recorded them" * (
        computed > 0
    )
    return Finding(
        level="note",
        check=_NAME,
        subject=f"the last {_long(past.evaluations * past.interval_s)}",
        message=f"{len({row['alert'] for row in rows})} of {len(able)} alerts would have fired"
        + (f": {told}" if told else "")
        + how,
        advice="see the table, and change limits before anyone is paged" if rows else "",
        reason="would-have-fired" if rows else "quiet",
    )


def _reach(tested: Sequence[_Tested]) -> str:
    """How many alerts were tested, and what to do where time was too short for the others."""
    able = sum(not one.failure for one in tested)
    short = any(one.failure == _NOT_REACHED for one in tested)
    words = f"{able} of {len(tested)} alerts were tested"
    return f"{words}; for the others, {_LONGER}" if short else words


def _could_not(tested: Sequence[_Tested]) -> Iterator[Finding]:
    """One finding per reason, with all alerts."""
    whys: dict[str, dict[str, None]] = defaultdict(dict)
    for one in tested:
        if one.failure:
            whys[one.failure][one.rule.name] = None
    for why, names in whys.items():
        yield Finding(
            level="note",
            check=_NAME,
            subject=f"alert{'s' * (len(names) > 1)} {', '.join(names)}",
            message=f"could not be tested on the past: {why}",
            advice=_LONGER if why == _NOT_REACHED else "",
            reason="not-tested",
        )


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _long(seconds: float) -> str:
    """A length of time in at most two units."""
    units = (("d", _DAY_S), ("h", 3600), ("m", 60), ("s", 1))
    left, told = round(seconds), []
    for unit, size in units:
        if left >= size:
            told.append(f"{left // size}{unit}")
            left %= size
    return "".join(told[:2]) or "0s"


CHECK = check
