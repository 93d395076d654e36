"""Whether two expressions are the same, however they are written."""

import re
from threading import Lock

from generator.asking import Prometheus, QueryError
from generator.verify.finding import Finding
from modelwatch.promql import outside_texts

_BLANK = re.compile(r"\s+")


class Comparison:
    """Compares as text first, then as the Prometheus itself writes them.

    A rule is told back as Prometheus understood it: in one line, numbers and brackets its own way.
    Storages that cannot format leave those that differ in more than blanks open.
    """

    def __init__(self, prometheus: Prometheus) -> None:
        self._prometheus = prometheus
        self._lock = Lock()
        self._open: list[str] = []
        self._why: QueryError | None = None

    def same(self, one: str, other: str) -> bool:
        """Whether they are, or cannot be told apart; those are counted for `notes`."""
        if _plain(one) == _plain(other):
            return True
        try:
            return self._formatted(one) == self._formatted(other)
        except QueryError as failure:
            with self._lock:
                self._open.append(one)
                self._why = failure
            return True

    def _formatted(self, expr: str) -> str:
        return str(self._prometheus.look("format_query", query=expr))

    def notes(self, check: str) -> tuple[Finding, ...]:
        """What could not be compared."""
        if not self._open:
            return ()
        return (
            Finding(
                level="note",
                check=check,
                subject="this Prometheus",
                message=f"{len(self._open)} expressions are written differently, and could not be "
                f"compared: {self._why}",
                advice="compare them with the generated files",
                reason="not-compared",
            ),
        )


def _plain(expr: str) -> str:
    """Without blanks outside of texts."""
    return outside_texts(expr, lambda part: _BLANK.sub("", part))
