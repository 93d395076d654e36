"""Label matchers as Prometheus reads them: whole values, and a missing label is an empty one."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import regex

from modelwatch.promql import quoted

OPEN = "¤"
"""Stands where a variable of a board stood: whatever is chosen there is taken to be right."""
OPEN_NAME = "__variable__"
"""A name that a variable stands for, and nobody knows which."""
_TIMEOUT_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """One condition on a label; `operator` is one of `=`, `!=`, `=~`, `!~`."""

    label: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f"{self.label}{self.operator}{quoted(self.value)}"

    @property
    def is_open(self) -> bool:
        """Whether a variable is in it."""
        return OPEN in self.value or self.label.startswith(OPEN) or self.label == "__name__"

    def accepts(self, value: str) -> bool:
        """Whether a series with this value of the label is meant."""
        if self.is_open:
            return True
        if self.operator in ("=", "!="):
            return (self.value == value) == (self.operator == "=")
        return _matches(self.value, value) == (self.operator == "=~")

    @property
    def needs_label(self) -> bool:
        """Whether series without the label are not meant."""
        return not self.accepts("")


def matched(labels: Mapping[str, str], matchers: tuple[Matcher, ...]) -> bool:
    """Whether a series has what is asked for."""
    return all(matcher.accepts(labels.get(matcher.label, "")) for matcher in matchers)


@cache
def _pattern(text: str) -> "regex.Pattern[str] | None":
    try:
        return regex.compile(text)
    except regex.error:  # fine for Prometheus, whose patterns are of another make
        return None


def _matches(pattern: str, value: str) -> bool:
    """Whether the pattern fits the whole value; one that we cannot read is taken to fit."""
    compiled = _pattern(pattern)
    if compiled is None:
        return True
    try:
        return compiled.fullmatch(value, timeout=_TIMEOUT_S) is not None
    except TimeoutError:
        return True
