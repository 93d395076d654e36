"""Latency: are answers slower than promised?"""

from modelwatch.catalogue.recorded import FLOOR_EVENTS, LIMIT, QUANTILES, REQUESTS
from modelwatch.promql import on, seconds, select
from modelwatch.rules import HOLD, Alert, Facts, Given, Proof, SignalClass, Urgency

_ENOUGH_REQUESTS = (
    f"{REQUESTS} * {seconds('5m')} >= {on()} {select(FLOOR_EVENTS, signal='requests')}"
)


def _few(facts: Facts) -> float:
    """A request rate just below the floor."""
    return 0.9 * facts.constant(FLOOR_EVENTS, signal="requests") / 300


ALERTS = [
    Alert(
        name="ModelLatencyHigh",
        signal="request_duration",
        signal_class=SignalClass.LATENCY,
        urgency=Urgency.NOW,
        needs=("request_duration",),
        condition=f"""
            {QUANTILES["request_duration"]}
              > {on("model", "environment", "quantile")} group_left (limit)
            {select(LIMIT, signal="request_duration", hold=HOLD)}
              and {on()}
            {_ENOUGH_REQUESTS}
        """,
        labels=("quantile", "limit"),
        hold=HOLD,
        keep_firing="5m",
        summary="{{ $labels.model }} answers in {{ $value | humanizeDuration }} "
        "(quantile {{ $labels.quantile }}), over its limit of {{ $labels.limit }}.",
        description="The quantile of the request duration has been above the limit of the "
        "inventory for the whole hold time, with enough requests to believe it.",
        action=(
            "Compare queue time with time to first token on the model board: a growing queue means "
            "too few replicas, a growing first token means longer prompts or a full KV cache.",
            "Look for a deployment or version change at the time it began.",
            "Scale out, or shed load, before restarting anything.",
        ),
        lies="The duration of a generation grows with the length of its answer: compare the "
        "inter-token latency before blaming the engine. Above the last bucket the quantile is "
        "clamped.",
        board="modelwatch-model",
        proof=Proof(
            row=LIMIT,
            where={"signal": "request_duration"},
            given=(
                Given(
                    metric=QUANTILES["request_duration"],
                    labels={"quantile": "$quantile"},
                    fires=lambda f: 2 * f.limit,
                    below=lambda f: 0.99 * f.limit,
                ),
                Given(metric=REQUESTS, fires=10, quiet=_few),
            ),
        ),
    ),
]
