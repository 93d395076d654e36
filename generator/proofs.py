"""An alert's proof applied to one fleet: on whom it is proved, what is fed, what must come out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from generator.rule_files import WrittenAlert, written_alerts
from generator.selectors import selectors
from modelwatch.catalogue.metric import Metric
from modelwatch.catalogue.recorded import ALERT_POLICY, BUDGET_POLICY, POOL_POLICY
from modelwatch.inventory import Inventory
from modelwatch.resolved import Fleet, matches
from modelwatch.rules import HOLD, IDENTITY, Alert, Constant, Facts, Given, Level, Scope
from modelwatch.templates import render

POLICY = {
    Scope.MODEL: ALERT_POLICY,
    Scope.POOL: POOL_POLICY,
    Scope.BUDGET: BUDGET_POLICY,
}
_POLICY_LABELS = ("team", "tier", "severity")
_WORDS = ("slo", "objective", "score", "kpi", "flag", "feature_name", "method", "limit", "share")
_NONE = "nothing in this inventory has a limit or promise of its kind"


class Case(Enum):
    """What a test shows; the value says it."""

    FIRES = "fires and resolves"
    BELOW = "stays silent just below its limit"
    QUIET = "stays silent at low traffic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One series that is fed. Without a `value` there is no such series."""

    metric: Metric
    labels: Mapping[str, str]
    value: float | None
    ramp: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One row of the fleet that an alert can be about, under the rule that is about it."""

    rule: WrittenAlert
    row: Constant | None
    identity: Mapping[str, str]
    facts: Facts
    policy: Mapping[str, str]

    @property
    def title(self) -> str:
        """The subject in words, such as `chat, production`."""
        return ", ".join(self.identity.values()) or "the stack"

    @property
    def promise(self) -> str:
        """The limit or promise in the words of the inventory."""
        labels = self.facts.labels
        return " ".join(labels[name] for name in _WORDS if labels.get(name))

    @property
    def severity(self) -> str:
        """How an alert about this subject is treated."""
        return self.policy.get("severity") or self.rule.labels["severity"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """An alert in one fleet: its rules and whom it can fire for; if for nobody, the reason."""

    alert: Alert
    rules: tuple[WrittenAlert, ...]
    subjects: tuple[Subject, ...]
    reason: str


def concerns(
    alerts: Mapping[str, Sequence[Alert]], inventory: Inventory, known: Fleet
) -> dict[str, tuple[Concern, ...]]:
    """Whom each alert concerns, by topic."""
    return {
        topic: tuple(_concern(alert, inventory, known) for alert in found)
        for topic, found in sorted(alerts.items())
    }


def _concern(alert: Alert, inventory: Inventory, known: Fleet) -> Concern:
    rules = written_alerts([alert], inventory)
    found, reason = subjects(alert, rules, known)
    return Concern(alert=alert, rules=rules, subjects=found, reason=reason)


def subjects(
    alert: Alert, rules: Sequence[WrittenAlert], known: Fleet
) -> tuple[tuple[Subject, ...], str]:
    """Every subject that the alert can fire for; without one, the reason why."""
    if not rules:
        return (), _NONE
    if alert.proof.row is None:
        return (_subject(rules[0], None, known),), ""
    found = tuple(_of_rows(alert, alert.proof.row, rules, known))
    if not found:
        return (), _NONE
    able = tuple(subject for subject in found if _can_fire(subject))
    return able, "" if able else "every limit of its kind lies beyond what can happen"


def _of_rows(
    alert: Alert, series: Metric, rules: Sequence[WrittenAlert], known: Fleet
) -> Iterator[Subject]:
    for row in known.of(series, alert.proof.where):
        for rule in rules:
            if alert.hold != HOLD or row.labels["hold"] == rule.hold:
                yield _subject(rule, row, known)


def _subject(rule: WrittenAlert, row: Constant | None, known: Fleet) -> Subject:
    scope = rule.alert.scope
    labels = row.labels if row else {}
    identity = {name: labels[name] for name in IDENTITY[scope] if name in labels}

    def constant(metric: Metric, /, **where: str) -> float:
        return known.value(identity, metric, **where)

    policies = (
        known.about(identity, POLICY[scope], {"urgency": str(rule.alert.urgency)})
        if scope in POLICY
        else ()
    )
    return Subject(
        rule=rule,
        row=row,
        identity=identity,
        facts=Facts(limit=float(row.value) if row else 0.0, labels=labels, constant=constant),
        policy={name: policies[0].labels[name] for name in _POLICY_LABELS} if policies else {},
    )


def _can_fire(subject: Subject) -> bool:
    """Whether the limit can be passed, and the inventory has every number that the proof needs.

    Without a policy the join of the rule has nothing on its other side.
    """
    if subject.rule.alert.scope in POLICY and not subject.policy:
        return False
    proof = subject.rule.alert.proof
    try:
        for given in proof.given:
            _value(given, subject, Case.FIRES)
        return proof.reachable(subject.facts)
    except KeyError:
        return False


def feeds(subject: Subject, case: Case) -> tuple[Feed, ...]:
    """The series of a case, in the order of the proof."""
    return tuple(_feed(given, subject, case) for given in subject.rule.alert.proof.given)


def _feed(given: Given, subject: Subject, case: Case) -> Feed:
    identity = subject.identity if given.identity else {}
    return Feed(
        metric=given.metric,
        labels={**identity, **_filled(given.labels, subject)},
        value=_value(given, subject, case),
        ramp=given.ramp,
    )


def _value(given: Given, subject: Subject, case: Case) -> float | None:
    level = _level(given, case)
    return None if level is None else _number(level, subject.facts)


def _level(given: Given, case: Case) -> Level | None:
    if case is Case.FIRES:
        return None if given.absent_firing else given.fires
    if case is Case.BELOW:
        if given.absent_below:
            return None
        return given.fires if given.below is None else given.below
    return given.fires if given.quiet is None else given.quiet


def _number(level: Level, facts: Facts) -> float:
    return float(level(facts) if callable(level) else level)


def _filled(labels: Mapping[str, str], subject: Subject) -> dict[str, str]:
    """Labels with `$name` taken from the row, without those that the row does not have."""
    filled = {name: _taken(text, subject) for name, text in labels.items()}
    return {name: text for name, text in filled.items() if text}


def _taken(text: str, subject: Subject) -> str:
    if not text.startswith("$"):
        return text
    name, _, otherwise = text[1:].partition("|")
    return subject.facts.labels.get(name, otherwise)


def sample_labels(subject: Subject) -> dict[str, str]:
    """Labels of the expression's result: what `$labels` of a template knows."""
    alert = subject.rule.alert
    given = _filled(alert.proof.labels, subject)
    own = {name: given.get(name) or subject.facts.labels.get(name, "") for name in alert.labels}
    return {**subject.identity, **subject.policy, **{k: text for k, text in own.items() if text}}


def value(subject: Subject) -> float:
    """The `$value` of the firing alert."""
    proof = subject.rule.alert.proof
    if proof.value is not None:
        return float(proof.value(subject.facts))
    return _number(proof.given[0].fires, subject.facts)


def fired(subject: Subject) -> dict[str, dict[str, str]]:
    """The firing alert as promtool expects it: exact labels, exact text."""
    labels = sample_labels(subject)
    number = value(subject)
    return {
        "exp_labels": {**labels, **subject.rule.labels},
        "exp_annotations": {
            name: render(text, labels, number) for name, text in subject.rule.annotations.items()
        },
    }


def constants_of(subject: Subject, known: Fleet) -> tuple[Constant, ...]:
    """The inventory's rows that the expression reads about the subject.

    Other rows of the proof's own kind are left out: another share of the same budget, or another
    quantile of the same limit, would fire beside it.
    """
    if subject.row is None:
        return ()
    proof = subject.rule.alert.proof
    fed = {str(given.metric) for given in proof.given}
    siblings = {
        id(row)
        for row in known.about(subject.identity, subject.row.metric, proof.where)
        if row is not subject.row
    }
    read = [part for part in selectors(subject.rule.expr) if part.name not in fed]
    series = {part.name for part in read}
    return tuple(
        row
        for metric in known.metrics
        if metric.name in series
        for row in known.about(subject.identity, metric)
        if id(row) not in siblings
        and any(part.name == metric.name and matches(row.labels, part.where) for part in read)
    )
