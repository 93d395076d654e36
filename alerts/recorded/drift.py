"""Drift: how far is what the model sees from its baseline?

The statistic and its noise floor are computed by the drift exporter; here they lose the labels of
whoever exposes them.
"""

from alerts.recorded.windows import MID
from modelwatch.catalogue.drift import DRIFT, DRIFT_FLOOR, DRIFT_NOISE_FLOOR, DRIFT_STATISTIC
from modelwatch.promql import largest
from modelwatch.rules import Record, RecordGroup

GROUPS = (
    RecordGroup(
        name="modelwatch-drift-mid",
        interval=MID,
        records=(
            Record(metric=DRIFT, expr=largest(DRIFT_STATISTIC, by=DRIFT.labels)),
            Record(metric=DRIFT_FLOOR, expr=largest(DRIFT_NOISE_FLOOR, by=DRIFT_FLOOR.labels)),
        ),
    ),
)
