"""Endpoints: do the model's own targets answer?"""

from modelwatch.catalogue.recorded import ALERT_POLICY, TARGETS_UP
from modelwatch.rules import Alert, Given, Proof, SignalClass, Urgency

ALERTS = [
    Alert(
        name="ModelEndpointDown",
        signal="targets_up",
        signal_class=SignalClass.INFRA,
        urgency=Urgency.NOW,
        condition=f"{TARGETS_UP} == 0",
        # Shorter than the hold of any symptom: this is the cause that mutes them.
        hold="2m",
        # Longer than the symptoms need to end, so that none of them is told in between.
        keep_firing="5m",
        summary="{{ $labels.model }} is down: {{ $value | humanizePercentage }} of its targets "
        "answer; the limit is one of them.",
        description="No target of the model has answered a scrape for two minutes. Alerts about "
        "its latency, quality and cost are muted meanwhile.",
        action=(
            "Does one request by hand get an answer? If so, only the metrics are unreachable.",
            "Look at the newest deployment, the host and its GPUs, and the log of the engine.",
            "Switch traffic to the fallback model before searching for the cause.",
        ),
        lies="Prometheus may be cut off from a model that users still reach.",
        board="modelwatch-model",
        proof=Proof(
            row=ALERT_POLICY,
            where={"urgency": "now"},
            has_quiet=False,
            given=(Given(metric=TARGETS_UP, fires=0, below=0.5),),
        ),
    ),
    Alert(
        name="ModelReplicaDown",
        signal="replicas_up",
        signal_class=SignalClass.INFRA,
        urgency=Urgency.SOON,
        condition=f"({TARGETS_UP} < 1) > 0",
        # A rolling deployment takes one replica away for minutes.
        hold="10m",
        keep_firing="5m",
        summary="Only {{ $value | humanizePercentage }} of the targets of {{ $labels.model }} "
        "answer; the limit is all of them.",
        description="Some, but not all, targets of the model have not answered a scrape for the "
        "whole hold time: the rest carries the load, without reserve.",
        action=(
            "On the stack board see which target is down, and since when.",
            "Look at its host, its log and the newest deployment.",
            "Watch queue and latency of the rest: add a replica if they grow.",
        ),
        lies="A replica that was scaled down on purpose stays in the list of targets until the "
        "inventory or its discovery drops it.",
        board="modelwatch-model",
        proof=Proof(
            row=ALERT_POLICY,
            where={"urgency": "soon"},
            has_quiet=False,
            given=(Given(metric=TARGETS_UP, fires=0.5, below=1),),
        ),
    ),
]
