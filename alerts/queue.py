"""Queue: do requests wait before they are served?"""

from alerts.limits import over_limit, proof_of_level, proof_of_slow, slow
from modelwatch.catalogue.recorded import WAITING
from modelwatch.rules import HOLD, Alert, SignalClass, Urgency

ALERTS = [
    Alert(
        name="ModelQueueTimeHigh",
        signal="queue_duration",
        signal_class=SignalClass.LATENCY,
        urgency=Urgency.NOW,
        needs=("queue_duration", "requests"),
        condition=slow("queue_duration"),
        labels=("quantile", "limit"),
        hold=HOLD,
        keep_firing="5m",
        summary="Requests to {{ $labels.model }} wait {{ $value | humanizeDuration }} before they "
        "are served (quantile {{ $labels.quantile }}), over the limit of {{ $labels.limit }}.",
        description="The quantile of the time in the queue has been above the limit of the "
        "inventory for the whole hold time, with enough requests to believe it.",
        action=(
            "Compare the request rate with last week: more traffic, or less capacity?",
            "Look for replicas that are down or starting on the model board.",
            "Add replicas or shed load; a queue does not shrink by itself while traffic stays.",
        ),
        lies="A queue in front of the engine, in a gateway or load balancer, is not seen here.",
        board="modelwatch-model",
        proof=proof_of_slow("queue_duration"),
    ),
    Alert(
        name="ModelRequestsWaiting",
        signal="waiting_requests",
        signal_class=SignalClass.LATENCY,
        urgency=Urgency.SOON,  # a cause; slow answers, its symptom, have alerts of their own
        needs=("requests_waiting",),
        condition=over_limit(WAITING, "waiting_requests"),
        labels=("limit",),
        hold=HOLD,
        keep_firing="5m",
        summary="{{ $value | humanize }} requests to {{ $labels.model }} are waiting, more than "
        "its limit of {{ $labels.limit }}.",
        description="More requests than the limit of the inventory have been waiting in the "
        "queues of all replicas together, for the whole hold time.",
        action=(
            "Compare running requests with the most a replica can take: are all replicas full, or "
            "does one get all the traffic?",
            "Look at KV cache use and preemptions: a full cache keeps requests in the queue.",
            "Add replicas or shed load.",
        ),
        lies="The queue is sampled at every scrape: bursts in between are not seen. The limit is "
        "for all replicas together, so it should grow with them.",
        board="modelwatch-model",
        proof=proof_of_level(WAITING, "waiting_requests"),
    ),
]
