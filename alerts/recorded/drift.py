"""Drift: has what the model sees moved further from its baseline than its limit, and than chance?

Statistics are recorded for every feature and window; which of them decides is the inventory's
choice. Drift is found where two neighbouring windows agree.
"""

from alerts.recorded import drift_distances, drift_floors
from alerts.recorded.windows import SLOW
from modelwatch.catalogue.drift import (
    BASELINE_AGE,
    DRIFT,
    DRIFT_BASELINE_CREATED,
    DRIFT_FLOOR,
    DRIFT_FOUND,
    DRIFT_OBSERVATIONS,
    DRIFT_SAMPLES,
    DRIFTED,
    DRIFTED_FEATURES,
    DRIFTED_SHARE,
    FEATURE,
    RATES,
)
from modelwatch.catalogue.inventory import DRIFT_FEATURE, DRIFT_METHOD
from modelwatch.catalogue.metric import MODEL, Metric
from modelwatch.catalogue.recorded import FLOOR_EVENTS, LIMIT
from modelwatch.promql import largest, on, select
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


def _agreed(**where: str) -> str:
    """Drift in six hours and in one of the windows beside; a statistic without one stands alone."""
    six_hours = select(DRIFTED, where, window="6h")
    beside = select(DRIFTED, where, window="~1h|1d")
    return f"""(
        ({six_hours} == 1 and {on(*FEATURE, "method")} {beside} == 1)
        or
        {select(DRIFTED, where, window="")} == 1
    )"""


# Some statistics need an order, which categories do not have: there the PSI decides.
_DECIDES = f"{on(*MODEL, 'method')} {DRIFT_METHOD}"
_FOUND = f"""
    {DRIFT} and {on(*_WINDOW, "method")} (
      ({_agreed()} and {_DECIDES})
      or
      ({_agreed(method="psi")}
        unless {on(*FEATURE)}
      ({select(DRIFT, method=f"!~{_RATES}")} and {_DECIDES})))
"""

_OF_NAME = (*MODEL, "feature_name")
_WATCHED = f"count by ({', '.join(MODEL)}) (group by ({', '.join(_OF_NAME)}) ({DRIFT_FEATURE}))"
_HOW_MANY = f"""
    count by ({", ".join(MODEL)}) (
      group by ({", ".join(_OF_NAME)}) ({DRIFT_FOUND} and {on(*_OF_NAME)} {DRIFT_FEATURE}))
    or
    0 * {_WATCHED}
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
            Record(metric=DRIFT_FOUND, expr=_FOUND),
            Record(metric=DRIFTED_FEATURES, expr=_HOW_MANY),
            Record(metric=DRIFTED_SHARE, expr=f"{DRIFTED_FEATURES} / {on()} {_WATCHED}"),
            Record(
                metric=BASELINE_AGE,
                expr=f"time() - {largest(DRIFT_BASELINE_CREATED, by=BASELINE_AGE.labels)}",
            ),
        ),
    ),
)
