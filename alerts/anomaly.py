"""Anomalies: does a model behave unlike the same hour of the weeks before?

A hint and no verdict: low confidence, never a page by itself.
"""

from alerts.limits import PLENTY, enough, few, limit
from modelwatch.catalogue.recorded import (
    BASELINE,
    BASELINE_NOW,
    BASELINE_SPREAD,
    LIMIT,
    REQUESTS_1H,
)
from modelwatch.promql import on, select
from modelwatch.rules import HOLD, Alert, Facts, Given, Proof, SignalClass, Urgency

_SPREAD = 0.2
"""Spread of a proof, as a share of its baseline."""


def _unusual(signal: str, floor: str) -> str:
    """The signal over the last hour, where it is too many spreads away from its baseline."""
    now, usual = select(BASELINE_NOW, signal=signal), select(BASELINE, signal=signal)
    spread = select(BASELINE_SPREAD, signal=signal)
    return f"""
        sum by (model, environment) ({now})
          + {on()} group_left (limit)
        0 * (
          abs({now} - {usual})
            / {on()}
          ({spread} > 0)
            > {on()} group_left (limit)
          {limit("anomaly")}
        )
          and {on()}
        ({floor})
    """


def _proof(signal: str, usual: float, floor: Given | None) -> Proof:
    labels = {"signal": signal}

    def away(times: float) -> float:
        return usual + times * _SPREAD * usual

    def quiet(facts: Facts) -> float:
        return away(2 * facts.limit) * few()(facts) / usual

    own_floor = floor is None
    return Proof(
        row=LIMIT,
        where={"signal": "anomaly"},
        given=(
            Given(
                metric=BASELINE_NOW,
                labels=labels,
                fires=lambda facts: away(2 * facts.limit),
                below=lambda facts: away(0.99 * facts.limit),
                quiet=quiet if own_floor else None,
            ),
            Given(metric=BASELINE, labels=labels, fires=usual, quiet=few() if own_floor else None),
            Given(
                metric=BASELINE_SPREAD,
                labels=labels,
                fires=_SPREAD * usual,
                quiet=(lambda facts: _SPREAD * few()(facts)) if own_floor else None,
            ),
            *(() if floor is None else (floor,)),
        ),
    )


_ENOUGH_LAST_HOUR = enough(REQUESTS_1H)
_SOME_LAST_HOUR = Given(metric=REQUESTS_1H, fires=PLENTY, quiet=few())
_ACTION = (
    "Look for a deployment, a prompt change or a new caller at the time it began.",
    "Compare with cost, quality and drift of the model: does another signal agree?",
)
_LIES = (
    "A holiday, a launch or a week that was odd itself. In the first week of a model the alert "
    "cannot fire; in the second, one week is all that is known, and a tenth of it is the spread."
)

ALERTS = [
    Alert(
        name="ModelTrafficUnusual",
        signal="anomaly_requests",
        signal_class=SignalClass.TRAFFIC,
        urgency=Urgency.WATCH,
        needs=("requests",),
        condition=_unusual("requests", enough(select(BASELINE, signal="requests"))),
        labels=("limit",),
        hold=HOLD,
        summary='{{ $labels.model }} gets {{ printf "%.1f" $value }} requests per second, more '
        "than {{ $labels.limit }} spreads away from this hour of the weeks before.",
        description="The request rate over the last hour is further from the mean of the same hour "
        "of the three weeks before than these weeks are apart, times the limit.",
        action=(*_ACTION, "Ask the owner of the calling application what changed."),
        lies=_LIES,
        board="modelwatch-model",
        proof=_proof("requests", PLENTY, None),
    ),
    Alert(
        name="ModelLatencyUnusual",
        signal="anomaly_request_duration",
        signal_class=SignalClass.LATENCY,
        urgency=Urgency.WATCH,
        needs=("request_duration", "requests"),
        condition=_unusual("request_duration", _ENOUGH_LAST_HOUR),
        labels=("limit",),
        hold=HOLD,
        summary="{{ $labels.model }} answers in {{ $value | humanizeDuration }} (quantile "
        "0.95), more than {{ $labels.limit }} spreads away from this hour of the weeks before.",
        description="The duration of requests over the last hour is further from the mean of the "
        "same hour of the three weeks before than these weeks are apart, times the limit. Faster "
        "is unusual too: answers may be cut short.",
        action=(*_ACTION, "Compare tokens per request: did answers become longer or shorter?"),
        lies=_LIES,
        board="modelwatch-model",
        proof=_proof("request_duration", 1.0, _SOME_LAST_HOUR),
    ),
    Alert(
        name="ModelTokensPerRequestUnusual",
        signal="anomaly_tokens_per_request",
        signal_class=SignalClass.COST,
        urgency=Urgency.WATCH,
        needs=("tokens", "requests"),
        condition=_unusual("tokens_per_request", _ENOUGH_LAST_HOUR),
        labels=("limit",),
        hold=HOLD,
        summary="{{ $labels.model }} takes {{ $value | humanize }} tokens per request, more than "
        "{{ $labels.limit }} spreads away from this hour of the weeks before.",
        description="Tokens per request over the last hour are further from the mean of the same "
        "hour of the three weeks before than these weeks are apart, times the limit.",
        action=(*_ACTION, "Compare input with output tokens: longer prompts, or longer answers?"),
        lies=_LIES,
        board="modelwatch-cost",
        proof=_proof("tokens_per_request", 1000.0, _SOME_LAST_HOUR),
    ),
]
