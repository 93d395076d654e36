"""`/probe?target=NAME`: a fresh measurement of one declared probe, for who schedules it elsewhere.

Names only, never addresses: whoever reaches this door cannot make the exporter ask anything that
the inventory does not name, nor more often than the inventory says.
"""

from collections.abc import Callable, Mapping
from math import ceil

from exporters.base import rendering
from exporters.base.exporter import Door, Reply, Request
from exporters.probe.page import of_probe
from exporters.probe.runs import Runs
from exporters.probe.schedule import Schedule
from exporters.probe.tally import Run
from exporters.probe.targets import Target

_GRACE_S = 5.0
"""What a run may wait for its turn, beyond its own timeout."""
_REFUSED = {
    "gone": (404, "unknown", "the inventory does not declare this probe any more"),
    "cap": (429, "cap", "the cap of the day (UTC) is used up: the next request could pass it"),
    "backoff": (429, "busy", "the server asked for patience, or failed often: it is asked later"),
    "busy": (503, "busy", "no run has ended in time"),
    "state": (503, "failed", "spending cannot be written down: nothing is sent; see the log"),
    "fault": (500, "failed", "the probe itself broke; see the log"),
}
"""Status, reason as it is counted, and what is said, by why there is no run."""


def door(targets: Callable[[], Mapping[str, Target]], runs: Runs, schedule: Schedule) -> Door:
    """The door for these probes."""

    def answer(request: Request) -> Reply:
        name = request.query.get("target", "")
        target = targets().get(name)
        if target is None:
            return _refusal(
                404,
                "unknown",
                "the inventory declares no probe of this name; write /probe?target=NAME",
            )
        patience_s = float(target.probe.timeout.value) + _GRACE_S
        ended, seconds = schedule.run_now(target, patience_s)
        if not isinstance(ended, Run):
            status, reason, words = _REFUSED[ended]
            return _refusal(status, reason, words, wait_s=seconds)
        openmetrics = rendering.wants_openmetrics(request.headers.get("accept", ""))
        families = of_probe(target, runs.tally(target), runs)
        return Reply(
            body=rendering.render(families, openmetrics=openmetrics),
            content_type=rendering.CONTENT_TYPE_OPENMETRICS
            if openmetrics
            else rendering.CONTENT_TYPE_TEXT,
        )

    return Door(path="/probe", method="GET", answer=answer)


def _refusal(status: int, reason: str, words: str, *, wait_s: float = 0.0) -> Reply:
    return Reply(
        status=status,
        body=f"{words}\n".encode(),
        content_type="text/plain; charset=utf-8",
        headers={"Retry-After": str(ceil(wait_s))} if wait_s else {},
        reason=reason,
    )
