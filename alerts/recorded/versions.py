"""Versions: is the new version worse than the old one beside it?"""

from alerts.recorded.requests import COUNTED, FAILED
from alerts.recorded.windows import MID, events, per_second
from modelwatch.catalogue.metric import MODEL
from modelwatch.catalogue.recorded import (
    ENGINE_BUCKETS,
    ENGINE_REQUESTS,
    VERSION_ERROR_RATIO,
    VERSION_LATENCY,
    VERSION_REQUESTS,
)
from modelwatch.promql import largest, or_zero, ratio, select, total
from modelwatch.rules import Record, RecordGroup

_VERSION = (*MODEL, "version")
_BUCKETS = events(ENGINE_BUCKETS["request_duration"], over="30m")


def _requests(outcome: str) -> str:
    return total(events(select(ENGINE_REQUESTS, outcome=outcome), over="30m"), by=_VERSION)


GROUPS = (
    RecordGroup(
        name="modelwatch-versions-mid",
        interval=MID,
        records=(
            Record(
                metric=VERSION_REQUESTS,
                expr=total(per_second(ENGINE_REQUESTS, over="30m"), by=_VERSION),
            ),
            Record(
                metric=VERSION_ERROR_RATIO,
                expr=ratio(or_zero(_requests(FAILED), _requests(COUNTED)), _requests(COUNTED)),
            ),
            Record(
                metric=VERSION_LATENCY,
                expr=largest(
                    f"histogram_quantile(0.95, {total(_BUCKETS, by=(*_VERSION, 'engine', 'le'))})"
                    " >= 0",
                    by=_VERSION,
                ),
            ),
        ),
    ),
)
