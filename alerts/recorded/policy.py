"""Policy: who is told of an alert, and how urgently?

One row per subject, whatever the inventory's series say: two rows on the "one" side of a join would
fail the rule for every model, so `topk` keeps one where two exporters disagree.
"""

from alerts.recorded.windows import MID
from modelwatch.catalogue.inventory import BUDGET_INFO, MODEL_INFO, POOL_INFO, SEVERITY
from modelwatch.catalogue.metric import Metric
from modelwatch.catalogue.recorded import ALERT_POLICY, BUDGET_POLICY, POOL_POLICY
from modelwatch.promql import select
from modelwatch.rules import IDENTITY, Record, RecordGroup, Scope, Urgency


def _policy(metric: Metric, subjects: Metric, scope: Scope, urgency: Urgency) -> Record:
    """Every subject with the severity that its policy gives an alert of this urgency."""
    kept = ", ".join(label for label in metric.labels if label != "urgency")
    severity = select(SEVERITY, urgency=str(urgency))
    return Record(
        metric=metric,
        labels={"urgency": str(urgency)},
        expr=f"""
            max by ({kept}) (
            topk by ({", ".join(IDENTITY[scope])}) (1, {subjects})
            * on (policy) group_left (severity)
            topk by (policy) (1, max by (policy, severity) ({severity}))
            )
        """,
    )


_SUBJECTS = (
    (ALERT_POLICY, MODEL_INFO, Scope.MODEL),
    (POOL_POLICY, POOL_INFO, Scope.POOL),
    (BUDGET_POLICY, BUDGET_INFO, Scope.BUDGET),
)

GROUPS = (
    RecordGroup(
        name="modelwatch-policy-mid",
        interval=MID,
        records=tuple(
            _policy(metric, subjects, scope, urgency)
            for metric, subjects, scope in _SUBJECTS
            for urgency in Urgency
        ),
    ),
)
