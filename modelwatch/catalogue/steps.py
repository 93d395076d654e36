"""Recorded series on the way to others: only recording rules read them, people need not.

Names and layers are as in `recorded.py`.
"""

from modelwatch.catalogue.metric import MODEL, Layer, Metric

_IDENTITY = {
    Layer.MODEL: MODEL,
    Layer.SLO: (*MODEL, "slo"),
    Layer.BUDGET: ("budget", "environment"),
}


def _step(layer: Layer, name: str, unit: str, text: str, *labels: str) -> Metric:
    return Metric(
        name=f"{layer}:{name}",
        help=text,
        unit=unit,
        labels=(*_IDENTITY[layer], *labels),
        layer=layer,
    )


# Sampled every four minutes: what long windows sum, at a fraction of the cost.

COST_MONTHLY_SAMPLES = _step(
    Layer.MODEL,
    "cost_usd:rate5m_slow",
    "USD/s",
    "Spend, sampled every four minutes and named by the month it falls in.",
    "team",
    "month",
)
BUDGET_SAMPLES = _step(
    Layer.BUDGET,
    "cost_usd:rate5m_slow",
    "USD/s",
    "Spend, sampled every four minutes and named by the month and day it falls in (UTC).",
    "month",
    "day",
)
KPI_EVENTS_SAMPLES = _step(
    Layer.MODEL,
    "kpi_events:rate5m_slow",
    "events/s",
    "Events of the KPI, sampled every four minutes.",
    "kpi",
)
KPI_OPPORTUNITIES_SAMPLES = _step(
    Layer.MODEL,
    "kpi_opportunities:rate5m_slow",
    "events/s",
    "Events that the KPI is a share of, sampled every four minutes.",
    "kpi",
)
SLO_BAD_SLOW = _step(
    Layer.SLO,
    "bad:rate5m_slow",
    "events/s",
    "Events that break the objective, sampled every four minutes.",
)
SLO_TOTAL_SLOW = _step(
    Layer.SLO,
    "total:rate5m_slow",
    "events/s",
    "Events that count for the objective, sampled every four minutes.",
)

# Computed once, read by several rules.

SLO_GOOD = _step(
    Layer.SLO,
    "good:rate5m",
    "events/s",
    "Events in time, by engine: each has own buckets.",
    "engine",
)
SLO_BAD_PERIOD = _step(
    Layer.SLO, "bad:events_period", "events", "Bad events over the SLO window.", "window"
)
SLO_TOTAL_PERIOD = _step(
    Layer.SLO,
    "total:events_period",
    "events",
    "Events that count for the objective over the SLO window.",
    "window",
)
SLO_EXPECTED_PERIOD = _step(
    Layer.SLO,
    "expected:events_period",
    "events",
    "Events of a whole SLO window at the mean rate of what was seen of it.",
    "window",
)
SCORE_EVALUATED = _step(
    Layer.MODEL,
    "quality_evaluated:timestamp",
    "timestamp",
    "When the named score was last evaluated; remembered when the evaluator falls silent.",
    "score",
)
RETRIEVAL_BUCKETS = _step(
    Layer.MODEL,
    "retrieval_duration_seconds_bucket:rate5m",
    "events/s",
    "Buckets of retrieval time.",
    "le",
)
BUDGET_EVEN = _step(
    Layer.BUDGET,
    "even_spend_usd:rate",
    "USD/s",
    "Spend that uses up the budget exactly at the period's end.",
)
