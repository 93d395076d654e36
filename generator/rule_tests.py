"""promtool tests for the user's own inventory: every alert fires, stays silent, resolves.

Recorded series are fed, no traffic: the alert groups alone run, so that hundreds of tests take
seconds. The numbers are the inventory's: a limit that nothing can pass fails here.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import Any

from generator.proofs import Case, Concern, Feed, Subject, constants_of, feeds, fired
from generator.rule_files import WrittenAlert, header
from generator.yaml_text import dump
from modelwatch import promql
from modelwatch.inventory import Inventory, Settings
from modelwatch.resolved import Fleet
from modelwatch.rules import Constant

SUBJECTS_PER_ALERT = 3
"""Subjects that an alert is proved on at the most; each meets another severity or hold."""

_SLACK = 2  # minutes between the last thing that may still be firing and the check


def files(
    inventory: Inventory, concerns: Mapping[str, Sequence[Concern]], known: Fleet
) -> dict[str, str]:
    """`<topic>_test.yml` of every topic."""
    return {
        f"{topic}_test.yml": _file(topic, found, inventory.settings, known)
        for topic, found in concerns.items()
    }


def _file(topic: str, concerns: Sequence[Concern], settings: Settings, known: Fleet) -> str:
    tests: list[dict[str, Any]] = []
    notes = [header(settings)]
    for concern in concerns:
        if concern.reason:
            notes.append(f"Not applicable: {concern.alert.name}: {concern.reason}.")
        for subject in chosen(concern.subjects):
            tests.extend(_tests(subject, known, settings))
    document = {
        "rule_files": [f"../rules/alerts-{topic}.yml"],
        "evaluation_interval": promql.shortened("1m", settings.time_compression),
        "tests": tests,
    }
    return dump(document, header="\n".join(notes))


def chosen(found: Sequence[Subject]) -> tuple[Subject, ...]:
    """The first subjects of each severity and hold, in the order of the inventory."""
    first: dict[tuple[str, str], Subject] = {}
    for subject in found:
        first.setdefault((subject.severity, subject.rule.hold), subject)
    return tuple(first.values())[:SUBJECTS_PER_ALERT]


def _tests(subject: Subject, known: Fleet, settings: Settings) -> Iterator[dict[str, Any]]:
    """One test per case; the firing one goes on until the alert has resolved."""
    firing = feeds(subject, Case.FIRES)
    facts = constants_of(subject, known)
    for case in Case:
        fed = feeds(subject, case)
        if case is not Case.FIRES and fed == firing:
            continue
        if case is Case.QUIET and not subject.rule.alert.proof.has_quiet:
            continue
        yield _test(subject, case, facts, settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Minutes:
    """When a test looks, in minutes that the inventory's time compression shortens."""

    early: int
    firing: int
    resolved: int


def _minutes(rule: WrittenAlert) -> _Minutes:
    hold = _in_minutes(rule.hold)
    keep = _in_minutes(rule.keep_firing) if rule.keep_firing else 0
    windows = [_in_minutes(window) for window in re.findall(r"\[(\d+[smhdw])", rule.expr)]
    # A longer window never holds an alert: it only asks whether something was ever seen.
    lasting = max(rule.alert.proof.minutes, *(window for window in windows if window <= 60), 0)
    firing = hold + rule.alert.proof.minutes
    return _Minutes(early=hold - 1, firing=firing, resolved=firing + lasting + keep + _SLACK)


def _in_minutes(duration: str) -> int:
    return ceil(promql.duration_seconds(duration) / 60)


def _test(
    subject: Subject, case: Case, facts: Sequence[Constant], settings: Settings
) -> dict[str, Any]:
    minutes = _minutes(subject.rule)
    fed, below = feeds(subject, case), feeds(subject, Case.BELOW)
    checks: list[tuple[int, list[Any]]] = [(minutes.firing, [])]
    if case is Case.FIRES:
        checks = [(minutes.early, [])] if minutes.early >= 0 else []
        checks.append((minutes.firing, [fired(subject)]))
        if fed != below:
            checks.append((minutes.resolved, []))
    last = checks[-1][0]
    factor = settings.time_compression
    return {
        "name": f"{subject.rule.alert.name} {case.value} ({subject.title}, {subject.severity})",
        "interval": promql.shortened("1m", factor),
        "input_series": [
            *(_constant(row, last) for row in facts),
            *(
                _series(feed, later if case is Case.FIRES else feed, minutes.firing, last)
                for feed, later in zip(fed, below, strict=True)
            ),
        ],
        "alert_rule_test": [
            {
                "eval_time": promql.shortened(f"{minute}m", factor) if minute else "0s",
                "alertname": subject.rule.alert.name,
                "exp_alerts": expected,
            }
            for minute, expected in checks
        ],
    }


def _constant(row: Constant, last: int) -> dict[str, str]:
    return {
        "series": promql.select(row.metric, row.labels),
        "values": f"{row.value:f}x{last}",
    }


def _series(feed: Feed, later: Feed, until: int, last: int) -> dict[str, str]:
    """A level from the start to minute `until`, and the later one to minute `last`."""
    if feed == later and not feed.ramp:
        return {
            "series": promql.select(feed.metric, feed.labels),
            "values": _values(feed, last, start=0.0),
        }
    first = _values(feed, until, start=0.0)
    reached = (feed.value or 0.0) * until if feed.ramp else 0.0
    then = _values(later, last - until - 1, start=reached) if last > until else ""
    if then.startswith("_"):
        then = "stale"
    return {
        "series": promql.select(feed.metric, feed.labels),
        "values": f"{first} {then}".rstrip(),
    }


def _values(feed: Feed, steps: int, *, start: float) -> str:
    """`steps` + 1 samples: a level, a counter that grows by it, or none."""
    if feed.value is None:
        return f"_x{steps + 1}"
    if feed.ramp:
        return f"{_plain(start + feed.value)}+{_plain(feed.value)}x{steps}"
    return f"{_plain(feed.value)}x{steps}"


def _plain(number: float) -> str:
    return format(Decimal(repr(number)), "f").removesuffix(".0")
