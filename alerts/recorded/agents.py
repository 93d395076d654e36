"""Agents: do their tools work, and how many steps do they take?"""

from alerts.recorded.windows import FAST, MID
from modelwatch.catalogue.quality import AGENT_STEPS_TOTAL, TOOL_CALLS_TOTAL
from modelwatch.catalogue.recorded import AGENT_STEPS, REQUESTS_1H, TOOL_CALLS
from modelwatch.promql import rate, ratio, total
from modelwatch.rules import Record, RecordGroup

GROUPS = (
    RecordGroup(
        name="modelwatch-agents",
        interval=FAST,
        records=(
            Record(metric=TOOL_CALLS, expr=total(rate(TOOL_CALLS_TOTAL), by=TOOL_CALLS.labels)),
        ),
    ),
    RecordGroup(
        name="modelwatch-agents-mid",
        interval=MID,
        records=(
            Record(
                metric=AGENT_STEPS,
                expr=ratio(total(rate(AGENT_STEPS_TOTAL, over="1h")), f"{REQUESTS_1H}"),
            ),
        ),
    ),
)
