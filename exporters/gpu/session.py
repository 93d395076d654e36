"""NVML opened, and opened again when the driver was reloaded or a card has come back."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from exporters.gpu.library import CardDownError, DriverDownError, Library
from modelwatch.problems import Unreachable

_LOG = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
"""Between tries to open a driver that is not there; doubled after each."""

LOOK_AGAIN_AFTER_S = 60.0
"""NVML counts cards when it is opened: one that was reset is seen after opening it anew only."""

WAIT_FOR_EVENTS_S = 2.0
"""How long closing waits for the thread of the events, which looks up several times a second."""


class Session:
    """NVML as it is now. `generation` rises each time that it is opened: old handles are dead."""

    def __init__(self, library: Library, clock: Callable[[], float] = time.monotonic) -> None:
        self.library = library
        self.generation = 0
        self.closing = False
        self._clock = clock
        self._open = False
        self._opened_at = 0.0
        self._problem = "not opened yet"
        self._pause_s = FIRST_PAUSE_S
        self._try_at = 0.0
        self._lock = threading.Lock()
        self._waiting = threading.Lock()

    def ready(self) -> None:
        """Open NVML where it is not; after a failure, not before a pause is over.

        Raises:
            Unreachable: it cannot be used now; the message says why.
        """
        with self._lock:
            if self._open:
                return
            if self._clock() < self._try_at:
                raise Unreachable(self._problem)
            try:
                self.library.call("nvmlInit")
            except Exception as problem:  # a driver that is not there is told, never fatal
                self._failed(problem)
                raise Unreachable(self._problem) from problem
            self._open = True
            self._opened_at = self._clock()
            self._pause_s, self._try_at = FIRST_PAUSE_S, 0.0
            self.generation += 1

    def _failed(self, problem: Exception) -> None:
        text = f"NVML cannot be used: {problem or type(problem).__name__}"
        if isinstance(problem, DriverDownError) and "mismatch" in str(problem):
            text += "; the driver was replaced under it: restart this exporter"
        self._problem = text
        self._try_at = self._clock() + self._pause_s
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    def lose(self, generation: int, why: str) -> None:
        """Close it, because the driver is gone; the next `ready` opens it again."""
        with self._lock:
            if self._open and generation == self.generation:
                _LOG.warning("the driver is gone: %s", why)
                self._close()

    def look_again(self) -> None:
        """Close it so that all cards are counted anew, if that was not done a moment ago."""
        with self._lock:
            if self._open and self._clock() - self._opened_at >= LOOK_AGAIN_AFTER_S:
                self._close()

    def _close(self) -> None:
        """Nothing may wait for events meanwhile: NVML would pull the ground from under it."""
        self._open = False
        self.closing = True
        try:
            if self._waiting.acquire(timeout=WAIT_FOR_EVENTS_S):
                try:
                    self.library.call("nvmlShutdown")
                finally:
                    self._waiting.release()
            else:
                _LOG.warning("a wait for events hangs: NVML is opened again without closing it")
        except (self.library.module.NVMLError, CardDownError, DriverDownError) as problem:
            _LOG.info("nvmlShutdown: %s", problem)  # of a driver that is gone: nothing to close
        finally:
            self.closing = False

    @contextmanager
    def kept_open(self, generation: int) -> Iterator[bool]:
        """NVML stays open inside; false if it is not that generation any more."""
        with self._waiting:
            yield self._open and generation == self.generation
