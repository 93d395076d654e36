"""What the requests of an exporter share: what is served, who may, threads and limits."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from exporters.base.access import Guard
from exporters.base.crew import Crew
from exporters.base.exporter import Door, Exporter
from exporters.base.families import Family
from exporters.base.intake import REASONS
from exporters.base.landing import landing
from modelwatch.catalogue.exporters import EXPORTER_REJECTED_TOTAL

HEALTHY, READY, METRICS, LANDING = "/-/healthy", "/-/ready", "/metrics", "/"
OPEN = frozenset((HEALTHY, READY))
"""Paths that say nothing of value and are answered to everybody, as orchestrators need it."""
OWN = frozenset((HEALTHY, READY, METRICS, LANDING))

MOST_HELD_BYTES = 64 << 20
"""Bodies of all requests together, while they arrive and wait to be taken."""
MOST_PAGES = 32
"""Pages that are being made or read; who reads slowly holds a page in memory."""

Families = Callable[[float], Iterable[Family]]
"""The page, within so many seconds."""


class Rejected:
    """Requests refused by reason, every reason there from the start."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys(REASONS, 0)
        self._lock = threading.Lock()

    def count(self, reason: str) -> None:
        """One more; a reason that is not known counts as other."""
        with self._lock:
            self._counts[reason if reason in self._counts else "other"] += 1

    def family(self, exporter: str) -> Family:
        """The counters as they are now."""
        family = Family(EXPORTER_REJECTED_TOTAL)
        with self._lock:
            for reason, count in self._counts.items():
                family.add(float(count), exporter, reason)
        return family


def _pages() -> Crew:
    return Crew("page", most=4, waiting=MOST_PAGES)


def _requests() -> Crew:
    return Crew("door", most=16, waiting=64)


def _checks() -> Crew:
    """Checking a password takes a processor a tenth of a second: two at a time leave the others."""
    return Crew("password", most=2, waiting=32)


@dataclass(slots=True, kw_only=True)
class Site:
    """One exporter as it is served. Until `begin` there is only its health.

    Only the event loop changes `held_bytes` and `pages_out`.
    """

    exporter: Exporter
    guard: Guard = field(default_factory=Guard)
    rejected: Rejected = field(default_factory=Rejected)
    pages: Crew = field(default_factory=_pages)
    requests: Crew = field(default_factory=_requests)
    checks: Crew = field(default_factory=_checks)
    families: Families | None = None
    doors: dict[str, dict[str, Door]] = field(default_factory=dict)
    landing: bytes = b""
    held_bytes: int = 0
    pages_out: int = 0

    @property
    def ready(self) -> bool:
        """Whether the exporter has started."""
        return self.families is not None

    def begin(self, families: Families, doors: Sequence[Door]) -> None:
        """Serve the page and the doors as well.

        Raises:
            ValueError: two doors are at the same place, or one is at a place of ours.
        """
        for door in doors:
            methods = self.doors.setdefault(door.path, {})
            if door.path in OWN or door.method in methods:
                raise ValueError(f"two answers to {door.method} {door.path}")
            methods[door.method] = door
        self.landing = landing(self.exporter, doors)
        self.families = families

    def methods(self, path: str) -> tuple[str, ...]:
        """What may be done with a path; nothing where there is none."""
        return ("GET", "HEAD") if path in OWN else tuple(sorted(self.doors.get(path, ())))
