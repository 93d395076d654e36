"""Label values that come from outside: only so many of them, all others are one."""

import threading
from collections import Counter
from collections.abc import Container, Iterable

from exporters.base.families import OTHER, Family
from modelwatch.catalogue.exporters import EXPORTER_OVERFLOW_TOTAL

MOST_CHARACTERS = 200
"""A longer value is free text, which belongs in no label."""


class Bounded:
    """The value, or `other` beyond `limit` distinct ones, too long ones and those not `allowed`.

    First come, first kept: a value that was once let through stays what it is, so that no series
    changes its meaning. Memory is that of `limit` values, whatever arrives.
    """

    def __init__(self, label: str, limit: int, allowed: Container[str] | None = None) -> None:
        self.label = label
        self._limit = limit
        self._allowed = allowed
        self._seen: set[str] = set()
        self._overflow = 0
        self._lock = threading.Lock()

    def __call__(self, value: str) -> str:
        """What stands on the page for this value; each call that gives `other` is counted."""
        if value in self._seen or value == OTHER:  # it only grows: readable without the lock
            return value
        with self._lock:
            if self._room_for(value):
                self._seen.add(value)
                return value
            self._overflow += 1
        return OTHER

    @property
    def overflow(self) -> int:
        """Values that became `other` so far."""
        return self._overflow

    def _room_for(self, value: str) -> bool:
        if value in self._seen:
            return True
        if self._allowed is not None:
            fits = value in self._allowed
        else:
            fits = len(value) <= MOST_CHARACTERS
        return fits and len(self._seen) < self._limit


def overflow(exporter_name: str, bounds: Iterable[Bounded]) -> Family:
    """How often labels of this exporter overflowed, 0 included; bounds of one label are added."""
    counts: Counter[str] = Counter()
    for bound in bounds:
        counts[bound.label] += bound.overflow
    return Family(
        EXPORTER_OVERFLOW_TOTAL,
        {(exporter_name, label): count for label, count in counts.items()},
    )
