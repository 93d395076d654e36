"""Who is alerted of what, and how urgently, before and after a change."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from generator.proofs import Concern, Subject

_RANK = ("", "dashboard", "ticket", "page")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerting:
    """Severity by alert and subject, holds by alert, and why alerts are not in use."""

    severities: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    holds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unused: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Alerts that are told with another severity about the same subjects; empty is not at all."""

    before: str
    after: str
    subjects: tuple[str, ...]
    alerts: tuple[str, ...]

    @property
    def is_risk(self) -> bool:
        """Whether nobody is woken any more."""
        return self.before == "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertChanges:
    """What happens to alerts. Of things that are new or gone only the number is told.

    `unused` has the reason of each alert that can fire for nobody any more; `holds` the times that
    a condition must last, before and after.
    """

    used: tuple[str, ...] = ()
    unused: Mapping[str, str] = field(default_factory=dict)
    holds: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    shifts: tuple[Shift, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.used or self.unused or self.holds or self.shifts)

    def now(self, severity: str) -> int:
        """How many alerts are told with this severity about somebody they were not before."""
        return len(
            {one for shift in self.shifts if shift.after == severity for one in shift.alerts}
        )

    def no_longer(self, severity: str) -> int:
        """How many alerts lose it for somebody."""
        return len(
            {one for shift in self.shifts if shift.before == severity for one in shift.alerts}
        )


def alerting(concerned: Mapping[str, Sequence[Concern]]) -> Alerting:
    """Whom each alert can fire for, from what is known of a fleet by topic."""
    found = [concern for of_topic in concerned.values() for concern in of_topic]
    return Alerting(
        severities={
            concern.alert.name: {_name(one): one.severity for one in concern.subjects}
            for concern in found
            if concern.subjects
        },
        holds={
            concern.alert.name: tuple(dict.fromkeys(rule.hold for rule in concern.rules))
            for concern in found
            if concern.subjects
        },
        unused={concern.alert.name: concern.reason for concern in found if not concern.subjects},
    )


def _name(subject: Subject) -> str:
    identity = dict(subject.identity)
    environment = identity.pop("environment", "")
    kind = next(iter(identity), "")
    own = " ".join(identity.values()) or "the stack"
    prefix = f"{kind} " if kind not in {"", "model"} else ""
    return (
        f"{prefix}{own} ({environment})" if environment and kind != "budget" else f"{prefix}{own}"
    )


def alert_changes(old: Alerting, new: Alerting) -> AlertChanges:
    """How alerting differs."""
    both = old.holds.keys() & new.holds.keys()
    return AlertChanges(
        used=tuple(sorted(new.holds.keys() - old.holds.keys())),
        unused={
            name: new.unused.get(name, "") for name in sorted(old.holds.keys() - new.holds.keys())
        },
        holds={
            name: (", ".join(old.holds[name]), ", ".join(new.holds[name]))
            for name in sorted(both)
            if old.holds[name] != new.holds[name]
        },
        shifts=tuple(_shifts(old, new)),
    )


def _shifts(old: Alerting, new: Alerting) -> Iterator[Shift]:
    """The same step for the same subjects is told once, with its alerts; pages first."""
    stay = _subjects(old) & _subjects(new)
    steps: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for alert in sorted(old.severities.keys() | new.severities.keys()):
        was, becomes = old.severities.get(alert, {}), new.severities.get(alert, {})
        for subject in sorted((was.keys() | becomes.keys()) & stay):
            before, after = was.get(subject, ""), becomes.get(subject, "")
            if before != after:
                steps[alert, before, after].append(subject)
    alike: dict[tuple[str, str, tuple[str, ...]], list[str]] = defaultdict(list)
    for (alert, before, after), subjects in steps.items():
        alike[before, after, tuple(subjects)].append(alert)
    for step in sorted(alike, key=_step_order):
        before, after, told = step
        yield Shift(before=before, after=after, subjects=told, alerts=tuple(alike[step]))


def _step_order(step: tuple[str, str, tuple[str, ...]]) -> tuple[int, int, tuple[str, ...]]:
    before, after, subjects = step
    return (-_RANK.index(after), -_RANK.index(before), subjects)


def _subjects(side: Alerting) -> set[str]:
    return {subject for found in side.severities.values() for subject in found}


def watched(side: Alerting, subjects: Iterable[str]) -> dict[str, dict[str, int]]:
    """By how many alerts of which severity each subject is watched, pages first."""
    counts: dict[str, Counter[str]] = {subject: Counter() for subject in subjects}
    for found in side.severities.values():
        for subject in counts.keys() & found.keys():
            counts[subject][found[subject]] += 1
    return {
        subject: {severity: count[severity] for severity in reversed(_RANK) if count[severity]}
        for subject, count in counts.items()
    }
