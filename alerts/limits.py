"""Brackets that alerts share: over the inventory's limit, and with enough events to believe it."""

from collections.abc import Callable

from modelwatch.catalogue.metric import Metric
from modelwatch.catalogue.recorded import FLOOR_EVENTS, LIMIT, QUANTILES, REQUESTS
from modelwatch.promql import duration_seconds, on, seconds, select
from modelwatch.rules import HOLD, Facts, Given, Proof

PLENTY = 10.0
"""Requests per second of a proof in which traffic is not the point; above any sensible floor."""


def enough(per_second: Metric | str, *, signal: str = "requests", over: str = "5m") -> str:
    """As many events in the window as the floor of the signal asks for."""
    return f"{per_second} * {seconds(over)} >= {on()} {select(FLOOR_EVENTS, signal=signal)}"


def few(*, signal: str = "requests", over: str = "5m") -> Callable[[Facts], float]:
    """Events per second just below that floor."""
    window = float(duration_seconds(over))
    return lambda facts: 0.9 * facts.constant(FLOOR_EVENTS, signal=signal) / window


ENOUGH_REQUESTS = enough(REQUESTS)
SOME_REQUESTS = Given(metric=REQUESTS, fires=PLENTY, quiet=few())


def limit(signal: str) -> str:
    """The inventory's limit of the signal, of the rule's hold."""
    return select(LIMIT, signal=signal, hold=HOLD)


def over_limit(expr: Metric | str, signal: str) -> str:
    """A value per model where it is over its limit."""
    return f"""
        {expr}
          > {on()} group_left (limit)
        {limit(signal)}
    """


def slow(signal: str) -> str:
    """A quantile of a distribution where it is over its limit, with enough requests."""
    return f"""
        {QUANTILES[signal]}
          > {on("model", "environment", "quantile")} group_left (limit)
        {limit(signal)}
          and {on()}
        {ENOUGH_REQUESTS}
    """


def proof_of_slow(signal: str) -> Proof:
    """How an alert on `slow(signal)` is proved."""
    return Proof(
        row=LIMIT,
        where={"signal": signal},
        given=(
            Given(
                metric=QUANTILES[signal],
                labels={"quantile": "$quantile"},
                fires=lambda facts: 2 * facts.limit,
                below=lambda facts: 0.99 * facts.limit,
            ),
            SOME_REQUESTS,
        ),
    )


def proof_of_level(metric: Metric, signal: str) -> Proof:
    """How an alert on a level of now is proved; a level needs no floor of events."""
    return Proof(
        row=LIMIT,
        where={"signal": signal},
        has_quiet=False,
        given=(
            Given(
                metric=metric,
                fires=lambda facts: 1.04 * facts.limit,
                below=lambda facts: 0.99 * facts.limit,
            ),
        ),
    )
