"""Share of time in which heat or power held the clocks back, over the last five minutes."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from exporters.gpu.facts import Fact
from modelwatch.catalogue.gpu import GPU_EXPORTER_THROTTLE_REASON, GPU_EXPORTER_THROTTLED_SECONDS

WINDOW_S = 300.0
TIMED = {("power",), ("thermal",)}
"""Reasons whose seconds count, where the driver adds them up."""

FLAGGED = {
    ("sw_power_cap",),
    ("sw_thermal_slowdown",),
    ("hw_thermal_slowdown",),
    ("hw_power_brake_slowdown",),
}
"""Reasons that count where it does not: then the share is of scrapes, not of time."""


@dataclass(frozen=True, slots=True)
class _Moment:
    at: float
    seconds: float | None
    flag: float | None


class Throttling:
    """What was seen of each card in the window. One scraper or ten give the same share."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[_Moment]] = {}

    def ratio(self, gpu: str, now: float, facts: Iterable[Fact]) -> float | None:
        """The share, or None before there are two moments to compare."""
        moment = _moment(now, list(facts))
        seen = self._seen.setdefault(gpu, deque())
        if seen and _restarted(seen[-1], moment):
            seen.clear()  # the driver was loaded again, or says less than before
        seen.append(moment)
        while len(seen) > 2 and seen[1].at <= now - WINDOW_S:
            seen.popleft()
        return _share(seen)


def _moment(now: float, facts: list[Fact]) -> _Moment:
    seconds = [
        fact.value
        for fact in facts
        if fact.metric is GPU_EXPORTER_THROTTLED_SECONDS and fact.own in TIMED
    ]
    flags = [
        fact.value
        for fact in facts
        if fact.metric is GPU_EXPORTER_THROTTLE_REASON and fact.own in FLAGGED
    ]
    return _Moment(now, sum(seconds) if seconds else None, max(flags, default=None))


def _restarted(last: _Moment, moment: _Moment) -> bool:
    if last.seconds is None or moment.seconds is None:
        return last.seconds is not moment.seconds
    return moment.seconds < last.seconds


def _share(seen: deque[_Moment]) -> float | None:
    first, last = seen[0], seen[-1]
    if last.at <= first.at:
        return None
    if first.seconds is not None and last.seconds is not None:
        return min(1.0, (last.seconds - first.seconds) / (last.at - first.at))
    flags = [moment.flag for moment in seen if moment.flag is not None]
    return sum(flags) / len(flags) if flags else None
