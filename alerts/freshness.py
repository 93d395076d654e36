"""Freshness: is what the model knows refreshed as often as promised?"""

from alerts.burn import burn_alerts
from modelwatch.rules import SignalClass

ALERTS = [
    *burn_alerts(
        "ModelFreshness",
        slo="freshness",
        promise="freshness",
        signal_class=SignalClass.INFRA,
        needs=(),
        action=(
            "Look at the newest run of the job that refreshes the model, index or features: did "
            "it start, and how did it end?",
            "Check what the job reads from: is its source late, empty or locked?",
            "Run the job by hand; until it is through, tell those who use the answers how old "
            "their data is.",
        ),
        lies="Every second counts, with or without traffic. Only the end of the last success is "
        "known: a job that ends well without new data looks fresh, and one that never told an end "
        "is not missed.",
    ),
]
