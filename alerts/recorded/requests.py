"""Requests: how many, and how many of them fail?"""

from alerts.recorded.windows import FAST, MID, events, per_second
from modelwatch.catalogue import FAILURES
from modelwatch.catalogue.recorded import (
    ENGINE_REQUESTS,
    ERROR_RATIO,
    ERROR_RATIO_1H,
    ERRORS,
    REQUESTS,
    REQUESTS_1H,
    REQUESTS_BY_OUTCOME,
    REQUESTS_COUNTED,
)
from modelwatch.promql import or_zero, ratio, select, total
from modelwatch.rules import Record, RecordGroup

FAILED = f"~{'|'.join(FAILURES)}"
COUNTED = f"~{'|'.join(('success', *FAILURES))}"
"""Outcomes that say something about the model rather than about its callers."""


def _of_outcomes(outcomes: str) -> str:
    """Their rate; zero for a model of which such a request was never seen."""
    found = total(select(REQUESTS_BY_OUTCOME, outcome=outcomes))
    return or_zero(found, total(REQUESTS_BY_OUTCOME))


GROUPS = (
    RecordGroup(
        name="modelwatch-requests",
        interval=FAST,
        records=(
            Record(
                metric=REQUESTS_BY_OUTCOME,
                expr=total(ENGINE_REQUESTS, by=REQUESTS_BY_OUTCOME.labels),
            ),
            Record(metric=REQUESTS, expr=total(REQUESTS_BY_OUTCOME)),
            Record(metric=ERRORS, expr=total(select(REQUESTS_BY_OUTCOME, outcome=FAILED))),
            Record(metric=REQUESTS_COUNTED, expr=_of_outcomes(COUNTED)),
            Record(metric=ERROR_RATIO, expr=ratio(f"{ERRORS}", f"{REQUESTS_COUNTED}")),
        ),
    ),
    RecordGroup(
        name="modelwatch-requests-mid",
        interval=MID,
        records=(
            Record(metric=REQUESTS_1H, expr=per_second(REQUESTS, over="1h")),
            Record(
                metric=ERROR_RATIO_1H,
                expr=ratio(events(ERRORS, over="1h"), events(REQUESTS_COUNTED, over="1h")),
            ),
        ),
    ),
)
