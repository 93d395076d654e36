"""When something was: times as senders write them, and which of them say anything about now."""

import math
from datetime import datetime

from exporters.base.receipts import Refused

MOST_AGE_S = 7 * 86_400.0
"""Older events say nothing about now."""

MOST_AHEAD_S = 300.0
"""Clocks of senders may be so far ahead."""


def moment(key: str, value: object) -> float:
    """Seconds since 1970, of a number or a text of RFC 3339.

    Raises:
        Refused: it is neither.
    """
    if type(value) is float:
        return value
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            raise Refused("out_of_range", f"`{key}` is too large") from None
    if type(value) is str:
        try:
            read = datetime.fromisoformat(value)
            if read.tzinfo is not None:
                return read.timestamp()
        except (ValueError, OverflowError):
            pass  # said below, as for a time without a zone
    raise Refused(
        "wrong_type", f"`{key}` is in seconds since 1970, or like 2027-01-31T12:00:00Z with a zone"
    )


def recent(key: str, time_s: float, now: float) -> float:
    """The time, if it is near enough to now.

    Raises:
        Refused: it is too old, in the future, or no time at all.
    """
    if now - MOST_AGE_S <= time_s <= now + MOST_AHEAD_S:
        return time_s
    if not math.isfinite(time_s):
        raise Refused("not_a_number", f"`{key}` is not a number")
    if time_s < 0:
        raise Refused("out_of_range", f"`{key}` is {time_s:g}, which is before 1970")
    if time_s > now:
        raise Refused("in_the_future", f"`{key}` is {time_s - now:.0f} s from now")
    raise Refused("too_old", f"`{key}` is more than {MOST_AGE_S / 86_400:.0f} days ago")
