"""Versions: how does the version before behave, at the same time as the new one?

The version seen longest within a day is the one before. Where several were seen equally long, as
after a day side by side, it is the best of them.
"""

from alerts.recorded.windows import MID
from modelwatch.catalogue.metric import Metric
from modelwatch.catalogue.recorded import (
    FLOOR_EVENTS,
    VERSION_BEFORE,
    VERSION_ERROR_RATIO,
    VERSION_LATENCY,
    VERSION_REQUESTS,
    VERSION_SEEN,
)
from modelwatch.promql import largest, on, seconds, select
from modelwatch.rules import Record, RecordGroup

SIGNALS = {"error_ratio": VERSION_ERROR_RATIO, "request_duration": VERSION_LATENCY}

_OF_VERSION = on("model", "environment", "version")
_NAMED = select(VERSION_REQUESTS, version="!")


def _before(metric: Metric) -> str:
    return f"""
        min by (model, environment) (
        {metric}
        and {_OF_VERSION}
        ({VERSION_SEEN} == {on()} group_left () {largest(VERSION_SEEN)})
        )
    """


GROUPS = (
    RecordGroup(
        name="modelwatch-version-before-mid",
        interval=MID,
        records=(
            Record(
                metric=VERSION_SEEN,
                # Ten minutes are enough to tell which came first, and a day of them is cheap.
                expr=f"""
                    count_over_time({_NAMED}[1d:10m])
                    and {_OF_VERSION}
                    {_NAMED} * {seconds("30m")}
                    >= {on()} group_left ()
                    {select(FLOOR_EVENTS, signal="version")}
                """,
            ),
            *(
                Record(metric=VERSION_BEFORE, expr=_before(metric), labels={"signal": signal})
                for signal, metric in SIGNALS.items()
            ),
        ),
    ),
)
