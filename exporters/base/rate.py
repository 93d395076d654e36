"""How many requests are answered in a time: a bucket that fills up again, one by one."""

import re
import time
from collections.abc import Callable

_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}


class RateLimit:
    """Lets `burst` requests through at once, and then one more every `every_s` seconds.

    Used by one thread, the event loop's.
    """

    def __init__(
        self, every_s: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._every_s, self._burst, self._clock = every_s, burst, clock
        self._left = float(burst)
        self._at = clock()

    def allows(self) -> bool:
        """Whether one more may pass now; counts it if it may."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) / self._every_s)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def seconds(duration: str) -> float | None:
    """A duration as Go writes it (`1m30s`, `100ms`, `0`); None for anything else."""
    if duration == "0":
        return 0.0
    parts = list(_PART.finditer(duration))
    if not parts or "".join(part[0] for part in parts) != duration:
        return None
    return sum(float(part[1]) * _SECONDS[part[2]] for part in parts)
