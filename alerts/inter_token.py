"""Inter-token latency: do answers stutter while they are written?"""

from alerts.burn import burn_alerts, fast_burns
from alerts.limits import proof_of_slow, slow
from alerts.told import unless_told
from modelwatch.rules import HOLD, Alert, SignalClass, Urgency

ALERTS = [
    Alert(
        name="ModelInterTokenSlow",
        signal="inter_token_latency",
        signal_class=SignalClass.LATENCY,
        urgency=Urgency.NOW,
        needs=("inter_token_latency", "requests"),
        condition=slow("inter_token_latency")
        + unless_told(*fast_burns("ModelInterToken"), over="5m", own="ModelInterTokenSlow"),
        labels=("quantile", "limit"),
        hold=HOLD,
        keep_firing="5m",
        summary="{{ $labels.model }} takes {{ $value | humanizeDuration }} from token to token "
        "(quantile {{ $labels.quantile }}), over its limit of {{ $labels.limit }}.",
        description="The quantile of the gap between tokens has been above the limit of the "
        "inventory for the whole hold time, with enough requests to believe it.",
        action=(
            "Look at running requests and batch size: a fuller batch slows every answer in it.",
            "Look at preemptions and KV cache use: evicted requests stall and start again.",
            "On the GPU board look for throttled clocks or a card that is gone.",
        ),
        lies="Engines that send several tokens at once report one gap for all of them. A network "
        "that buffers the stream delays what users see without showing here.",
        board="modelwatch-model",
        proof=proof_of_slow("inter_token_latency"),
    ),
    *burn_alerts(
        "ModelInterToken",
        slo="inter_token_latency",
        same=("ModelInterTokenSlow",),
        promise="inter-token",
        signal_class=SignalClass.LATENCY,
        needs=("inter_token_latency",),
        action=(
            "Open the SLO board: is the budget going steadily, or in one step at a deployment?",
            "Look at batch size, preemptions and KV cache use on the model board.",
            "Lower the number of requests per replica, or add one, while budget is left.",
        ),
        lies="The events are tokens, not answers: a few very long answers can outweigh many short "
        "ones. A promise below 93 % over 30 days allows so much that its 1h alert can never fire; "
        "the slower windows still do.",
    ),
]
