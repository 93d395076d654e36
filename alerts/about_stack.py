"""Brackets of alerts about the stack: they have no model, and their own severity and team."""

from collections.abc import Mapping

from modelwatch.rules import Alert, Given, Proof, Scope, SignalClass, Urgency

PAGE = "page"
TICKET = "ticket"


def about_stack(
    name: str,
    *,
    signal: str,
    severity: str,
    condition: str,
    hold: str,
    summary: str,
    description: str,
    action: tuple[str, ...],
    lies: str,
    given: tuple[Given, ...],
    value: float | None = None,
    labels: Mapping[str, str] | None = None,
    minutes: int = 2,
) -> Alert:
    """An alert about Prometheus, Alertmanager or what they watch.

    `labels` are the labels of the alert with the values that its proof gives them, `value` the one
    that it shows then. `minutes` is how long the proof lasts beyond the hold: the alert's longest
    window, where its value is that of a full one.
    """
    named = labels or {}
    return Alert(
        name=name,
        signal=signal,
        signal_class=SignalClass.META,
        urgency=Urgency.NOW if severity == PAGE else Urgency.SOON,
        scope=Scope.STACK,
        severity=severity,
        condition=condition,
        labels=tuple(named),
        hold=hold,
        summary=summary,
        description=description,
        action=action,
        lies=lies,
        board="modelwatch-stack",
        proof=Proof(
            row=None,
            given=given,
            labels=named,
            value=None if value is None else lambda _: value,
            minutes=minutes,
            has_quiet=False,
        ),
    )
