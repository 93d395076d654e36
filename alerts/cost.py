"""Cost: is money spent faster, or on more, than planned?"""

from alerts.limits import PLENTY, enough, few, limit
from modelwatch.catalogue.inventory import BUDGET_MEMBER
from modelwatch.catalogue.recorded import (
    CACHE_HIT,
    COST_PER_1K_TOKENS,
    LIMIT,
    REQUESTS_1H,
    TOKENS_PER_REQUEST,
    UNPRICED_TOKENS,
    WEEK_BEFORE,
)
from modelwatch.catalogue.seasonal import BASELINE, BASELINE_NOW
from modelwatch.promql import on, select
from modelwatch.rules import HOLD, Alert, Given, Proof, SignalClass, Urgency

_ENOUGH_REQUESTS = enough(REQUESTS_1H, over="1h")
_SOME_REQUESTS = Given(metric=REQUESTS_1H, fires=PLENTY, quiet=few(over="1h"))

_WORTH_MISSING = 0.1
"""Cached share of input below which losing the cache changes no bill."""


def _times(now: str, before: str, signal: str) -> str:
    """How many times the past the present is, where that is over the limit."""
    return f"""
        {now}
          / {on()}
        ({before} > 0)
          > {on()} group_left (limit)
        {limit(signal)}
          and {on()}
        {_ENOUGH_REQUESTS}
    """


def _proof_of_times(signal: str, now: Given, before: Given) -> Proof:
    return Proof(
        row=LIMIT,
        where={"signal": signal},
        value=lambda facts: 2 * facts.limit,
        given=(now, before, _SOME_REQUESTS),
    )


ALERTS = [
    Alert(
        name="ModelCostSpike",
        signal="cost_spike",
        signal_class=SignalClass.COST,
        urgency=Urgency.WATCH,
        condition=_times(
            select(BASELINE_NOW, signal="cost"), select(BASELINE, signal="cost"), "cost_spike"
        ),
        labels=("limit",),
        hold=HOLD,
        keep_firing="10m",
        summary="{{ $labels.model }} spends {{ $value | humanize }} times what it spent at this "
        "hour of the weeks before, over its limit of {{ $labels.limit }}.",
        description="Spend of the last hour against the median of the same hour in the weeks "
        "before has been above the limit of the inventory for the whole hold time.",
        action=(
            "On the cost board compare requests, tokens per request and price per thousand tokens "
            "with last week: the one that grew names the cause.",
            "Look for one caller, feature or agent loop that takes most of the new tokens.",
            "Limit that caller; move it to a cheaper model only after asking its owner.",
        ),
        lies="A holiday in the weeks before makes an ordinary day look like a spike, and growth "
        "that is wanted looks the same as waste.",
        board="modelwatch-cost",
        proof=_proof_of_times(
            "cost_spike",
            Given(
                metric=BASELINE_NOW,
                labels={"signal": "cost"},
                fires=lambda facts: 2 * facts.limit * 0.001,
                below=lambda facts: 0.99 * facts.limit * 0.001,
            ),
            Given(metric=BASELINE, labels={"signal": "cost"}, fires=0.001),
        ),
    ),
    Alert(
        name="ModelCostPerTokenHigh",
        signal="cost_per_1k_tokens",
        signal_class=SignalClass.COST,
        urgency=Urgency.SOON,
        needs=("tokens",),
        condition=_times(
            str(COST_PER_1K_TOKENS),
            select(WEEK_BEFORE, signal="cost_per_1k_tokens"),
            "cost_per_1k_tokens",
        ),
        labels=("limit",),
        hold=HOLD,
        keep_firing="10m",
        summary="A thousand tokens of {{ $labels.model }} cost {{ $value | humanize }} times what "
        "they cost a week ago, over its limit of {{ $labels.limit }}.",
        description="Spend per thousand tokens over an hour against the mean of a day that ended a "
        "week ago. It grows when prices change, when fewer input tokens come from the cache, or "
        "when answers get longer than prompts.",
        action=(
            "On the cost board compare the cached share of input with last week.",
            "Compare output and reasoning tokens with input tokens: which share grew?",
            "Check whether a price in the inventory or a model version changed.",
        ),
        lies="One week after a wanted price change it ends by itself, because the new price is "
        "then the past. Declared prices that nobody updates hide a change of the real bill.",
        board="modelwatch-cost",
        proof=_proof_of_times(
            "cost_per_1k_tokens",
            Given(
                metric=COST_PER_1K_TOKENS,
                fires=lambda facts: 2 * facts.limit * 0.002,
                below=lambda facts: 0.99 * facts.limit * 0.002,
            ),
            Given(metric=WEEK_BEFORE, labels={"signal": "cost_per_1k_tokens"}, fires=0.002),
        ),
    ),
    Alert(
        name="ModelTokensPerRequestHigh",
        signal="tokens_per_request",
        signal_class=SignalClass.COST,
        urgency=Urgency.WATCH,
        needs=("tokens", "requests"),
        condition=_times(
            str(TOKENS_PER_REQUEST),
            select(BASELINE, signal="tokens_per_request"),
            "tokens_per_request",
        ),
        labels=("limit",),
        hold=HOLD,
        keep_firing="10m",
        summary="A request to {{ $labels.model }} takes {{ $value | humanize }} times the tokens "
        "it took at this hour of the weeks before, over its limit of {{ $labels.limit }}.",
        description="Tokens per request over an hour against the median of the same hour in the "
        "weeks before. Long conversations, a longer system prompt and agents that loop all show "
        "here first, before the bill does.",
        action=(
            "On the cost board see whether input or output tokens grew.",
            "Look for a new prompt template or a changed number of retrieved documents.",
            "For agents compare the steps per request: a loop shows as many more steps.",
        ),
        lies="A change in who calls, such as a nightly batch that moved, changes the mean although "
        "no request of its kind did.",
        board="modelwatch-cost",
        proof=_proof_of_times(
            "tokens_per_request",
            Given(
                metric=TOKENS_PER_REQUEST,
                fires=lambda facts: 2 * facts.limit * 500,
                below=lambda facts: 0.99 * facts.limit * 500,
            ),
            Given(metric=BASELINE, labels={"signal": "tokens_per_request"}, fires=500),
        ),
    ),
    Alert(
        name="ModelCacheHitsLost",
        signal="cache_hit_drop",
        signal_class=SignalClass.COST,
        urgency=Urgency.SOON,
        needs=("tokens",),
        condition=f"""
            1 - {CACHE_HIT}
              / {on()}
            ({select(WEEK_BEFORE, signal="cache_hit")} > {_WORTH_MISSING})
              > {on()} group_left (limit)
            {limit("cache_hit_drop")}
              and {on()}
            {_ENOUGH_REQUESTS}
        """,
        labels=("limit",),
        hold=HOLD,
        keep_firing="10m",
        summary="{{ $labels.model }} lost {{ $value | humanizePercentage }} of its prompt cache "
        "hits since a week ago, over its limit of {{ $labels.limit }}.",
        description="The cached share of input tokens over an hour against the mean of a day that "
        "ended a week ago. Tokens that miss the cache are paid in full and answered later.",
        action=(
            "Look for a prompt template that changed: whatever differs near its start, such as a "
            "date or a user name, spoils the cache for all that follows.",
            "Compare time to first token on the model board: does it hurt users as well?",
            "Check whether requests now spread over more replicas or another provider.",
        ),
        lies="Where less than a tenth of input was cached a week ago nothing is compared. New "
        "callers with short prompts lower the share without any harm.",
        board="modelwatch-cost",
        proof=Proof(
            row=LIMIT,
            where={"signal": "cache_hit_drop"},
            reachable=lambda facts: facts.limit < 1,
            value=lambda facts: (1 + facts.limit) / 2,
            given=(
                Given(
                    metric=CACHE_HIT,
                    fires=lambda facts: 0.5 * (1 - facts.limit) / 2,
                    below=lambda facts: 0.5 * (1 - 0.99 * facts.limit),
                ),
                Given(metric=WEEK_BEFORE, labels={"signal": "cache_hit"}, fires=0.5),
                _SOME_REQUESTS,
            ),
        ),
    ),
    Alert(
        name="ModelTokensUnpriced",
        signal="unpriced_tokens",
        signal_class=SignalClass.COST,
        urgency=Urgency.SOON,
        needs=("tokens",),
        condition=f"""
            {UNPRICED_TOKENS} > 0
              and {on()}
            {BUDGET_MEMBER}
        """,
        # Nothing is lost but the truth of a budget: an hour lets a new price arrive by itself.
        hold="1h",
        summary='{{ $labels.model }} uses {{ $value | printf "%.3g" }} tokens per second that have '
        "no price, so its budget shows too little; the limit is none.",
        description="The model is charged to a budget, but neither the inventory nor the engine "
        "says what these tokens cost: every figure of that budget is too low.",
        action=(
            "On the cost board see which kind of token has no price.",
            "Add the price to the model in the inventory, or let the gateway report the cost.",
            "Expect the spend of the past to stay too low: prices count from now on.",
        ),
        lies="A model that is free to use needs a price of zero in the inventory to say so.",
        board="modelwatch-cost",
        proof=Proof(
            row=BUDGET_MEMBER,
            has_quiet=False,
            given=(Given(metric=UNPRICED_TOKENS, fires=120, below=0),),
        ),
    ),
]
