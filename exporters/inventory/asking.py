"""Asks Prometheus every minute, beside the scrapes, and keeps the answer for a few minutes.

One that does not answer is asked again sooner: both may just have been started together.
"""

import logging
import math
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from exporters.inventory.present import present
from exporters.inventory.prometheus import Prometheus
from exporters.inventory.spending import Spend, spend
from modelwatch.inventory import Budget
from modelwatch.problems import Unreachable

_LOG = logging.getLogger(__name__)

EVERY_S = 60.0
AGAIN_AFTER_S = 3.0
"""After the first failure; doubled with each further one, up to the interval."""
JITTER = 0.1
"""Share of the interval by which rounds are spread: exporters started together drift apart."""
_AFTER_S = 0.2
"""Time after midnight at which the new period is asked for."""
MISSED = 3
"""Rounds after which an answer is too old to be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """What an inventory wants to know. `jobs` are those scraped for it."""

    budgets: tuple[Budget, ...] = ()
    jobs: frozenset[str] = frozenset()
    constants: int = 0
    time_compression: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What Prometheus said in one round. `began` is on the monotonic clock."""

    spends: Mapping[str, Spend] = field(default_factory=dict)
    series: Mapping[str, float] = field(default_factory=dict)
    began: float


@dataclass(slots=True, kw_only=True)
class Asking:
    """The rounds, in a thread of their own: a scrape never waits for Prometheus."""

    prometheus: Prometheus
    questions: Questions
    every_s: float = EVERY_S
    clock: Callable[[], float] = time.time
    _answers: Answers | None = None
    _problem: Unreachable | None = None
    _failures: int = 0
    _changed: threading.Event = field(default_factory=threading.Event)
    _ends: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Begin with the first round at once."""
        # A daemon, so that a query under way does not hold up the end.
        threading.Thread(target=self._go_on, name="asks-prometheus", daemon=True).start()

    def stop(self) -> None:
        """No further round."""
        self._ends.set()
        self._changed.set()

    def ask(self, questions: Questions) -> None:
        """Other questions from now on; answers to the old ones stay until they are answered."""
        self.questions = questions
        self._changed.set()

    def answers(self) -> Answers | None:
        """The last answers; none when they are too old, or there were none yet."""
        found = self._answers
        age_s = time.monotonic() - found.began if found else 0.0
        return found if found and age_s <= MISSED * self.every_s else None

    def problem(self) -> Unreachable | None:
        """Why the last round failed, if it did."""
        return self._problem

    def round(self) -> None:
        """Ask everything once."""
        questions, began, at = self.questions, time.monotonic(), self.clock()
        try:
            answers = Answers(
                spends=spend(
                    self.prometheus,
                    questions.budgets,
                    at,
                    time_compression=questions.time_compression,
                ),
                series=present(self.prometheus, questions.jobs, questions.constants, at),
                began=began,
            )
        except Unreachable as problem:
            self._problem = problem
            self._failures += 1
            return
        self._answers, self._problem, self._failures = answers, None, 0

    def _go_on(self) -> None:
        while not self._ends.is_set():
            self._changed.clear()
            try:
                self.round()
            except Exception as bug:  # noqa: BLE001  # without its thread all would stay stale
                _LOG.exception("asking Prometheus failed")
                self._problem = Unreachable(f"asking Prometheus failed: {type(bug).__name__}")
            self._changed.wait(self._pause_s())

    def _pause_s(self) -> float:
        """Until the next round: an interval, or less after a failure or where a period ends."""
        spread = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  # no secret
        if self._failures:
            return min(self.every_s, AGAIN_AFTER_S * 2.0 ** min(self._failures - 1, 10)) * spread
        spends = self._answers.spends.values() if self._answers else ()
        ends = min((spend.period.end for spend in spends), default=math.inf) - self.clock()
        return min(self.every_s * spread, ends + _AFTER_S if ends > 0 else math.inf)
