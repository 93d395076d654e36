"""Promises: how many bad events does each objective allow, over how long, and from how many on?"""

from alerts.recorded.windows import MID
from modelwatch.catalogue.inventory import FLOOR, SLO_OBJECTIVE, SLO_WINDOW
from modelwatch.catalogue.recorded import FLOOR_EVENTS, SLO_ALLOWED, SLO_DAYS, SLO_FLOOR
from modelwatch.promql import largest, on, select
from modelwatch.rules import Record, RecordGroup

_SLO = ("model", "environment", "slo")
_ONE_EACH = f"topk by ({', '.join(_SLO)}) (1, {SLO_OBJECTIVE})"
_ALLOWED = f"1 - {largest(_ONE_EACH, by=SLO_ALLOWED.labels)}"

# The days of a promise stay that under a time compression: no `seconds()`.
_WINDOW_DAYS = f"{largest(SLO_WINDOW, by=('window',))} / 86400"
_DAYS = largest(f"{_ONE_EACH} * 0 + on (window) group_left () ({_WINDOW_DAYS})", by=_SLO)

_OWN_FLOOR = largest(select(FLOOR, signal="slo", slo="!"), by=_SLO)
_MODEL_FLOOR = largest(select(FLOOR_EVENTS, signal="slo"))
_FLOOR = f"""
    ({_OWN_FLOOR} and {on(*_SLO)} {SLO_OBJECTIVE})
    or
    0 * {largest(SLO_OBJECTIVE, by=_SLO)} + {on()} group_left () {_MODEL_FLOOR}
"""

GROUPS = (
    RecordGroup(
        name="modelwatch-promises-mid",
        interval=MID,
        records=(
            Record(metric=SLO_ALLOWED, expr=_ALLOWED),
            Record(metric=SLO_DAYS, expr=_DAYS),
            Record(metric=SLO_FLOOR, expr=_FLOOR),
        ),
    ),
)
