"""Latency: are answers slower than promised?"""

from alerts.burn import burn_alerts, fast_burns
from alerts.limits import proof_of_slow, slow
from alerts.told import unless_told
from modelwatch.rules import HOLD, Alert, SignalClass, Urgency

ALERTS = [
    Alert(
        name="ModelLatencyHigh",
        signal="request_duration",
        signal_class=SignalClass.LATENCY,
        urgency=Urgency.NOW,
        needs=("request_duration", "requests"),
        condition=slow("request_duration")
        + unless_told(*fast_burns("ModelLatency"), over="5m", own="ModelLatencyHigh"),
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
        proof=proof_of_slow("request_duration"),
    ),
    *burn_alerts(
        "ModelLatency",
        slo="latency",
        same=("ModelLatencyHigh",),
        promise="latency",
        signal_class=SignalClass.LATENCY,
        needs=("request_duration",),
        action=(
            "Open the SLO board: is the budget going steadily, or in one step at a deployment?",
            "On the model board compare queue time, time to first token and inter-token latency: "
            "the one that grew names the cause.",
            "Scale out or shed load while budget is left; with none left, stop risky releases.",
        ),
        lies="Answers that failed are left out, so a model that fails fast looks fast. Longer "
        "answers take longer on a healthy engine. A promise below 93 % over 30 days allows so much "
        "that its 1h alert can never fire; the slower windows still do.",
    ),
]
