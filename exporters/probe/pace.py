"""When each probe is due: spread, jittered, one run at a time, patient with who asks for it.

Numbers in, numbers out: times are seconds of whatever clock the caller has, and nothing sleeps.
"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from exporters.probe.measuring import Measured
from exporters.probe.targets import Target

SPREAD_S = 60.0
"""All probes run once within this time after a start, or within their own interval."""
JITTER = 0.1
"""Share of its interval by which a run comes earlier or later, half of it each way."""
FAILURES_AT_FULL_PACE = 5
"""That many failures in a row are seen at the usual pace: enough for an alert to be sure."""
SLOWEST_S = 300.0
"""Failing probes are slowed down to this at the most: an outage, and its end, are seen in time."""
LONGEST_PATIENCE_S = 3600.0
"""A server that asks for more with Retry-After is asked again after this."""


@dataclass(slots=True, kw_only=True)
class _Pace:
    """Where one probe stands; `resume_at` is when a server that asked for patience gets more."""

    target: Target
    due_at: float
    resume_at: float = 0.0
    failures: int = 0


class Timetable:
    """The paces of all probes. Not thread safe: its owner holds a lock."""

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._paces: dict[str, _Pace] = {}
        self._running: set[str] = set()

    def set_targets(self, targets: Mapping[str, Target], now: float) -> None:
        """Replace the probes; those that are unchanged keep their pace."""
        known = self._paces
        self._paces = {
            name: known[name]
            if name in known and known[name].target == target
            else _Pace(target=target, due_at=now + _head_start(target))
            for name, target in targets.items()
        }

    def due(self, now: float) -> list[tuple[Target, str]]:
        """What is due, each with why it is skipped, empty for those that run from now on."""
        found = []
        for name, pace in self._paces.items():
            if pace.due_at > now:
                continue
            pace.due_at = self._next(pace, now)
            reason = self._reason(name, pace, now)
            if not reason:
                self._running.add(name)
            found.append((pace.target, reason))
        return found

    def begin(self, name: str, now: float) -> str:
        """Start a run out of turn; the reason why not, empty when it runs from now on."""
        pace = self._paces.get(name)
        if pace is None:
            return "gone"
        reason = self._reason(name, pace, now)
        if not reason:
            self._running.add(name)
            # The regular run that comes next is not needed twice.
            pace.due_at = self._next(pace, now)
        return reason

    def ended(self, name: str, measured: Measured | None, now: float) -> None:
        """A run is over; without a measurement nothing was sent."""
        self._running.discard(name)
        pace = self._paces.get(name)
        if pace is None or measured is None:
            return
        pace.failures = 0 if measured.outcome == "success" else pace.failures + 1
        pace.resume_at = now + _patience(pace, measured)

    def next_due(self) -> float | None:
        """When something is due next."""
        return min((pace.due_at for pace in self._paces.values()), default=None)

    def waits_s(self, name: str, now: float) -> float:
        """How long the server wants to be left alone still."""
        return max(0.0, self._paces[name].resume_at - now)

    def _reason(self, name: str, pace: _Pace, now: float) -> str:
        if name in self._running:
            return "busy"
        return "backoff" if now < pace.resume_at else ""

    def _next(self, pace: _Pace, now: float) -> float:
        """One interval on. Runs that were missed while the machine slept are not made up for."""
        every = pace.target.every_s
        due = pace.due_at if pace.due_at > now - every else now
        return max(due, now) + every * (1 - JITTER / 2 + JITTER * self._chance())


def _head_start(target: Target) -> float:
    """The same for a name each time, so that probes stay apart after a restart."""
    fraction = zlib.crc32(target.name.encode()) / 2**32
    return fraction * min(target.every_s, SPREAD_S)


def _patience(pace: _Pace, measured: Measured) -> float:
    """How long no run is to start, from the end of this one."""
    if measured.outcome == "success":
        return 0.0
    if measured.retry_after_s is not None:
        return min(max(measured.retry_after_s, 0.0), LONGEST_PATIENCE_S)
    tried = (
        pace.failures
        if measured.outcome == "rate_limited"
        else (pace.failures - FAILURES_AT_FULL_PACE)
    )
    if tried <= 0:
        return 0.0
    every = pace.target.every_s
    # Doubling; ten times are more than the limit ever needs. A little less than whole intervals,
    # so that jitter does not cost one more run.
    wanted = every * 2.0 ** min(tried, 10)
    return max(0.0, min(wanted, max(SLOWEST_S, every)) - every * (1 / 2 + JITTER))
