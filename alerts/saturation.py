"""Saturation: how close is a model to what it can carry?

These are causes: they open a ticket before users notice. What users notice pages by itself.
"""

from alerts.limits import over_limit, proof_of_level
from modelwatch.catalogue.recorded import KV_CACHE, PREEMPTIONS, RUNNING
from modelwatch.rules import HOLD, Alert, SignalClass, Urgency

ALERTS = [
    Alert(
        name="ModelKvCacheFull",
        signal="kv_cache",
        signal_class=SignalClass.INFRA,
        urgency=Urgency.SOON,
        needs=("kv_cache_usage",),
        condition=over_limit(KV_CACHE, "kv_cache"),
        labels=("limit",),
        hold=HOLD,
        keep_firing="5m",
        summary="The KV cache of {{ $labels.model }} is {{ $value | humanizePercentage }} full, "
        "over its limit of {{ $labels.limit }}.",
        description="The fullest KV cache of the model's replicas has been above the limit of the "
        "inventory for the whole hold time. Next, requests wait or are evicted.",
        action=(
            "Look at preemptions and waiting requests: do users feel it already?",
            "Compare tokens per request with last week: longer conversations need more cache.",
            "Lower the context length or the requests per replica, or add a replica.",
        ),
        lies="Engines that keep finished prompts in the cache for reuse may show it full while "
        "nothing waits: then only preemptions tell, and this limit can be switched off.",
        board="modelwatch-model",
        proof=proof_of_level(KV_CACHE, "kv_cache"),
    ),
    Alert(
        name="ModelPreemptionsHigh",
        signal="preemptions",
        signal_class=SignalClass.INFRA,
        urgency=Urgency.SOON,
        needs=("preemptions",),
        condition=over_limit(PREEMPTIONS, "preemptions"),
        labels=("limit",),
        hold=HOLD,
        keep_firing="5m",
        summary='{{ $labels.model }} evicts {{ printf "%.1f" $value }} requests per second from '
        "its batch, over its limit of {{ $labels.limit }}.",
        description="The engine takes running requests out of the batch for want of KV cache and "
        "computes them again later, more often than the limit of the inventory allows.",
        action=(
            "Look at KV cache use and tokens per request on the model board.",
            "Lower the requests per replica or the context length.",
            "Add a replica, or give the engine more of the card's memory.",
        ),
        lies="The rate is of all replicas together, so the limit should grow with them.",
        board="modelwatch-model",
        proof=proof_of_level(PREEMPTIONS, "preemptions"),
    ),
    Alert(
        name="ModelConcurrencyHigh",
        signal="concurrency",
        signal_class=SignalClass.INFRA,
        urgency=Urgency.SOON,
        needs=("requests_running",),
        condition=over_limit(RUNNING, "concurrency"),
        labels=("limit",),
        hold=HOLD,
        keep_firing="5m",
        summary="{{ $labels.model }} serves {{ $value | humanize }} requests at once, over its "
        "limit of {{ $labels.limit }}.",
        description="More requests have been running at once than the limit of the inventory, "
        "for the whole hold time.",
        action=(
            "Compare the request rate and the duration of a request with last week: which grew?",
            "Look for one caller or feature that takes most of it.",
            "Add replicas, or limit the requests of that caller.",
        ),
        lies="Running requests are sampled at every scrape: short peaks in between are not seen.",
        board="modelwatch-model",
        proof=proof_of_level(RUNNING, "concurrency"),
    ),
]
