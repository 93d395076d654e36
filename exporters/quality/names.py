"""Label values that senders choose: only so many of each model, all others are one."""

from collections import Counter, defaultdict

from exporters.base.families import OTHER
from exporters.quality.declared import MOST_CHARACTERS
from exporters.quality.events import Refused

LIMITS = {"version": 10, "tool": 20, "guardrail": 10}
"""Values of these labels for each model in an environment."""

UNUSED_S = 86_400.0
"""A value that nobody used for a day makes room for a new one, together with its counters."""


class Names:
    """Which label values there are. A value comes back as itself, or as `other`."""

    def __init__(self) -> None:
        self._used_s: defaultdict[tuple[str, str, str], dict[str, float]] = defaultdict(dict)
        self._overflow = dict.fromkeys(LIMITS, 0)
        self._evicted: list[tuple[str, str, str, str]] = []

    def __call__(self, label: str, model: str, environment: str, name: str, now: float) -> str:
        """The value to count under.

        Raises:
            Refused: it is too long for a name, or cannot be printed.
        """
        used = self._used_s[label, model, environment]
        if name in used or self._has_room(label, model, environment, name, now):
            used[name] = now
            return name
        self._overflow[label] += 1
        return OTHER

    def _has_room(self, label: str, model: str, environment: str, name: str, now: float) -> bool:
        if len(name) > MOST_CHARACTERS or not name.isprintable():
            raise Refused("bad_text", f"`{label}` is a name of up to {MOST_CHARACTERS} characters")
        used = self._used_s[label, model, environment]
        if len(used) < LIMITS[label]:
            return True
        oldest = min(used, key=used.__getitem__)
        if now - used[oldest] < UNUSED_S:
            return False
        del used[oldest]
        self._evicted.append((label, model, environment, oldest))
        return True

    def evicted(self) -> list[tuple[str, str, str, str]]:
        """Label, model, environment and name of what made room since the last call."""
        evicted, self._evicted = self._evicted, []
        return evicted

    def overflow(self) -> Counter[str]:
        """Events that were counted under `other`, by label."""
        return Counter(self._overflow)
