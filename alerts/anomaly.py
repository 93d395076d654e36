"""Anomalies: does a model behave unlike the same hour of the weeks before?

A hint and no verdict: low confidence, never a page by itself.
"""

from alerts.limits import PLENTY, enough, few, limit
from modelwatch.catalogue.recorded import LIMIT, REQUESTS_1H
from modelwatch.catalogue.seasonal import BASELINE, BASELINE_LOWER, BASELINE_NOW, BASELINE_UPPER
from modelwatch.promql import largest, on, select
from modelwatch.rules import HOLD, Alert, Given, Proof, SignalClass, Urgency


def _unusual(signal: str, floor: str) -> str:
    """The signal over the last hour, where it is outside the band that boards draw."""
    now = select(BASELINE_NOW, signal=signal)
    outside = f"""
        {now} > {select(BASELINE_UPPER, signal=signal)}
          or
        {now} < {select(BASELINE_LOWER, signal=signal)}
    """
    return f"""
        {largest(outside)}
          + {on()} group_left (limit)
        0 * {limit("anomaly")}
          and {on()}
        ({floor})
    """


def _proof(signal: str, usual: float, floor: Given) -> Proof:
    labels = {"signal": signal}
    return Proof(
        row=LIMIT,
        where={"signal": "anomaly"},
        given=(
            Given(metric=BASELINE_NOW, labels=labels, fires=2 * usual, below=1.49 * usual),
            Given(metric=BASELINE_LOWER, labels=labels, fires=0.5 * usual),
            Given(metric=BASELINE_UPPER, labels=labels, fires=1.5 * usual),
            floor,
        ),
    )


_ENOUGH_LAST_HOUR = enough(REQUESTS_1H)
_SOME_TRAFFIC_BEFORE = Given(
    metric=BASELINE, labels={"signal": "requests"}, fires=PLENTY, quiet=few()
)
_SOME_LAST_HOUR = Given(metric=REQUESTS_1H, fires=PLENTY, quiet=few())
_ACTION = (
    "Look for a deployment, a prompt change or a new caller at the time it began.",
    "Compare with cost, quality and drift of the model: does another signal agree?",
)
_LIES = (
    "A holiday, a launch or growth. There is no band, and no alert, until two weeks of the "
    "model are known; until the fifth week the band rests on fewer than four."
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
        description="The request rate over the last hour is further from the median of the same "
        "hour of the four weeks before than the spread of these weeks, times the limit.",
        action=(*_ACTION, "Ask the owner of the calling application what changed."),
        lies=_LIES,
        board="modelwatch-model",
        proof=_proof("requests", PLENTY, _SOME_TRAFFIC_BEFORE),
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
        description="The duration of requests over the last hour is further from the median of "
        "the same hour of the four weeks before than the spread of these weeks, times the limit. "
        "Faster is unusual too: answers may be cut short.",
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
        description="Tokens per request over the last hour are further from the median of the same "
        "hour of the four weeks before than the spread of these weeks, times the limit.",
        action=(*_ACTION, "Compare input with output tokens: longer prompts, or longer answers?"),
        lies=_LIES,
        board="modelwatch-cost",
        proof=_proof("tokens_per_request", 1000.0, _SOME_LAST_HOUR),
    ),
]
