"""Told already: which alert adds nothing, because another one has said the same?

Alertmanager mutes an alert only while its cause fires. That is not enough where two alerts watch
the same trouble and either can be first: whichever came first is told, and the other must stay
silent, also for as long as its own window still remembers trouble that has ended. Only Prometheus
knows that, from `ALERTS`.
"""

from modelwatch.catalogue.stack import ALERTS as FIRING
from modelwatch.promql import on, select


def unless_told(*names: str, over: str, own: str = "") -> str:
    """The end of a condition: not within `over` after one of these alerts about the same model.

    With its `own` name, an alert that fires already goes on when one of the others joins.
    """
    return f"""
          unless {on()}
        {told(*names, over=over, own=own)}
    """


def told(*names: str, over: str, own: str = "") -> str:
    """The alerts of these names that somebody was told within `over`: those on boards are not."""
    last = f"max_over_time({_firing(*names, severity='~page|ticket')}[{over}])"
    return f"({last} unless {on()} {_firing(own)})" if own else last


def _firing(*names: str, **labels: str) -> str:
    return select(FIRING, alertstate="firing", alertname=f"~{'|'.join(names)}", **labels)
