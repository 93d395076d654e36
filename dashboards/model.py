"""Model: is this one fine, since when, and why not?"""

from dashboards.model_bands import BANDS
from dashboards.model_detail import DISTRIBUTION, GPU, QUALITY, VERSIONS
from dashboards.model_probes import PROBES
from dashboards.shared import (
    BUDGET_LEFT,
    HEALTH_STATES,
    MODEL_EVENTS,
    OUTCOME_COLORS,
    OWNED,
    TOKEN_COLORS,
    UNAVAILABLE_SIGNALS,
    limit,
    of,
    usual,
)
from modelwatch.board import ONE_MODEL, Board, Line, Link, Panel, Row, Variable
from modelwatch.catalogue import QUANTILES as CHOICES
from modelwatch.catalogue.recorded import (
    COST_1H,
    ERROR_RATIO,
    HEALTH,
    KV_CACHE,
    MEANS,
    PREEMPTIONS,
    QUANTILES,
    REQUESTS,
    REQUESTS_BY_OUTCOME,
    RUNNING,
    SLO_ALLOWED,
    SLO_BUDGET_LEFT,
    SLO_ERROR,
    TARGETS_UP,
    TOKENS,
    TOKENS_PER_REQUEST,
    WAITING,
)
from modelwatch.promql import total

_SEE_BELOW = "no data; the last row says what the engine does not expose"
_ENVIRONMENT = "{{environment}}"


def _quantile(signal: str) -> Line:
    return Line(
        query=of(QUANTILES[signal], quantile="$quantile"), legend=f"quantile {_ENVIRONMENT}"
    )


_FINE = Row(
    title="Is it fine",
    panels=(
        Panel(
            title="Ownership",
            question="Whose model is it and which version should be running? Talk to the owner.",
            type="table",
            unit="string",
            width=9,
            height=4,
            lines=(
                Line(
                    query=f"max by (model, environment, team, tier, version, owner, policy) "
                    f"({OWNED})"
                ),
            ),
            columns=("model", "environment", "version", "team", "owner", "tier", "policy"),
            no_data="not in the inventory",
        ),
        Panel(
            title="Health",
            question="Is an alert open for this model, and how urgent is it?",
            type="stat",
            unit="none",
            width=3,
            states=HEALTH_STATES,
            lines=(Line(query=f"max({of(HEALTH)})"),),
            no_data="no health recorded",
        ),
        Panel(
            title="Targets",
            question="Do all its targets answer? Restart or replace those that do not.",
            type="stat",
            unit="percentunit",
            width=3,
            lines=(Line(query=f"min({of(TARGETS_UP)})"),),
            no_data="no target",
        ),
        Panel(
            title="Requests",
            question="Is it being used at all? Without traffic the rest of the board means little.",
            type="stat",
            unit="reqps",
            width=3,
            lines=(Line(query=f"sum({of(REQUESTS)})"),),
        ),
        Panel(
            title="Duration",
            question="How long does an answer take now, at the chosen quantile?",
            type="stat",
            unit="s",
            width=3,
            lines=(Line(query=f"max({of(QUANTILES['request_duration'], quantile='$quantile')})"),),
            no_data="no traffic",
        ),
        Panel(
            title="Lowest error budget",
            question="How much may still go wrong before a promise is broken?",
            type="stat",
            unit="percentunit",
            width=3,
            steps=BUDGET_LEFT,
            lines=(Line(query=f"min({of(SLO_BUDGET_LEFT)})"),),
            links=(Link(title="Open the objectives", board="modelwatch-slo", labels=()),),
            no_data="no objectives",
        ),
    ),
)

_LATENCY = Row(
    title="Latency",
    panels=(
        Panel(
            title="Request duration",
            question="Since when are answers slow? The mean far below the quantile means that only "
            "some requests are: long prompts or a full queue.",
            unit="s",
            width=12,
            signals=("request_duration",),
            lines=(
                _quantile("request_duration"),
                Line(
                    query=of(MEANS["request_duration"]),
                    legend=f"mean {_ENVIRONMENT}",
                    color="blue",
                ),
                limit("request_duration", by=("quantile",)),
            ),
            no_data=_SEE_BELOW,
        ),
        Panel(
            title="Time to first token",
            question="Is the wait before the first token the slow part? Then look at the queue and "
            "the prompt length.",
            unit="s",
            width=12,
            signals=("time_to_first_token",),
            lines=(
                _quantile("time_to_first_token"),
                limit("time_to_first_token", by=("quantile",)),
            ),
            no_data=_SEE_BELOW,
        ),
        Panel(
            title="Inter-token latency",
            question="Is generation itself slow? Then the batch is too large or the card is held "
            "back.",
            unit="s",
            width=12,
            signals=("inter_token_latency",),
            lines=(
                _quantile("inter_token_latency"),
                limit("inter_token_latency", by=("quantile",)),
            ),
            no_data=_SEE_BELOW,
        ),
        Panel(
            title="Queue time",
            question="Do requests wait for a place? Then add replicas rather than faster cards.",
            unit="s",
            width=12,
            signals=("queue_duration",),
            lines=(_quantile("queue_duration"), limit("queue_duration", by=("quantile",))),
            no_data=_SEE_BELOW,
        ),
    ),
)

_ERRORS = Row(
    title="Errors and promises",
    panels=(
        Panel(
            title="Failed requests",
            question="Is the share of failures above its limit, and since when?",
            unit="percentunit",
            lines=(
                Line(query=of(ERROR_RATIO), legend=f"failed {_ENVIRONMENT}"),
                limit("error_ratio"),
            ),
            no_data="no traffic",
        ),
        Panel(
            title="Requests by outcome",
            question="Which kind of failure is it: ours, the provider's limit, or a timeout?",
            unit="reqps",
            stacked=True,
            colors=OUTCOME_COLORS,
            lines=(
                Line(query=total(of(REQUESTS_BY_OUTCOME), by=("outcome",)), legend="{{outcome}}"),
            ),
        ),
        Panel(
            title="Bad events against the promise",
            question="Is the share of bad events over what each promise allows? Above the grey "
            "line the error budget shrinks too fast.",
            unit="percentunit",
            lines=(
                Line(query=of(SLO_ERROR["1h"]), legend="{{slo}} / {{environment}}"),
                Line(
                    query=of(SLO_ALLOWED),
                    legend="allowed {{slo}}: {{objective}} / {{environment}}",
                    objective=True,
                ),
            ),
            no_data="no objectives",
        ),
    ),
)

_SATURATION = Row(
    title="Saturation",
    panels=(
        Panel(
            title="Running and waiting requests",
            question="Is the engine full? Waiting requests that do not go away need more replicas.",
            unit="none",
            signals=("requests_running", "requests_waiting"),
            lines=(
                Line(query=of(RUNNING), legend=f"running {_ENVIRONMENT}", color="blue"),
                Line(query=of(WAITING), legend=f"waiting {_ENVIRONMENT}", color="amber"),
                limit("waiting_requests"),
            ),
            no_data=_SEE_BELOW,
        ),
        Panel(
            title="KV cache",
            question="Is the cache nearly full? Then requests queue or are evicted: shorten the "
            "context, or give it more memory.",
            unit="percentunit",
            maximum=1,
            signals=("kv_cache_usage",),
            lines=(
                Line(query=of(KV_CACHE), legend=f"fullest replica {_ENVIRONMENT}"),
                limit("kv_cache"),
            ),
            no_data=_SEE_BELOW,
        ),
        Panel(
            title="Preemptions",
            question="Are running requests evicted and computed twice? Lower the batch size.",
            unit="ops",
            signals=("preemptions",),
            lines=(
                Line(query=of(PREEMPTIONS), legend=f"preemptions {_ENVIRONMENT}"),
                limit("preemptions"),
            ),
            no_data=_SEE_BELOW,
        ),
    ),
)

_COST = Row(
    title="Tokens and cost",
    panels=(
        Panel(
            title="Tokens by kind",
            question="Did prompts or answers grow, and does the cache still help?",
            unit="count:tok/s",
            stacked=True,
            colors=TOKEN_COLORS,
            signals=("tokens",),
            lines=(Line(query=total(of(TOKENS), by=("kind",)), legend="{{kind}}"),),
            no_data=_SEE_BELOW,
        ),
        Panel(
            title="Tokens per request",
            question="Did requests become longer? That makes them slower and dearer.",
            unit="short",
            lines=(
                Line(query=of(TOKENS_PER_REQUEST), legend=f"mean over 1h {_ENVIRONMENT}"),
                usual("tokens_per_request"),
            ),
            no_data="no tokens counted",
        ),
        Panel(
            title="Spend per hour",
            question="What does it cost now, compared with before the trouble began?",
            unit="currencyUSD",
            lines=(Line(query=f"{of(COST_1H)} * 3600", legend=f"spend {_ENVIRONMENT}"),),
            links=(Link(title="Open the costs", board="modelwatch-cost", labels=()),),
            no_data="nothing priced",
        ),
    ),
)

BOARD = Board(
    uid="modelwatch-model",
    title="Model",
    question="Is this model fine, since when is it not, and why?",
    role="model",
    # One model at a time: with several, quantiles, limits and outcomes are no longer told apart.
    model=ONE_MODEL,
    variables=(
        Variable(
            name="quantile",
            title="Quantile",
            choices=CHOICES,
            default="0.95",
            multi=False,
            everything=False,
        ),
    ),
    rows=(
        _FINE,
        _LATENCY,
        _ERRORS,
        _SATURATION,
        _COST,
        BANDS,
        PROBES,
        VERSIONS,
        DISTRIBUTION,
        QUALITY,
        GPU,
        Row(title="What cannot be seen", panels=(UNAVAILABLE_SIGNALS,)),
    ),
    annotations=MODEL_EVENTS,
)
