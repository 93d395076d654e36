"""Drift: has what the model sees moved further from its baseline than its limit, and than chance?

Statistics are recorded for every feature and window; which of them decides is the inventory's
choice, and the alerts'.
"""

from alerts.recorded import drift_distances, drift_floors
from alerts.recorded.windows import SLOW
from modelwatch.catalogue.drift import (
    DRIFT,
    DRIFT_FLOOR,
    DRIFT_OBSERVATIONS,
    DRIFT_SAMPLES,
    DRIFTED,
    FEATURE,
    RATES,
)
from modelwatch.catalogue.metric import MODEL, Metric
from modelwatch.catalogue.recorded import FLOOR_EVENTS, LIMIT
from modelwatch.promql import on, select
from modelwatch.rules import Record, RecordGroup

OWN_PAST = "week_before|recent_days"
"""`baseline` of distributions that are compared with their own past: these have a limit and alerts
of their own."""

_RATES = "|".join(RATES)
_WINDOW = (*FEATURE, "window")
_OF_FEATURE = (*MODEL, "feature_name", "method")


def _smallest(limits: str, by: tuple[str, ...]) -> str:
    return f"min by ({', '.join(by)}) ({limits})"


# Limits of several holds may stand for one statistic: the verdict is by the strictest.
_LIMIT_OF_FEATURE = _smallest(select(LIMIT, signal="drift", feature_name="!"), _OF_FEATURE)
_LIMIT_OF_ANY = _smallest(select(LIMIT, signal="drift", feature_name=""), (*MODEL, "method"))
_FEWEST = f"{on()} group_left () {select(FLOOR_EVENTS, signal='drift')}"


def _verdict(methods: str, counted: Metric) -> str:
    distance = select(DRIFT, method=methods, baseline=f"!~{OWN_PAST}")
    return f"""
        (
          {distance} > bool {on(*_OF_FEATURE)} group_left () {_LIMIT_OF_FEATURE}
          or
          {distance} > bool {on(*MODEL, "method")} group_left () {_LIMIT_OF_ANY}
        )
          * {on(*_WINDOW, "method")} ({distance} > bool {on(*_WINDOW, "method")} {DRIFT_FLOOR})
          * {on(*_WINDOW)} group_left () ({counted} >= bool {_FEWEST})
    """


GROUPS = (
    RecordGroup(
        name="modelwatch-drift-slow",
        interval=SLOW,
        records=(
            *drift_distances.RECORDS,
            *drift_floors.RECORDS,
            Record(
                metric=DRIFTED,
                # A value that is missing is no value: rates go by observations.
                expr=f"""
                    {_verdict(f"!~{_RATES}", DRIFT_SAMPLES)}
                    or
                    {_verdict(f"~{_RATES}", DRIFT_OBSERVATIONS)}
                """,
            ),
        ),
    ),
)
