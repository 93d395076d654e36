"""Burn alerts: how fast an objective's error budget goes, over four windows.

Source of the windows: The Site Reliability Workbook, chapter 5, "Alerting on SLOs", table 5-8.
"""

from collections.abc import Callable
from dataclasses import dataclass

from alerts.told import unless_told
from modelwatch.catalogue.recorded import (
    SLO_ALLOWED,
    SLO_BAD_EVENTS,
    SLO_BUDGET_LEFT,
    SLO_DAYS,
    SLO_ERROR,
    SLO_FLOOR,
    SLO_SPENT,
)
from modelwatch.promql import duration_seconds, on, select
from modelwatch.rules import Alert, Facts, Given, Proof, SignalClass, Urgency

_OF_SLO = on("model", "environment", "slo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """`share` of the budget went in `long` and more is going in `short`."""

    long: str
    short: str
    share: float
    urgency: Urgency

    @property
    def hours(self) -> int:
        """Hours of the long window."""
        return int(duration_seconds(self.long) / 3600)

    def factor(self, days: float) -> float:
        """How many times too fast the budget goes, never below once: 14.4, 6, 3, 1 for 30 days."""
        return max(1.0, self.share * 24 / self.hours * days)


WINDOWS = (
    Window(long="1h", short="5m", share=0.02, urgency=Urgency.NOW),
    Window(long="6h", short="30m", share=0.05, urgency=Urgency.NOW),
    Window(long="1d", short="2h", share=0.1, urgency=Urgency.SOON),
    Window(long="3d", short="6h", share=0.1, urgency=Urgency.SOON),
)


def fast_burns(prefix: str) -> tuple[str, ...]:
    """The burn alerts of this kind that somebody should look at now."""
    return tuple(f"{prefix}Burn{one.long}" for one in WINDOWS if one.urgency is Urgency.NOW)


def burn_alerts(
    prefix: str,
    *,
    slo: str,
    promise: str,
    signal_class: SignalClass,
    needs: tuple[str, ...],
    action: tuple[str, ...],
    lies: str,
    same: tuple[str, ...] = (),
) -> list[Alert]:
    """The four alerts of one kind of objective, `<prefix>Burn<window>`.

    `promise` is what is promised in one word, as in "chat breaks its availability promise". `same`
    names alerts on limits of the same signal: where one of them was told, no burn alert is.
    """
    return [
        Alert(
            name=f"{prefix}Burn{window.long}",
            signal=slo,
            signal_class=signal_class,
            urgency=window.urgency,
            needs=needs,
            condition=_condition(window, slo) + _untold(prefix, window, same),
            labels=("slo", "objective"),
            extra={"window": window.long},
            # The short window already ends the alert; two minutes only bridge one odd evaluation.
            hold="2m",
            summary="{{ $labels.model }} breaks its " + promise + " promise"
            " of {{ $labels.objective }}: "
            f"at least {window.share:.0%} of its error budget went in {window.long}, "
            "{{ $value | humanizePercentage }} is left.",
            description=f"Bad events over {window.long} and over {window.short} use up the error "
            f"budget {_factors(window)} too fast: {window.share:.0%} of the whole budget is gone "
            f"in {window.long}. The value is the share of the budget that is left.",
            action=action,
            lies=lies,
            board="modelwatch-slo",
            proof=_proof(window, slo),
        )
        for window in WINDOWS
    ]


def _factors(window: Window) -> str:
    return f"{window.factor(30):g} times (for a promise over 30 days)"


def _condition(window: Window, slo: str) -> str:
    days, allowed = select(SLO_DAYS, slo=slo), select(SLO_ALLOWED, slo=slo)
    too_many = f"clamp_min({window.share} * 24 / {window.hours} * {days}, 1) * {_OF_SLO} {allowed}"
    spent = select(SLO_SPENT[window.long], slo=slo)
    return f"""
        clamp_min({select(SLO_BUDGET_LEFT, slo=slo)} or {_OF_SLO} 1 - {spent}, 0)
          * {_OF_SLO} group_left (objective)
        group by (model, environment, slo, objective) ({allowed})
          and {_OF_SLO}
        ({select(SLO_ERROR[window.long], slo=slo)} > {_OF_SLO} {too_many})
          and {_OF_SLO}
        ({select(SLO_ERROR[window.short], slo=slo)} > {_OF_SLO} {too_many})
          and {_OF_SLO}
        ({spent} >= {window.share})
          and {_OF_SLO}
        ({select(SLO_BAD_EVENTS[window.long], slo=slo)} >= {_OF_SLO} {select(SLO_FLOOR, slo=slo)})
    """


def _untold(prefix: str, window: Window, same: tuple[str, ...]) -> str:
    """A slower window still sees, after its end, what a faster one has told."""
    faster = [f"{prefix}Burn{one.long}" for one in WINDOWS if one.hours < window.hours]
    after_faster = unless_told(*faster, over=window.short) if faster else ""
    own = f"{prefix}Burn{window.long}"
    return after_faster + (unless_told(*same, over=window.short, own=own) if same else "")


def _proof(window: Window, slo: str) -> Proof:
    def too_many(facts: Facts) -> float:
        return window.factor(facts.constant(SLO_DAYS, slo=slo)) * facts.limit

    def events(times: float) -> Callable[[Facts], float]:
        return lambda facts: times * facts.constant(SLO_FLOOR, slo=slo)

    labels = {"slo": slo}
    long, short = SLO_ERROR[window.long], SLO_ERROR[window.short]
    return Proof(
        row=SLO_ALLOWED,
        where={"slo": slo},
        reachable=lambda facts: too_many(facts) < 1,
        given=(
            Given(metric=SLO_BUDGET_LEFT, labels=labels, fires=0.37),
            Given(
                metric=long,
                labels=labels,
                fires=lambda facts: min(1.0, 2 * too_many(facts)),
                below=lambda facts: 0.99 * too_many(facts),
            ),
            Given(
                metric=short,
                labels=labels,
                fires=lambda facts: min(1.0, 2 * too_many(facts)),
            ),
            Given(metric=SLO_SPENT[window.long], labels=labels, fires=2 * window.share),
            Given(
                metric=SLO_BAD_EVENTS[window.long],
                labels=labels,
                fires=events(10),
                quiet=events(0.9),
            ),
        ),
    )
