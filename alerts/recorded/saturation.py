"""Saturation: is there room for more, and do the targets answer?"""

from alerts.recorded.windows import FAST
from modelwatch.catalogue.inventory import SOURCE
from modelwatch.catalogue.probe import PROBE_ENGINE
from modelwatch.catalogue.recorded import (
    BATCH_SIZE_MEAN,
    ENGINE_BATCH_SIZE,
    ENGINE_KV_CACHE,
    ENGINE_PREEMPTIONS,
    ENGINE_RUNNING,
    ENGINE_WAITING,
    KV_CACHE,
    PREEMPTIONS,
    RUNNING,
    TARGETS_UP,
    WAITING,
)
from modelwatch.catalogue.stack import UP
from modelwatch.promql import largest, select, total
from modelwatch.rules import Record, RecordGroup


def _targets(count: str) -> str:
    """`sum` or `count` of the `up` of a model's targets: those named, else all of the job.

    A probe exporter that is down says nothing about the models that it probes.
    """
    own = {"engine": f"!{PROBE_ENGINE}"}
    by = ("job", "model", "environment")
    named = largest(select(SOURCE, own, instance="!"), by=(*by, "instance"))
    whole = largest(select(SOURCE, own, instance=""), by=by)
    return f"""
        sum by (model, environment) (
        {named} * on (job, instance) group_left () {count} by (job, instance) ({UP})
        or
        {whole} * on (job) group_left () {count} by (job) ({UP})
        )
    """


GROUPS = (
    RecordGroup(
        name="modelwatch-saturation",
        interval=FAST,
        records=(
            Record(metric=RUNNING, expr=total(ENGINE_RUNNING)),
            Record(metric=WAITING, expr=total(ENGINE_WAITING)),
            Record(metric=KV_CACHE, expr=largest(ENGINE_KV_CACHE)),
            Record(metric=PREEMPTIONS, expr=total(ENGINE_PREEMPTIONS)),
            Record(
                metric=BATCH_SIZE_MEAN,
                # An idle engine has no batches, and some say so with NaN.
                expr=f"avg by (model, environment) ({ENGINE_BATCH_SIZE} >= 0)",
            ),
            Record(metric=TARGETS_UP, expr=f"{_targets('sum')} / {_targets('count')}"),
        ),
    ),
)
