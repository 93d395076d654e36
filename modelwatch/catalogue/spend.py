"""What the inventory exporter works out: spend by the calendar of each budget, and series.

Its other metrics are the inventory's own, see `inventory.py`.
"""

from modelwatch.catalogue.metric import Layer, Metric


def _of_budget(name: str, unit: str, text: str) -> Metric:
    return Metric(
        name=f"modelwatch_budget_{name}",
        help=text,
        unit=unit,
        labels=("budget", "environment"),
        layer=Layer.EXPOSED,
    )


CALENDAR_SPENT = _of_budget(
    "spent_usd",
    "USD",
    "Spend since the budget's period began, at midnight in its time zone, of the time that was "
    "observed.",
)
CALENDAR_FORECAST = _of_budget(
    "forecast_usd",
    "USD",
    "Spend at the end of the period if what is left of it goes as the same hours of the last seven "
    "days did, or as the period so far where there is no such history.",
)
CALENDAR_OBSERVED = _of_budget(
    "observed_ratio",
    "ratio",
    "Share of the period so far in which spend was recorded: less than 1 after an outage, or where "
    "Prometheus keeps less than the period.",
)
CALENDAR_START = _of_budget(
    "period_start_timestamp_seconds",
    "timestamp",
    "When the period began, in seconds since 1970.",
)
CALENDAR_END = _of_budget(
    "period_end_timestamp_seconds",
    "timestamp",
    "When the period ends, in seconds since 1970.",
)
SERIES_PRESENT = Metric(
    name="modelwatch_series_present",
    help="Series that are there, to be compared with the prediction; `part` is `total`, of it "
    "`recorded`, `constants` and `alerts`, or a job that is scraped for the inventory.",
    unit="series",
    labels=("part",),
    layer=Layer.EXPOSED,
)
