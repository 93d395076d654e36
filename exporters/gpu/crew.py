"""Workers that ask cards at the same time, so that one that hangs keeps no other waiting."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class Answer(Generic[T]):
    """What a worker came back with: a value or a problem."""

    done: threading.Event = field(default_factory=threading.Event)
    value: T | None = None
    problem: BaseException | None = None


class Crew(Generic[T]):
    """One worker per card at most: a card whose worker has not come back is not asked again."""

    def __init__(self) -> None:
        self._out: dict[int, Answer[T]] = {}

    @property
    def hangs(self) -> bool:
        """Whether any worker is still out."""
        return any(not answer.done.is_set() for answer in self._out.values())

    def ask(self, jobs: Mapping[int, Callable[[], T]], deadline_s: float) -> dict[int, Answer[T]]:
        """An answer per job; those that are not `done` hang, now or since an earlier call."""
        end = time.monotonic() + deadline_s
        hung = {key for key, answer in self._out.items() if not answer.done.is_set()}
        for key, job in jobs.items():
            if key not in hung:
                self._out[key] = Answer()
                # A daemon, so that a query that never returns cannot keep the exporter from ending.
                threading.Thread(
                    target=_work, args=(job, self._out[key]), name=f"card-{key}", daemon=True
                ).start()
        for key in jobs.keys() - hung:
            self._out[key].done.wait(max(0.0, end - time.monotonic()))
        return {key: Answer() if key in hung else self._out[key] for key in jobs}


def _work(job: Callable[[], T], answer: Answer[T]) -> None:
    try:
        answer.value = job()
    except BaseException as problem:  # noqa: BLE001  # handed to whoever asked
        answer.problem = problem
    answer.done.set()
