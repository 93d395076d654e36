"""Versions: how certain is it that one scores worse than the version before it?

The version before is the one that was judged longest within a day. Evaluations come by the hour or
in batches, so both are measured over that day, at the same time or one after the other; bounds
instead of shares, since a new version has few judgements at first.
"""

from alerts.recorded.quality import wilson
from alerts.recorded.windows import SLOW, events
from modelwatch.catalogue.inventory import THRESHOLD
from modelwatch.catalogue.quality import QUALITY_JUDGEMENTS_TOTAL, QUALITY_LAST_EVALUATION
from modelwatch.catalogue.version_scores import (
    VERSION_BAD_BEFORE,
    VERSION_BAD_LOWER_BOUND,
    VERSION_JUDGEMENTS,
    VERSION_JUDGEMENTS_1D,
)
from modelwatch.promql import largest, on, or_zero, rate, select, total
from modelwatch.rules import Record, RecordGroup

_SCORE = ("model", "environment", "score")
_VERSION = (*_SCORE, "version")

_JUDGED = f"({total(VERSION_JUDGEMENTS_1D, by=_VERSION)} > 0)"
_BAD = or_zero(total(select(VERSION_JUDGEMENTS_1D, verdict="bad"), by=_VERSION), _JUDGED)

# One that is judged no more was rolled back, or is the one before.
_CURRENT = f"""
    time() - {largest(select(QUALITY_LAST_EVALUATION, version="!"), by=_VERSION)}
    <= {on(*_SCORE)} group_left () {largest(select(THRESHOLD, signal="evaluation_age"), by=_SCORE)}
"""
_SEEN = largest(f"count_over_time({VERSION_JUDGEMENTS}[1d])", by=_VERSION)
_LONGEST = f"({_SEEN} == {on(*_SCORE)} group_left () max by ({', '.join(_SCORE)}) ({_SEEN}))"

GROUPS = (
    RecordGroup(
        name="modelwatch-version-scores-slow",
        interval=SLOW,
        records=(
            Record(
                metric=VERSION_JUDGEMENTS,
                expr=total(
                    rate(QUALITY_JUDGEMENTS_TOTAL, where={"version": "!"}),
                    by=VERSION_JUDGEMENTS.labels,
                ),
            ),
            Record(
                metric=VERSION_JUDGEMENTS_1D,
                expr=events(VERSION_JUDGEMENTS, over="1d", every=SLOW),
            ),
            Record(
                metric=VERSION_BAD_LOWER_BOUND,
                expr=f"{wilson(_BAD, _JUDGED, '-')} and {on(*_VERSION)} ({_CURRENT})",
            ),
            Record(
                metric=VERSION_BAD_BEFORE,
                expr=f"""
                    min by ({", ".join(_SCORE)}) (
                    {wilson(_BAD, _JUDGED, "+")}
                    and {on(*_VERSION)}
                    {_LONGEST}
                    )
                """,
            ),
        ),
    ),
)
