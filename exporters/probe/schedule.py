"""Runs the probes: one thread that watches the timetable, and few that send."""

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Protocol

from exporters.probe.pace import Timetable
from exporters.probe.tally import Run
from exporters.probe.targets import Target

_LONGEST_SLEEP_S = 60.0


class Runner(Protocol):
    """Sends one request of a probe; see `runs.Runs`."""

    def run(self, target: Target) -> Run | str:
        """The run, or the reason why nothing was sent."""

    def skip(self, target: Target, reason: str) -> None:
        """Count a run that was due and is not to happen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """How the newest run of a probe ended, and when by the schedule's clock."""

    target: Target
    run: Run | str
    at: float

    def is_of(self, target: Target) -> bool:
        """Whether it is a measurement of this probe as it is now."""
        return isinstance(self.run, Run) and self.target == target


class Schedule:
    """Starts each probe when it is due, at most `concurrency` of them at a time.

    Threads are daemons, so that a server that hangs cannot keep the exporter from ending.
    """

    def __init__(
        self,
        runner: Runner,
        *,
        concurrency: int,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._runner = runner
        self._concurrency = concurrency
        self._clock = clock
        self._timetable = Timetable(chance)
        self._changed = threading.Condition()
        self._orders: SimpleQueue[Target | None] = SimpleQueue()
        self._newest: dict[str, _Ended] = {}
        self._ends = False

    def set_targets(self, targets: Mapping[str, Target]) -> None:
        """Replace the probes; what is under way ends as it began."""
        with self._changed:
            self._timetable.set_targets(targets, self._clock())
            self._changed.notify_all()

    def start(self) -> None:
        """Begin; returns at once."""
        threads = [("probe-timetable", self._watch)]
        threads += [(f"probe-{number}", self._work) for number in range(self._concurrency)]
        for name, work in threads:
            threading.Thread(target=work, name=name, daemon=True).start()

    def stop(self) -> None:
        """Start nothing more. Requests under way are left alone: they are paid for on disk."""
        with self._changed:
            self._ends = True
            self._changed.notify_all()
        for _ in range(self._concurrency):
            self._orders.put(None)

    def run_now(self, target: Target, patience_s: float) -> tuple[Run | str, float]:
        """A run and how old it is; whoever asks while one goes on gets that one.

        Instead of a run it is a reason: of the runner, `backoff` with the seconds that the server
        wants to be left alone still, `gone` when it is no probe any more, or `busy` when no run has
        ended within `patience_s`.
        """
        began = self._clock()
        with self._changed:
            newest = self._newest.get(target.name)
            if newest and newest.is_of(target) and began - newest.at < target.every_s:
                return newest.run, began - newest.at
            reason = self._timetable.begin(target.name, began)
            if reason == "gone":
                return reason, 0.0
            if reason == "backoff":
                return reason, self._timetable.waits_s(target.name, began)
            if not reason:
                self._orders.put(target)
            there = self._changed.wait_for(
                lambda: self._ends or self._newest.get(target.name) is not newest,
                timeout=patience_s,
            )
            if self._ends or not there:
                return "busy", 0.0
            newest = self._newest[target.name]
            return newest.run, self._clock() - newest.at

    def _watch(self) -> None:
        with self._changed:
            while not self._ends:
                now = self._clock()
                for target, reason in self._timetable.due(now):
                    if reason:
                        self._runner.skip(target, reason)
                    else:
                        self._orders.put(target)
                due = self._timetable.next_due()
                sleep = _LONGEST_SLEEP_S if due is None else due - self._clock()
                self._changed.wait(min(max(sleep, 0.0), _LONGEST_SLEEP_S))

    def _work(self) -> None:
        while (target := self._orders.get()) is not None and not self._ends:
            ended: Run | str = "fault"
            try:
                ended = self._runner.run(target)
            finally:
                self._note(target, ended)

    def _note(self, target: Target, ended: Run | str) -> None:
        with self._changed:
            now = self._clock()
            measured = ended.measured if isinstance(ended, Run) else None
            self._timetable.ended(target.name, measured, now)
            self._newest[target.name] = _Ended(target=target, run=ended, at=now)
            self._changed.notify_all()
