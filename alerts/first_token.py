"""Time to first token: do users wait before anything appears?"""

from alerts.burn import burn_alerts, fast_burns
from alerts.limits import proof_of_slow, slow
from alerts.told import unless_told
from modelwatch.rules import HOLD, Alert, SignalClass, Urgency

ALERTS = [
    Alert(
        name="ModelFirstTokenSlow",
        signal="time_to_first_token",
        signal_class=SignalClass.LATENCY,
        urgency=Urgency.NOW,
        needs=("time_to_first_token", "requests"),
        condition=slow("time_to_first_token")
        + unless_told(*fast_burns("ModelFirstToken"), over="5m", own="ModelFirstTokenSlow"),
        labels=("quantile", "limit"),
        hold=HOLD,
        keep_firing="5m",
        summary="{{ $labels.model }} takes {{ $value | humanizeDuration }} to its first token "
        "(quantile {{ $labels.quantile }}), over its limit of {{ $labels.limit }}.",
        description="The quantile of the time to first token has been above the limit of the "
        "inventory for the whole hold time, with enough requests to believe it.",
        action=(
            "Look at queue time and waiting requests: waiting is most of a slow first token.",
            "Compare input tokens per request and the cache hit ratio with yesterday: longer or "
            "uncached prompts take longer to read.",
            "Scale out, or limit the length of prompts, before restarting anything.",
        ),
        lies="Only streamed answers have a first token; engines that do not stream report none. "
        "Where a gateway measures it, the network between it and the engine is part of it.",
        board="modelwatch-model",
        proof=proof_of_slow("time_to_first_token"),
    ),
    *burn_alerts(
        "ModelFirstToken",
        slo="time_to_first_token",
        same=("ModelFirstTokenSlow",),
        promise="first-token",
        signal_class=SignalClass.LATENCY,
        needs=("time_to_first_token",),
        action=(
            "Open the SLO board: is the budget going steadily, or in one step at a deployment?",
            "Look at queue time, input tokens per request and the cache hit ratio: waiting, longer "
            "prompts and a cold cache are the three usual causes.",
            "Scale out or limit prompts while budget is left; with none left, stop risky releases.",
        ),
        lies="Requests that fail before their first token are not counted here but against "
        "availability. A promise below 93 % over 30 days allows so much that its 1h alert can "
        "never fire; the slower windows still do.",
    ),
]
