"""Availability: do requests fail?"""

from alerts.burn import burn_alerts, fast_burns
from alerts.limits import PLENTY, enough, few, over_limit
from alerts.told import unless_told
from modelwatch.catalogue.recorded import ERROR_RATIO, LIMIT, REQUESTS
from modelwatch.promql import on
from modelwatch.rules import HOLD, Alert, Given, Proof, SignalClass, Urgency

_BURNS = fast_burns("ModelAvailability")

ALERTS = [
    Alert(
        name="ModelErrorsHigh",
        signal="error_ratio",
        signal_class=SignalClass.INFRA,
        urgency=Urgency.NOW,
        needs=("requests",),
        condition=f"""
            {over_limit(ERROR_RATIO, "error_ratio")}
              and {on()}
            {enough(REQUESTS, signal="errors")}
            {unless_told(*_BURNS, "ModelProviderDegraded", over="5m", own="ModelErrorsHigh")}
        """,
        labels=("limit",),
        hold=HOLD,
        keep_firing="5m",
        summary="{{ $labels.model }} fails {{ $value | humanizePercentage }} of its requests, "
        "over its limit of {{ $labels.limit }}.",
        description="The share of requests that end in a server error, a timeout or a rate limit "
        "has been above the limit of the inventory for the whole hold time, with enough requests "
        "to believe it.",
        action=(
            "On the model board see which outcome grew: server errors, timeouts or rate limits.",
            "Look for a deployment, version change or replica that went down when it began.",
            "Roll back, or switch to the fallback model, before searching for the cause.",
        ),
        lies="Mistakes of callers and cancelled requests do not count. Retries do: one user can "
        "fail many times, and a gateway that retries hides what its provider fails.",
        board="modelwatch-model",
        proof=Proof(
            row=LIMIT,
            where={"signal": "error_ratio"},
            reachable=lambda facts: facts.limit < 1,
            given=(
                Given(
                    metric=ERROR_RATIO,
                    fires=lambda facts: min(1.0, 2 * facts.limit),
                    below=lambda facts: 0.99 * facts.limit,
                ),
                Given(metric=REQUESTS, fires=PLENTY, quiet=few(signal="errors")),
            ),
        ),
    ),
    *burn_alerts(
        "ModelAvailability",
        slo="availability",
        same=("ModelErrorsHigh", "ModelProviderDegraded"),
        promise="availability",
        signal_class=SignalClass.INFRA,
        needs=("requests",),
        action=(
            "On the model board see which outcome grew: server errors, timeouts or rate limits.",
            "Look for a deployment, version change or replica that went down when it began.",
            "Roll back or switch to the fallback model; with no budget left, stop risky releases.",
        ),
        lies="With little traffic a few failures are a large share: at least the floor of bad "
        "events and the named share of the whole budget must be gone. Where only a part of the "
        "window was seen, the budget is that of a whole window at the traffic seen so far.",
    ),
]
