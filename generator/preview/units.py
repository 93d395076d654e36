"""Numbers as Grafana shows them: a few digits, and a unit that fits their size."""

import math
from dataclasses import dataclass

_DIGITS = 3
"""Significant digits of a number that is read, not computed with."""
_THOUSANDS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K"))
_SUFFIXES = {
    "reqps": " req/s",
    "ops": " ops/s",
    "eps": " evt/s",
    "celsius": " °C",
    "none": "",
    "short": "",
    "currencyUSD": "",
}
_SIZES = {
    "s": (
        (31_536_000, " years"),
        (604_800, " weeks"),
        (86_400, " days"),
        (3600, " hours"),
        (60, " mins"),
        (1, " s"),
        (1e-3, " ms"),
        (1e-6, " µs"),
        (1e-9, " ns"),
    ),
    "d": ((365, " years"), (7, " weeks"), (1, " days"), (1 / 24, " hours"), (1 / 1440, " mins")),
    "bytes": (
        (2.0**50, " PiB"),
        (2.0**40, " TiB"),
        (2.0**30, " GiB"),
        (2.0**20, " MiB"),
        (2.0**10, " KiB"),
        (1, " B"),
    ),
    "watt": ((1e9, " GW"), (1e6, " MW"), (1e3, " kW"), (1, " W"), (1e-3, " mW")),
}
_WHOLE = ("none", "string", "bool_yes_no", "celsius", "")
"""Units without K and M: their numbers are counted one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How numbers of about one size are written: divided by `size`, between prefix and suffix."""

    size: float = 1
    prefix: str = ""
    suffix: str = ""


def scale(unit: str, largest: float) -> Scale:
    """The scale for numbers up to `largest`, in a Grafana unit id."""
    amount = abs(largest) if math.isfinite(largest) else 0
    if unit == "percentunit":
        return Scale(size=0.01, suffix="%")
    if unit in _SIZES:
        size, suffix = _fitting(unit, amount)
        return Scale(size=size, suffix=suffix)
    prefix = "$" if unit == "currencyUSD" else ""
    size, letter = _thousands(unit, amount)
    return Scale(size=size, prefix=prefix, suffix=f"{letter}{_suffix(unit)}")


def formatted(value: float, unit: str, decimals: int | None = None) -> str:
    """The value with its unit."""
    if math.isnan(value):
        return "no value"
    if math.isinf(value):
        return "+∞" if value > 0 else "-∞"
    if unit == "bool_yes_no":
        return "Yes" if value else "No"
    if unit == "dateTimeFromNow":
        unit, value = "s", value / 1000
    # Of 99.95 % the last digits are what matters; 0.9999 K are 1 K.
    digits = _DIGITS + 2 if unit == "percentunit" and 0.99 <= abs(value) < 1 else _DIGITS
    found = scale(unit, float(f"{value:.{digits}g}"))
    sign = "-" if value < 0 else ""
    return f"{sign}{found.prefix}{_number(abs(value) / found.size, digits, decimals)}{found.suffix}"


def _suffix(unit: str) -> str:
    known = _SUFFIXES.get(unit)
    if known is None and unit.startswith(("count:", "suffix:")):
        kind, _, text = unit.partition(":")
        known = f" {text}" if kind == "count" else text
    return known or ""


def _thousands(unit: str, amount: float) -> tuple[float, str]:
    if unit in _WHOLE:
        return 1, ""
    space = " " if unit == "short" else ""
    for size, letter in _THOUSANDS:
        if amount >= size:
            return size, f"{space}{letter}"
    return 1, ""


def _fitting(unit: str, amount: float) -> tuple[float, str]:
    sizes = _SIZES[unit]
    base = next(entry for entry in sizes if entry[0] == 1)
    if amount == 0:
        return base
    return next((entry for entry in sizes if amount >= entry[0]), sizes[-1])


def _number(value: float, digits: int, decimals: int | None) -> str:
    if decimals is not None:
        return f"{value:,.{decimals}f}"
    if value == 0:
        return "0"
    places = max(0, digits - 1 - math.floor(math.log10(value)))
    text = f"{value:,.{min(places, 9)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
