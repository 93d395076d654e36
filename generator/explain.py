"""What an alert means, with a model's own numbers in its expression, when it lies, what to do."""

import difflib
import re
import textwrap
from collections.abc import Iterator, Sequence

from generator.definitions import Definitions
from generator.inventory_series import constants
from generator.proofs import Subject, constants_of, subjects
from generator.rule_files import formatted, written_alerts
from generator.selectors import Selector, selectors
from modelwatch import catalogue, promql
from modelwatch.catalogue.inventory import BUDGET_MEMBER, GPU_MODEL
from modelwatch.inventory import Inventory
from modelwatch.problems import ModelwatchError
from modelwatch.resolved import Fleet, fleet, matches
from modelwatch.rules import HOLD, Alert, Scope
from modelwatch.templates import unasked

_OPERATOR = r"(>=|<=|==|!=|>|<|\*|/|\+|-|%|\^)"
_MATCHING = r"(?:\s*\bon\s*\([^()]*\)(?:\s*group_(?:left|right)\s*(?:\([^()]*\))?)?)?"
_AFTER = re.compile(rf"{_OPERATOR}{_MATCHING}\s*\x00([^\x00]*)\x00[^\x00]*\x00")
_BEFORE = re.compile(rf"\x00([^\x00]*)\x00[^\x00]*\x00\s*{_OPERATOR}{_MATCHING}")
_LEFT_OVER = re.compile(r"\x00[^\x00]*\x00([^\x00]*)\x00")


def explain(name: str, model: str | None, inventory: Inventory, definitions: Definitions) -> str:
    """The explanation as text for a terminal.

    Raises:
        ModelwatchError: there is no such alert or model.
    """
    alert = _found(name, definitions)
    if model is not None:
        _known(model, inventory)
    known = fleet(constants(inventory, definitions.engines_of(inventory)))
    parts = [
        f"{alert.name}: {alert.signal_class}, urgency {alert.urgency}, "
        f"{alert.confidence} confidence",
        _filled(readable(alert.summary)),
        _section("What it means", alert.description),
        "\n".join(_expressions(alert, model, inventory, known)),
        _section("When it can lie", alert.lies),
        "What to do\n"
        + "\n".join(
            _filled(f"{number}. {step}", "   ", hang="   ")
            for number, step in enumerate(alert.action, 1)
        ),
    ]
    return "\n\n".join(parts)


def readable(template: str) -> str:
    """An annotation with its placeholders as `<name>`."""
    named = re.sub(r"\{\{[^}]*\$labels\.(\w+)[^}]*\}\}", r"<\1>", unasked(template, "<number>"))
    return re.sub(r"\{\{[^}]*\$value[^}]*\}\}", "<value>", named)


def _found(name: str, definitions: Definitions) -> Alert:
    alerts = {alert.name: alert for alert in definitions.every_alert()}
    if name in alerts:
        return alerts[name]
    raise ModelwatchError(f"there is no alert {name}{_meant(name, list(alerts))}")


def _known(model: str, inventory: Inventory) -> None:
    names = [entry.name for entry in inventory.models]
    if model not in names:
        raise ModelwatchError(f"{inventory.path} has no model {model}{_meant(model, names)}")


def _meant(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _section(title: str, text: str) -> str:
    return f"{title}\n{_filled(text, '   ')}"


def _filled(text: str, indent: str = "", hang: str = "") -> str:
    return textwrap.fill(
        text, 100, initial_indent=indent, subsequent_indent=indent + hang, break_on_hyphens=False
    )


def _expressions(
    alert: Alert, model: str | None, inventory: Inventory, known: Fleet
) -> Iterator[str]:
    rules = written_alerts([alert], inventory)
    found, reason = subjects(alert, rules, known)
    if model is not None and alert.scope is not Scope.STACK:
        found = tuple(subject for subject in found if _is_about(subject, model, known))
        reason = reason or ("" if found else f"{model} has no limit or promise of its kind")
    if reason:
        yield f"It never fires here: {reason}."
        return
    if model is None:
        for rule in rules:
            yield f"The rule{_lasting(rule.hold)}"
            yield textwrap.indent(_condition(alert, rule.hold, inventory), "   ")
        return
    for subject in found:
        promise = f" ({subject.promise})" if subject.promise else ""
        lasting = _lasting(subject.rule.hold)
        yield f"For {subject.title}{promise}: {subject.severity}{lasting}"
        yield textwrap.indent(with_numbers(subject, known, inventory), "   ")


def _lasting(hold: str) -> str:
    return f", when this holds for {hold}" if promql.duration_seconds(hold) else ", at once"


def _is_about(subject: Subject, model: str, known: Fleet) -> bool:
    if "model" in subject.identity:
        return subject.identity["model"] == model
    series = GPU_MODEL if "pool" in subject.identity else BUDGET_MEMBER
    return any(row.labels["model"] == model for row in known.about(subject.identity, series))


def _condition(alert: Alert, hold: str, inventory: Inventory) -> str:
    text = formatted(alert.condition.replace(HOLD, hold))
    return promql.compressed(text, inventory.settings.time_compression)


def with_numbers(subject: Subject, known: Fleet, inventory: Inventory) -> str:
    """The condition for one subject: limits as numbers, measurements with the subject's labels.

    A number needs no matching of labels any more; where a series is needed it stays one.
    """
    text = _condition(subject.rule.alert, subject.rule.hold, inventory)
    for selector in reversed(tuple(selectors(text))):
        put = _in_its_place(selector, subject, known)
        text = text[: selector.start] + put + text[selector.end :]
    previous = ""
    while previous != text:
        previous = text
        text = _AFTER.sub(r"\1 \2", text, count=1)
        if text == previous:
            text = _BEFORE.sub(r"\1 \2", text, count=1)
    return _LEFT_OVER.sub(r"\1", text)


def _in_its_place(selector: Selector, subject: Subject, known: Fleet) -> str:
    """The selector for this subject only; a number beside it where the inventory says it."""
    metric = _METRICS.get(selector.name)
    if metric is None:
        return _as_written(selector)
    mine = {name: text for name, text in subject.identity.items() if name in metric.labels}
    narrowed = promql.select(metric, {**mine, **selector.where})
    if metric.unit == "info":
        return narrowed
    rows = [
        row
        for row in constants_of(subject, known)
        if row.metric == metric and matches(row.labels, selector.where)
    ]
    if len(rows) != 1:
        return narrowed
    return f"\x00{rows[0].value.normalize():f}\x00{narrowed}\x00"


def _as_written(selector: Selector) -> str:
    return promql.select(selector.name, selector.where) if selector.where else selector.name


_METRICS = {metric.name: metric for metric in catalogue.metrics()}
