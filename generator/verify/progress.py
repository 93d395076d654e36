"""How far something slow is: one line on a terminal, which is gone at the end."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TextIO

_FIRST_S = 3.0
_EVERY_S = 0.5
_ERASE = "\r\x1b[K"


@dataclass(slots=True, kw_only=True)
class Progress:
    """Says nothing for the first seconds, and nothing at all where nobody watches."""

    stream: TextIO
    clock: Callable[[], float]
    _next: float = field(init=False)
    _shown: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._next = self.clock() + _FIRST_S

    def __call__(self, text: str) -> None:
        """Show where it is now."""
        now = self.clock()
        if self.stream.isatty() and now >= self._next:
            self._write(text)
            self._next = now + _EVERY_S

    def end(self) -> None:
        """Leave the line empty."""
        if self._shown:
            self._write("")

    def _write(self, text: str) -> None:
        self.stream.write(f"{_ERASE}{text}")
        self.stream.flush()
        self._shown = bool(text)
