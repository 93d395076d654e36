"""Quantities as people write them, read exactly and kept with their text.

`200ms`, `99.9%`, `12 USD`, `0.15 USD per million tokens`, `p95 > 200ms for 5m`. Which texts are
allowed is said by the patterns of `inventory.schema.json`; here is what they mean.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from modelwatch.inventory import Quantity

OFF = "off"
"""Text of a limit that is switched off; such rows are never compared with anything."""

_KEPT = 4096
"""Texts whose meaning is kept: a fleet repeats itself."""
_NUMBER = r"[0-9]{1,12}(?:\.[0-9]{1,12})?(?:[eE][+-]?[0-9]{1,2})?"
_SECONDS = {
    "us": Decimal("0.000001"),
    "ms": Decimal("0.001"),
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86400),
    "w": Decimal(604800),
}
_PRINTED = (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
_TOKENS = {
    "token": Decimal(1),
    "thousand tokens": Decimal(1000),
    "1k tokens": Decimal(1000),
    "million tokens": Decimal(1_000_000),
    "1m tokens": Decimal(1_000_000),
}
_DURATION_PART = re.compile(rf"({_NUMBER}) ?(us|ms|s|m|h|d|w)")
_DURATION = re.compile(rf"(?:{_NUMBER} ?(?:us|ms|s|m|h|d|w) ?)+")
_MONEY = re.compile(rf"({_NUMBER})(?: ?USD)?(?: per (.+))?")
_PROMISE = re.compile(
    r"(?:p(?P<percent>[0-9.]+) ?<|(?P<share>[0-9.]+ ?%)(?: (?:under|within))?)"
    r"(?: ?(?P<limit>[0-9].*?))?(?: over (?P<window>.+))?"
)
_LIMIT = re.compile(r"(?:p(?P<percent>[0-9.]+) ?)?>? ?(?P<value>[^ ].*?)??(?: ?for (?P<hold>.+))?")
_BOUND = re.compile(rf"(above|below) ([+-]?{_NUMBER})")


class NotAQuantityError(ValueError):
    """The text means nothing that we know; says what to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """`95% under 5s over 30d`; also written `p95 < 5s`."""

    objective: Quantity
    limit: Quantity | None = None
    window: Quantity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """`p95 > 200ms for 5m`: how much of what, and for how long. An empty hold is the default's."""

    value: Quantity
    quantile: str = ""
    hold: str = ""

    @property
    def is_off(self) -> bool:
        """Whether the alert is switched off."""
        return self.value.text == OFF


def tidy(text: str) -> str:
    """The text with single spaces, as it is printed back."""
    return " ".join(text.split())


def number(text: str) -> Quantity:
    """A plain number."""
    text = tidy(text)
    if not re.fullmatch(rf"[+-]?{_NUMBER}", text):
        raise NotAQuantityError("write a number such as 20 or 0.5")
    return Quantity(value=Decimal(text), text=text)


@lru_cache(maxsize=_KEPT)
def times(text: str) -> Quantity:
    """A factor: `2 times`, `2x` or `2`."""
    text = tidy(text)
    return Quantity(value=number(re.sub(r" ?(times|x)$", "", text)).value, text=text)


@lru_cache(maxsize=_KEPT)
def duration(text: str) -> Quantity:
    """Seconds of `200ms`, `1h30m` or `2.5 s`."""
    text = tidy(text)
    if not _DURATION.fullmatch(text):
        raise NotAQuantityError("write a duration such as 200ms, 5s, 10m, 1h or 30d")
    parts = _DURATION_PART.findall(text)
    return Quantity(value=sum((Decimal(n) * _SECONDS[u] for n, u in parts), Decimal(0)), text=text)


@lru_cache(maxsize=_KEPT)
def share(text: str) -> Quantity:
    """A part of one, written as a percentage: 0.999 of `99.9%`."""
    text = tidy(text)
    digits = text.removesuffix("%").strip()
    if not text.endswith("%") or not re.fullmatch(_NUMBER, digits):
        raise NotAQuantityError("write a percentage such as 99.9%")
    value = Decimal(digits) / 100
    if value > 1:
        raise NotAQuantityError("write a percentage from 0% to 100%")
    return Quantity(value=value, text=text)


def money(text: str) -> Quantity:
    """USD of `12 USD`, or of `12 USD per something`: whoever asks knows per what."""
    text = tidy(text)
    found = _MONEY.fullmatch(text)
    if not found:
        raise NotAQuantityError("write money such as 12 USD")
    return Quantity(value=Decimal(found[1]), text=text)


@lru_cache(maxsize=_KEPT)
def token_price(text: str) -> Quantity:
    """USD per single token of `0.15 USD per million tokens`; USD may be left out."""
    text = tidy(text)
    found = _MONEY.fullmatch(text)
    size = _TOKENS.get((found[2] or "").lower()) if found else None
    if not found or size is None:
        raise NotAQuantityError("write a price such as 0.15 USD per million tokens")
    return Quantity(value=Decimal(found[1]) / size, text=text)


def amount(text: str) -> tuple[Quantity, str]:
    """Money and its period, `month` or `day`, of `3000 USD per month`."""
    text = tidy(text)
    money_text, _, period = text.partition(" per ")
    if period not in ("month", "day"):
        raise NotAQuantityError("write an amount such as 3000 USD per month or 50 USD per day")
    return Quantity(value=money(money_text).value, text=text), period


@lru_cache(maxsize=_KEPT)
def promise(text: str) -> Promise:
    """What `99.9%`, `95% under 5s`, `p95 < 2s` or `99% within 1h over 7d` promises."""
    found = _PROMISE.fullmatch(tidy(text))
    if not found:
        raise NotAQuantityError("write a promise such as 99.9% or 95% under 5s")
    objective = share(found["share"] or f"{found['percent']}%")
    return Promise(
        objective=objective,
        limit=duration(found["limit"]) if found["limit"] else None,
        window=duration(found["window"]) if found["window"] else None,
    )


@lru_cache(maxsize=_KEPT)
def limit(text: str, measure: str) -> Limit:
    """What `p95 > 200ms for 5m`, `95% for 10m`, `20`, `for 15m` or `off` allows.

    `measure` says what the value is: seconds, share, number, times or silence. Of a silence there
    is no value, only how long it may last.
    """
    text = tidy(text)
    if text == OFF:
        return Limit(value=Quantity(value=Decimal(0), text=OFF))
    found = _LIMIT.fullmatch(text)
    if not found:
        raise NotAQuantityError("write a limit such as p95 > 200ms for 5m, or off")
    hold = hold_text(found["hold"]) if found["hold"] else ""
    if measure == "silence":
        return Limit(value=Quantity(value=Decimal(0), text=hold or text), hold=hold)
    read = {"seconds": duration, "share": share, "times": times}.get(measure, number)
    quantile = plain(Decimal(found["percent"]) / 100) if found["percent"] else ""
    return Limit(value=read(found["value"] or ""), quantile=quantile, hold=hold)


@lru_cache(maxsize=_KEPT)
def bound(text: str) -> tuple[str, Quantity]:
    """Which direction is good, and from where: `higher` and 0.7 of `above 0.7`."""
    found = _BOUND.fullmatch(tidy(text))
    if not found:
        raise NotAQuantityError("write what is good, such as above 0.7 or below 0.3")
    direction = "higher" if found[1] == "above" else "lower"
    return direction, Quantity(value=Decimal(found[2]), text=found[2])


@lru_cache(maxsize=_KEPT)
def hold_text(text: str) -> str:
    """A duration as Prometheus takes it, one text for the same time: `60s` becomes `1m`."""
    seconds = duration(text).value
    if seconds <= 0 or seconds * 1000 != int(seconds * 1000):
        raise NotAQuantityError("write a time of at least 1ms such as 30s, 5m or 1h")
    whole = seconds == int(seconds)
    return printed_duration(seconds) if whole else f"{plain(seconds * 1000)}ms"


def printed_duration(seconds: Decimal) -> str:
    """Seconds as people write them: 0.25 is `250ms`, 90 is `90s`, 3600 is `1h`."""
    if seconds and seconds < 1:
        return f"{plain(seconds * 1000)}ms"
    for unit, size in _PRINTED:
        if seconds and seconds % size == 0:
            return f"{plain(seconds / size)}{unit}"
    return f"{plain(seconds)}s"


def printed_share(ratio: Decimal) -> str:
    """A ratio as a percentage: 0.999 is `99.9%`."""
    return f"{plain(ratio * 100)}%"


def plain(value: Decimal) -> str:
    """A number without exponent and without trailing zeros."""
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
