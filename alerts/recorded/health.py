"""Health: one number per model for the fleet board."""

from alerts.recorded.windows import FAST
from modelwatch.catalogue.drift import DRIFT_STATISTIC
from modelwatch.catalogue.exposed import KPI_VALUE, LAST_SUCCESS
from modelwatch.catalogue.inventory import MODEL_INFO
from modelwatch.catalogue.quality import QUALITY_SCORE
from modelwatch.catalogue.recorded import HEALTH, REQUESTS, RUNNING
from modelwatch.catalogue.stack import ALERTS
from modelwatch.promql import largest, on, select
from modelwatch.rules import Record, RecordGroup

SIGNS_OF_LIFE = (REQUESTS, RUNNING, QUALITY_SCORE, DRIFT_STATISTIC, KPI_VALUE, LAST_SUCCESS)
"""Any of these is data; a batch model has no requests, a fresh engine has none yet."""

_DECLARED = largest(MODEL_INFO)
_SILENT = "\n".join(f"unless {on()} {sign}" for sign in SIGNS_OF_LIFE)


def _firing(severity: str) -> str:
    alerts = select(ALERTS, alertstate="firing", severity=severity, modelwatch="true")
    return f"{_DECLARED} and {on()} {alerts}"


GROUPS = (
    RecordGroup(
        name="modelwatch-health",
        interval=FAST,
        records=(
            Record(
                metric=HEALTH,
                expr=f"""
                    3 * ({_DECLARED} {_SILENT})
                    or
                    2 * ({_firing("page")})
                    or
                    1 * ({_firing("ticket")})
                    or
                    0 * {_DECLARED}
                """,
            ),
        ),
    ),
)
