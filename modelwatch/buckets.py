"""Bucket boundaries: one text per boundary, whatever wrote it and whichever Prometheus stored it.

`le` is text. Go writes `5`, Python `5.0`, and from a million up Go writes `1e+06`; Prometheus 3
rewrites all of them on ingestion, 2.x keeps what it got. An objective joins on the text, so there
must be one: plain digits with a point, and a vendor unit kept as an exponent (`200.0e-3`).
"""

import math
from collections.abc import Iterable
from decimal import Decimal

from modelwatch.engine import Unit

_SHIFTS = {Unit.MILLISECONDS: 3, Unit.MICROSECONDS: 6, Unit.NANOSECONDS: 9}
_LARGEST_PLAIN = 6
_SMALLEST_PLAIN = -4


def label(boundary: Decimal, unit: Unit) -> str:
    """The canonical `le` of a boundary that is given in the vendor's unit."""
    plain = format(Decimal(repr(float(boundary))), "f")
    text = plain if "." in plain else f"{plain}.0"
    return f"{text}e-{_SHIFTS[unit]}" if unit in _SHIFTS else text


def le(boundary: float) -> str:
    """A boundary as Prometheus 3 stores it, whatever was scraped: 2.x keeps it as it is.

    Go's shortest form, with an exponent below 0.0001 and from a million up, and `.0` after a whole
    number. Source: `FormatOpenMetricsFloat` of Prometheus' package `model/labels`.
    """
    if math.isinf(boundary):
        return "+Inf" if boundary > 0 else "-Inf"
    exact = Decimal(repr(float(boundary) or 0.0)).normalize()
    power = exact.adjusted() if exact else 0
    if _SMALLEST_PLAIN <= power < _LARGEST_PLAIN:
        plain = format(exact, "f")
        return plain if "." in plain else f"{plain}.0"
    sign, digits, _ = exact.as_tuple()
    first, *rest = map(str, digits)
    mantissa = f"{first}.{''.join(rest)}" if rest else first
    return f"{'-' if sign else ''}{mantissa}e{'-' if power < 0 else '+'}{abs(power):02}"


def rewrites(buckets: Iterable[Decimal], unit: Unit) -> tuple[tuple[str, str], ...]:
    """Pairs of pattern and replacement that turn any `le` into the canonical one, in order."""
    exponents = dict.fromkeys(
        rewrite for boundary in buckets if (rewrite := _without_exponent(boundary))
    )
    integers = ("([0-9]+)", "${1}.0")
    if unit not in _SHIFTS:
        return (*exponents, integers)
    places = _SHIFTS[unit]
    unexpected = (r"([0-9])\.?([0-9]*)(e\+.+)", f"0.{'0' * (places - 1)}${{1}}${{2}}${{3}}")
    shifted = (r"([0-9]+\.[0-9]+)", f"${{1}}e-{places}")
    return (*exponents, unexpected, integers, shifted)


def _without_exponent(boundary: Decimal) -> tuple[str, str] | None:
    """How Go's exponent of a boundary becomes plain digits, None where Go writes none."""
    number = Decimal(repr(float(boundary))).normalize()
    power = number.adjusted()
    if number == 0 or _SMALLEST_PLAIN <= power < _LARGEST_PLAIN:
        return None
    if power < 0:
        return (rf"([0-9])\.?([0-9]*)e-0?{-power}", f"0.{'0' * (-power - 1)}${{1}}${{2}}")
    digits = len(number.as_tuple().digits) - 1
    if digits > power:
        return (rf"([0-9])\.([0-9]{{{power}}})([0-9]+)e\+0?{power}", "${1}${2}.${3}")
    zeros = "0" * (power - digits)
    return (rf"([0-9])\.?([0-9]{{{digits}}})e\+0?{power}", f"${{1}}${{2}}{zeros}.0")
