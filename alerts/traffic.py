"""Traffic: do the requests come that should come, and only those?"""

from alerts.limits import PLENTY, enough, few, limit
from modelwatch.catalogue.recorded import (
    ENGINE_UNDECLARED,
    LIMIT,
    REQUESTS,
    REQUESTS_1H,
    UNAVAILABLE,
)
from modelwatch.catalogue.seasonal import BASELINE
from modelwatch.promql import largest, on, select, total
from modelwatch.rules import HOLD, Alert, Given, Proof, Scope, SignalClass, Urgency

_USUAL = largest(select(BASELINE, signal="requests"))
# A model without a history is only missed when nothing at all comes any more: the hour before
# then says what is usual. With less than that, every evening would look like an outage.
_EXPECTED = f"""(
    {_USUAL}
      or {on()}
    ({REQUESTS_1H} offset 1h and {on()} {REQUESTS} == 0)
)"""

ALERTS = [
    Alert(
        name="ModelTrafficDropped",
        signal="traffic_drop",
        signal_class=SignalClass.TRAFFIC,
        urgency=Urgency.NOW,
        needs=("requests",),
        condition=f"""
            1 - {REQUESTS} / {on()} ({_EXPECTED} > 0)
              > {on()} group_left (limit)
            {limit("traffic_drop")}
              and {on()}
            ({enough(_EXPECTED)})
        """,
        labels=("limit",),
        hold=HOLD,
        keep_firing="5m",
        summary="{{ $labels.model }} lost {{ $value | humanizePercentage }} of its usual traffic, "
        "more than its limit of {{ $labels.limit }}.",
        description="The request rate has been that far below the same hour of the weeks before, "
        "for the whole hold time. A model without a history is compared with the hour before, and "
        "only when no request comes at all.",
        action=(
            "Send one request yourself, by the way users take: does it arrive?",
            "Look at gateway, routing and credentials: requests that never arrive leave no error.",
            "Ask the owner of the calling application about a release, a holiday or an end.",
        ),
        lies="Holidays and planned pauses look the same. So do jobs that run for minutes and then "
        "rest: switch the limit off for models that are used in batches.",
        board="modelwatch-model",
        proof=Proof(
            row=LIMIT,
            where={"signal": "traffic_drop"},
            reachable=lambda facts: facts.limit < 1,
            value=lambda _: 1.0,
            given=(
                Given(
                    metric=REQUESTS,
                    fires=0.0,
                    below=lambda facts: 1.01 * PLENTY * (1 - facts.limit),
                ),
                Given(metric=BASELINE, labels={"signal": "requests"}, fires=PLENTY, quiet=few()),
            ),
        ),
    ),
    Alert(
        name="ModelTrafficSurge",
        signal="traffic_surge",
        signal_class=SignalClass.TRAFFIC,
        urgency=Urgency.WATCH,
        needs=("requests",),
        condition=f"""
            {REQUESTS} / {on()} ({_USUAL} > 0)
              > {on()} group_left (limit)
            {limit("traffic_surge")}
              and {on()}
            {enough(REQUESTS)}
        """,
        labels=("limit",),
        hold=HOLD,
        keep_firing="5m",
        summary="{{ $labels.model }} gets {{ $value | humanize }} times its usual traffic, more "
        "than its limit of {{ $labels.limit }}.",
        description="The request rate has been that far above the same hour of the weeks before, "
        "for the whole hold time.",
        action=(
            "Look at queue time and KV cache use: does the model still carry it?",
            "Find the caller or feature behind it: a launch, a loop, or a leaked key?",
            "Limit that caller, or add replicas; then look at the cost board.",
        ),
        lies="A launch or campaign is a surge too. The baseline knows only the last four weeks.",
        board="modelwatch-model",
        proof=Proof(
            row=LIMIT,
            where={"signal": "traffic_surge"},
            value=lambda facts: 2 * facts.limit,
            given=(
                Given(
                    metric=REQUESTS,
                    fires=lambda facts: 2 * facts.limit * PLENTY,
                    below=lambda facts: 0.99 * facts.limit * PLENTY,
                    quiet=few(),
                ),
                Given(
                    metric=BASELINE,
                    labels={"signal": "requests"},
                    fires=PLENTY,
                    quiet=lambda facts: few()(facts) / (2 * facts.limit),
                ),
            ),
        ),
    ),
    Alert(
        name="ModelSilent",
        signal="silent",
        signal_class=SignalClass.TRAFFIC,
        urgency=Urgency.NOW,
        needs=("requests",),
        condition=f"""
            {largest(limit("silent"), by=("model", "environment", "hold"))}
              unless {on()}
            {REQUESTS}
              unless {on()}
            {select(UNAVAILABLE, signal="requests")}
        """,
        labels=("hold",),
        hold=HOLD,
        summary="{{ $labels.model }} is declared, but no request of it has been measured for "
        "{{ $labels.hold }}: nothing watches it now.",
        description="There is no series of requests at all, not even one that stands still. The "
        "target is gone, the metric or the model was renamed, or the model was never started. "
        "Until it is back, every other alert of this model is blind.",
        action=(
            "On the targets page of Prometheus: is the model's target up?",
            "Search the target's page for the model's name: does it still match the inventory?",
            "After an engine upgrade, look for metrics that were renamed.",
        ),
        lies="A model behind a gateway may have no series until its first request after a restart. "
        "Models that answer no requests, such as batch jobs, should switch the limit off.",
        board="modelwatch-stack",
        proof=Proof(
            row=LIMIT,
            where={"signal": "silent"},
            value=lambda facts: facts.limit,
            # Without any traffic the series stands at zero, and the alert stays quiet.
            given=(Given(metric=REQUESTS, fires=0.0, below=1.0, quiet=0.0, absent_firing=True),),
        ),
    ),
    Alert(
        name="ModelUndeclared",
        signal="undeclared",
        signal_class=SignalClass.TRAFFIC,
        urgency=Urgency.SOON,
        scope=Scope.STACK,
        severity="ticket",
        condition=f"""
            {total(ENGINE_UNDECLARED, by=("job", "engine", "engine_model"))} > 0
        """,
        labels=("job", "engine", "engine_model"),
        hold="30m",
        summary='{{ $labels.engine_model }} gets {{ printf "%.1f" $value }} requests per second '
        "from job {{ $labels.job }}, but the inventory does not name it.",
        description="A scrape job of the inventory serves a model that no entry of the inventory "
        "names. Nobody owns it, and no alert, objective or budget covers it.",
        action=(
            "Find out who started it and add it to the inventory with a team and a price.",
            "If it is a new name of a known model, change `model:` of that model's source.",
            "If nobody should use it, take it away from the engine or gateway.",
        ),
        lies="Only jobs that the inventory names are seen: a model on an unknown server is not.",
        board="modelwatch-stack",
        proof=Proof(
            row=None,
            given=(
                Given(
                    metric=ENGINE_UNDECLARED,
                    identity=False,
                    labels={"job": "gateway", "engine": "litellm", "engine_model": "unknown"},
                    fires=0.5,
                    below=0.0,
                ),
            ),
            labels={"job": "gateway", "engine": "litellm", "engine_model": "unknown"},
            has_quiet=False,
        ),
    ),
]
