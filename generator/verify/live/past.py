"""Questions about a long time, in pieces that a Prometheus answers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from generator.asking import Period, Prometheus, QueryError, Series
from modelwatch.catalogue.stack import UP

_MOST_POINTS = 10_000
"""Per series and answer; 11 000 are refused."""
_FEWEST_POINTS = 120
"""Pieces are not made smaller: what fails on these fails for another reason."""
_POINTS_TO_FIND_THE_START = 500
_TOO_MUCH = ("too many samples", "timed out", "timeout", "no answer within", "exceeded", "limit")


class TooLate(Exception):  # noqa: N818  # reads as what happened
    """There is no time left for another question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Evaluations at an interval from a start on; samples are known of the last `known_s`."""

    known_s: float
    start: float
    interval_s: float
    evaluations: int

    @property
    def end(self) -> float:
        """When the last one is."""
        return self.time(self.evaluations - 1)

    def time(self, evaluation: int) -> float:
        """When an evaluation is."""
        return self.start + evaluation * self.interval_s

    def evaluation(self, time: float) -> int:
        """Which evaluation is at a time."""
        return round((time - self.start) / self.interval_s)


def begins(prometheus: Prometheus, period: Period) -> float:
    """When the samples begin within the period; its start where no target tells.

    Looks roughly first, then within one step of that.
    """
    step = max(1.0, period.seconds / _POINTS_TO_FIND_THE_START)
    found = prometheus.stepped(f"count({UP})", period, step)
    first = found[0].times[0] if found else period.start
    if first == period.start or step == 1:
        return first
    return begins(prometheus, Period(start=first - step, end=first))


def ask(
    prometheus: Prometheus, expr: str, past: Past, late: Callable[[], bool]
) -> tuple[Series, ...]:
    """The values at every evaluation; one series may come in several pieces.

    Raises:
        TooLate: before a piece it was `late`.
        QueryError: a piece failed, however small.
        Unreachable: nobody answers.
    """

    def piece(first: int, last: int) -> tuple[Series, ...]:
        if late():
            raise TooLate
        period = Period(start=past.time(first), end=past.time(last - 1))
        return prometheus.stepped(expr, period, past.interval_s)

    return tuple(_pieces(piece, (0, past.evaluations), _MOST_POINTS))


def _pieces(
    piece: Callable[[int, int], tuple[Series, ...]], bounds: tuple[int, int], most: int
) -> Iterator[Series]:
    for first in range(bounds[0], bounds[1], most):
        last = min(first + most, bounds[1])
        try:
            yield from piece(first, last)
        except QueryError as failure:
            if most // 4 < _FEWEST_POINTS or not _is_too_much(failure):
                raise
            yield from _pieces(piece, (first, last), most // 4)


def _is_too_much(failure: QueryError) -> bool:
    return any(words in str(failure) for words in _TOO_MUCH)
