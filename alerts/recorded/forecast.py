"""Forecasts: what does the newest one say of now, as long as it is valid?

A batch job writes them, and a file of it outlives the job: what is too old is dropped here.
"""

from alerts.recorded.windows import MID
from modelwatch.catalogue.forecast import (
    FORECAST,
    FORECAST_AGE,
    FORECAST_AT,
    FORECAST_LEFT,
    FORECAST_LOWER,
    FORECAST_LOWER_AT,
    FORECAST_MADE,
    FORECAST_UPPER,
    FORECAST_UPPER_AT,
    FORECAST_VALID_UNTIL,
    OUTLIERS,
    OUTLIERS_EXPECTED,
    OUTLIERS_FOUND,
    OUTLIERS_SET,
)
from modelwatch.catalogue.metric import Metric
from modelwatch.promql import largest, on
from modelwatch.rules import Record, RecordGroup

_VALID = f"and {on()} {largest(FORECAST_VALID_UNTIL)} > time()"

# The hour that began and the one that comes, each by how near it is; hours have two digits.
_HOURS = """
    label_replace(
      count_values("hour", hour()) * scalar(1 - minute() / 60)
        or
      count_values("hour", (hour() + 1) % 24) * scalar(minute() / 60),
      "hour", "0$1", "hour", "(.)"
    )
"""


def _now(metric: Metric) -> str:
    """What was forecast for now: between two full hours in proportion."""
    return f"""
        sum by ({", ".join(FORECAST.labels)}) (
          {largest(metric, by=metric.labels)} * {on("hour")} group_left () {_HOURS}
        )
          {_VALID}
    """


def _valid(metric: Metric) -> str:
    return f"{largest(metric, by=metric.labels)} {_VALID}"


GROUPS = (
    RecordGroup(
        name="modelwatch-forecast-mid",
        interval=MID,
        records=(
            Record(metric=FORECAST, expr=_now(FORECAST_AT)),
            Record(metric=FORECAST_LOWER, expr=_now(FORECAST_LOWER_AT)),
            Record(metric=FORECAST_UPPER, expr=_now(FORECAST_UPPER_AT)),
            Record(metric=FORECAST_AGE, expr=f"time() - {largest(FORECAST_MADE)}"),
            Record(metric=FORECAST_LEFT, expr=f"{largest(FORECAST_VALID_UNTIL)} - time()"),
            Record(metric=OUTLIERS, expr=_valid(OUTLIERS_FOUND)),
            Record(metric=OUTLIERS_EXPECTED, expr=_valid(OUTLIERS_SET)),
        ),
    ),
)
