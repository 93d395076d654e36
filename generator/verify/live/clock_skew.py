"""Clocks: does everybody who writes a time live in the same one?"""

from collections.abc import Iterator

from compose.doctor import MOST_SKEW_S
from generator.verify.finding import Finding, Verification
from generator.verify.live.asked import jobs, named, now, one_of, or_a_note
from generator.verify.live.context import LiveContext
from modelwatch.catalogue import metrics
from modelwatch.catalogue.metric import Layer
from modelwatch.promql import select

_NAME = "clock-skew"
_KEEP_TIME = "let both machines keep time (systemd-timesyncd, chrony)"
_STARTED = "process_start_time_seconds"


@or_a_note(_NAME)
def check(context: LiveContext) -> Verification:
    """Compare our clock with that of Prometheus, and that one with times on pages."""
    told = named(
        metric.name
        for metric in metrics()
        if metric.layer is Layer.EXPOSED and metric.unit == "timestamp" and "_last_" in metric.name
    )
    started = select(_STARTED, job=one_of(jobs(context.inventory)))
    future = f"max by (job, instance) ({told} or {started}) - time() > {MOST_SKEW_S:.0f}"
    return Verification(
        findings=(
            *_of_prometheus(context),
            *(
                Finding(
                    level="warning",
                    check=_NAME,
                    subject=f"target {one.labels.get('instance', '')} of job "
                    f"{one.labels.get('job', '')}",
                    message=f"tells a time that is {one.values[0]:.0f} s in the future",
                    advice=_KEEP_TIME,
                    reason="target-ahead",
                )
                for one in now(context, future)
            ),
        ),
        checked={_NAME: 2},
    )


def _of_prometheus(context: LiveContext) -> Iterator[Finding]:
    before = context.clock()
    theirs = context.prometheus.clock()
    skew = theirs - (before + context.clock()) / 2
    if abs(skew) > MOST_SKEW_S:
        yield Finding(
            level="warning",
            check=_NAME,
            subject="this Prometheus",
            message=f"its clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} ours: "
            "ages, budgets and working hours are wrong by as much",
            advice=_KEEP_TIME,
            reason="ahead" if skew > 0 else "behind",
        )


CHECK = check
