"""Days and months of a calendar somewhere on earth, as moments."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From its first moment to the first of the next one, in seconds since 1970."""

    start: float
    end: float


def period_of(kind: str, zone: str, at: float) -> Period:
    """The `month` or `day` that a moment falls in.

    Days have 23 or 25 hours where clocks change. Where they change at midnight the day begins with
    the change, or with the first of two midnights.
    """
    there = ZoneInfo(zone)
    first = datetime.fromtimestamp(at, there).date()
    if kind == "month":
        first = first.replace(day=1)
        following = (first + timedelta(days=31)).replace(day=1)
    else:
        following = first + timedelta(days=1)
    return Period(start=_midnight(first, there), end=_midnight(following, there))


def _midnight(day: date, there: ZoneInfo) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=there).timestamp()
