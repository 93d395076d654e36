"""Threads that do what must not hold up the server, with a queue that ends somewhere."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from exporters.base.intake import Refused

Result = TypeVar("Result")


class Crew:
    """At most `most` threads, started as they are needed, and at most `waiting` tasks in line.

    Unlike a `ThreadPoolExecutor` it refuses what is too much, and its threads are daemons: one that
    hangs in a driver or a network call cannot keep the program from ending.
    """

    def __init__(self, name: str, *, most: int, waiting: int) -> None:
        self._name, self._most, self._waiting = name, most, waiting
        self._tasks: deque[tuple[Future[object], Callable[[], object]]] = deque()
        self._changed = threading.Condition()
        self._threads = 0
        self._idle = 0

    async def run(self, work: Callable[[], Result]) -> Result:
        """What the work returns or raises, once a thread has done it.

        Raises:
            Refused: too much is in line already.
        """
        done: Future[Result] = Future()
        with self._changed:
            if self._idle <= len(self._tasks) and self._threads < self._most:
                self._threads += 1
                self._idle += 1
                name = f"{self._name}-{self._threads}"
                threading.Thread(target=self._serve, name=name, daemon=True).start()
            elif len(self._tasks) >= self._waiting + self._idle:
                raise Refused(503, "busy", "too many requests are waiting; try again in a second")
            self._tasks.append((done, work))  # type: ignore[arg-type]  # its result is its own
            self._changed.notify()
        return await asyncio.wrap_future(done)

    def _serve(self) -> None:
        while True:
            with self._changed:
                while not self._tasks:
                    self._changed.wait()
                self._idle -= 1
                done, work = self._tasks.popleft()
            _do(work, done)
            del done, work  # what was sent is not kept until the next task comes
            with self._changed:
                self._idle += 1


def _do(work: Callable[[], object], done: Future[object]) -> None:
    if not done.set_running_or_notify_cancel():
        return  # whoever asked is gone
    try:
        done.set_result(work())
    except BaseException as problem:  # noqa: BLE001  # raised again where it is awaited
        done.set_exception(problem)
