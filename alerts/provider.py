"""Provider trouble: does it pass by itself, or does it stay?

A burst of rate limits or server errors that retries absorb is `trouble="transient"` and a ticket at
the most. Trouble that fills half an hour of the last one is `trouble="systematic"`.
"""

from collections.abc import Callable

from alerts.burn import fast_burns
from alerts.limits import PLENTY, enough, few, over_limit
from alerts.told import unless_told
from modelwatch.catalogue.recorded import (
    ERROR_RATIO,
    ERROR_RATIO_1H,
    LIMIT,
    REQUESTS,
    REQUESTS_BY_OUTCOME,
)
from modelwatch.promql import on, ratio, select, total
from modelwatch.rules import HOLD, Alert, Facts, Given, Proof, SignalClass, Urgency

# These page by themselves, and are about the same requests.
_LASTING = ("ModelErrorsHigh", *fast_burns("ModelAvailability"))
_ENOUGH = enough(REQUESTS, signal="errors")


def _share_over_limit(outcomes: str, signal: str) -> str:
    """Share of all requests that end so, where it is over its limit."""
    part = total(select(REQUESTS_BY_OUTCOME, outcome=f"~{outcomes}"))
    return f"""
        {over_limit(ratio(part, str(REQUESTS)), signal)}
          and {on()}
        {_ENOUGH}
        {unless_told(*_LASTING, "ModelProviderDegraded", over="10m")}
    """


def _proof_of_share(outcome: str, signal: str) -> Proof:
    def share(facts: Facts) -> float:
        return min(1.0, 2 * facts.limit)

    def of(requests: Callable[[Facts], float]) -> Callable[[Facts], float]:
        return lambda facts: share(facts) * requests(facts)

    return Proof(
        row=LIMIT,
        where={"signal": signal},
        reachable=lambda facts: facts.limit < 1,
        value=share,
        given=(
            Given(
                metric=REQUESTS_BY_OUTCOME,
                labels={"outcome": outcome},
                fires=of(lambda _: PLENTY),
                below=lambda facts: 0.99 * facts.limit * PLENTY,
                quiet=of(few(signal="errors")),
            ),
            Given(metric=REQUESTS, fires=PLENTY, quiet=few(signal="errors")),
        ),
    )


# The limit of the errors alert, whatever its hold; one row, so that the join never fails for all.
_ERROR_LIMIT = f"bottomk by (model, environment) (1, {select(LIMIT, signal='error_ratio')})"

ALERTS = [
    Alert(
        name="ModelRateLimited",
        signal="rate_limited_ratio",
        signal_class=SignalClass.INFRA,
        urgency=Urgency.SOON,
        needs=("requests",),
        condition=_share_over_limit("rate_limited", "rate_limited_ratio"),
        labels=("limit",),
        extra={"trouble": "transient"},
        hold=HOLD,
        keep_firing="5m",
        summary="{{ $value | humanizePercentage }} of the requests to {{ $labels.model }} are "
        "turned away by a rate limit, over the limit of {{ $labels.limit }}.",
        description="The share of rate-limited requests has been above the limit of the inventory "
        "for the whole hold time. Callers that retry see slowness, others see errors.",
        action=(
            "Compare requests and tokens per minute with the quota of the account.",
            "Find the caller that grew; slow it down or move it to another model.",
            "Ask the provider for a higher quota, or spread requests over more keys or regions.",
        ),
        lies="Retries count as requests: clients that retry hard enlarge the share.",
        board="modelwatch-model",
        proof=_proof_of_share("rate_limited", "rate_limited_ratio"),
    ),
    Alert(
        name="ModelProviderErrorBurst",
        signal="provider_burst_ratio",
        signal_class=SignalClass.INFRA,
        urgency=Urgency.SOON,
        needs=("requests",),
        condition=_share_over_limit("server_error|timeout", "provider_burst_ratio"),
        labels=("limit",),
        extra={"trouble": "transient"},
        hold=HOLD,
        keep_firing="5m",
        summary="{{ $value | humanizePercentage }} of the requests to {{ $labels.model }} end in a "
        "server error or timeout, a burst over the limit of {{ $labels.limit }}.",
        description="A burst of server errors and timeouts, above the limit of the inventory for "
        "the hold time. Most bursts pass by themselves and retries absorb them.",
        action=(
            "Look at the provider's status page, or at restarts of the model's replicas.",
            "Check that callers retry with growing pauses and that the fallback takes over.",
            "Wait for the errors and burn alerts before acting further.",
        ),
        lies="Five minutes of failures are in the value, so a burst shows for five minutes after "
        "it ended.",
        board="modelwatch-model",
        proof=_proof_of_share("server_error", "provider_burst_ratio"),
    ),
    Alert(
        name="ModelProviderDegraded",
        signal="provider_degraded",
        signal_class=SignalClass.INFRA,
        urgency=Urgency.NOW,
        needs=("requests",),
        condition=f"""
            {ERROR_RATIO_1H}
              + {on()} group_left (limit)
            0 * (
              count_over_time((
                {ERROR_RATIO}
                  > {on()} group_left (limit)
                {_ERROR_LIMIT}
                  and {on()}
                {_ENOUGH}
              )[1h:1m])
              >= 30
            )
            {unless_told(*_LASTING, over="1h", own="ModelProviderDegraded")}
        """,
        labels=("limit",),
        extra={"trouble": "systematic"},
        hold="2m",
        summary="{{ $labels.model }} failed {{ $value | humanizePercentage }} of its requests in "
        "the last hour and was over its limit of {{ $labels.limit }} for half of it: "
        "this does not pass by itself.",
        description="In at least 30 of the last 60 minutes the share of failed requests was above "
        "the limit of the inventory, in one piece or again and again. Bursts that retries absorb "
        "do not last that long.",
        action=(
            "Switch to the fallback model or another region.",
            "Compare versions on the model board: did it begin with one? Then roll it back.",
            "Look at the provider's status page and open a case with it; then raise or spread the "
            "quota if it is rate limits.",
        ),
        lies="A deployment that fails for half an hour looks the same as a provider that does. The "
        "alert ends when fewer than 30 of the last 60 minutes were bad, so up to half an hour "
        "after the end of the trouble.",
        board="modelwatch-model",
        proof=Proof(
            row=LIMIT,
            where={"signal": "error_ratio"},
            reachable=lambda facts: facts.limit < 1,
            minutes=35,
            given=(
                Given(metric=ERROR_RATIO_1H, fires=0.2),
                Given(
                    metric=ERROR_RATIO,
                    fires=lambda facts: min(1.0, 2 * facts.limit),
                    below=lambda facts: 0.99 * facts.limit,
                ),
                Given(metric=REQUESTS, fires=PLENTY, quiet=few(signal="errors")),
            ),
        ),
    ),
]
