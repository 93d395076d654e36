"""Business: did a figure that the business counts on drop since last week?"""

from alerts.limits import limit
from modelwatch.catalogue.recorded import FLOOR_EVENTS, KPI, KPI_VOLUME, KPI_WEEK_BEFORE, LIMIT
from modelwatch.promql import on, seconds, select
from modelwatch.rules import HOLD, Alert, Facts, Given, Proof, SignalClass, Urgency

_OF_KPI = on("model", "environment", "kpi")

# The floor names the KPI in its label `score`.
_FLOOR = (
    f'label_replace({select(FLOOR_EVENTS, signal="kpi", score="!")}, "kpi", "$1", "score", "(.+)")'
)


def _few(facts: Facts) -> float:
    floor = facts.constant(FLOOR_EVENTS, signal="kpi", score=facts.labels["kpi"])
    return 0.9 * floor / 86400


ALERTS = [
    Alert(
        name="ModelKpiDropped",
        signal="kpi_drop",
        signal_class=SignalClass.BUSINESS,
        urgency=Urgency.WATCH,
        # A KPI that is a gauge has no volume, so too little of it is an exception, not a condition.
        condition=f"""
            1 - {KPI}
              / {_OF_KPI}
            ({KPI_WEEK_BEFORE} > 0)
              > {_OF_KPI} group_left (limit)
            {limit("kpi_drop")}
              unless {_OF_KPI}
            ({KPI_VOLUME} * {seconds("1d")} < {_OF_KPI} {_FLOOR})
        """,
        labels=("kpi", "limit"),
        hold=HOLD,
        keep_firing="30m",
        summary="The {{ $labels.kpi }} of {{ $labels.model }} is {{ $value | humanizePercentage }} "
        "lower than a week ago, over its limit of {{ $labels.limit }}.",
        description="The KPI over the last day against the same day of the week before has lost "
        "more than the limit of the inventory for the whole hold time.",
        action=(
            "Look for a new model version, prompt or ranking since last week.",
            "Compare quality, drift and latency of the model: did one of them change first?",
            "Ask the product team about campaigns, holidays and changes of the page.",
        ),
        lies="A holiday or campaign in either week moves a KPI without any fault of the model. "
        "After a week the drop is the past that is compared with, and the alert ends.",
        board="modelwatch-quality",
        proof=Proof(
            row=LIMIT,
            where={"signal": "kpi_drop"},
            reachable=lambda facts: facts.limit < 1,
            value=lambda facts: (1 + facts.limit) / 2,
            given=(
                Given(
                    metric=KPI,
                    labels={"kpi": "$kpi"},
                    fires=lambda facts: 0.4 * (1 - facts.limit) / 2,
                    below=lambda facts: 0.4 * (1 - 0.99 * facts.limit),
                ),
                Given(metric=KPI_WEEK_BEFORE, labels={"kpi": "$kpi"}, fires=0.4),
                Given(metric=KPI_VOLUME, labels={"kpi": "$kpi"}, fires=1000, quiet=_few),
            ),
        ),
    ),
]
