"""Numbers of a preview are written as Grafana writes them, and names stay harmless in queries."""

import math

import pytest

from generator.preview.choosing import Chosen, substituted
from generator.preview.units import formatted, scale
from modelwatch.board import UNITS


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.2, "s", "200 ms"),
        (1234.5, "s", "20.6 mins"),
        (1.5, "s", "1.5 s"),
        (0, "s", "0 s"),
        (7200, "s", "2 hours"),
        (-0.002, "s", "-2 ms"),
        (2, "d", "2 days"),
        (0.5, "d", "12 hours"),
        (0.5, "percentunit", "50%"),
        (0.9995, "percentunit", "99.95%"),
        (1, "percentunit", "100%"),
        (0.00012, "percentunit", "0.012%"),
        (1234.5, "currencyUSD", "$1.23K"),
        (-3, "currencyUSD", "-$3"),
        (0.0042, "currencyUSD", "$0.0042"),
        (1234.5, "reqps", "1.23K req/s"),
        (2, "ops", "2 ops/s"),
        (2, "eps", "2 evt/s"),
        (1234.5, "count:tok/s", "1.23K tok/s"),
        (14.4, "suffix:x", "14.4x"),
        (1234.5, "short", "1.23 K"),
        (0.9999, "short", "1"),
        (1234.5, "none", "1,234"),
        (3 * 2**30, "bytes", "3 GiB"),
        (700, "watt", "700 W"),
        (81, "celsius", "81 °C"),
        (1, "bool_yes_no", "Yes"),
        (0, "bool_yes_no", "No"),
        (math.nan, "s", "no value"),
        (math.inf, "s", "+∞"),
    ],
)
def test_a_number_is_written_with_a_unit_that_fits_it(value: float, unit: str, text: str) -> None:
    assert formatted(value, unit) == text


def test_decimals_that_a_panel_asks_for_are_kept() -> None:
    assert formatted(0.5, "percentunit", 1) == "50.0%"


KNOWN = sorted({unit for units in UNITS.values() for unit in units if unit != "string"})


@pytest.mark.parametrize("unit", KNOWN)
def test_every_unit_of_the_boards_is_known(unit: str) -> None:
    assert any(character.isdigit() for character in formatted(42.0, unit)) or unit == "bool_yes_no"
    assert scale(unit, 42.0).size > 0
    if unit not in ("none", "short", "currencyUSD"):
        assert formatted(42.0, unit) != "42"


WORST = 'a"b\\c{d}.e|f\n$model 🙂'


def test_a_value_cannot_end_the_string_it_stands_in() -> None:
    one = {"model": Chosen(picked=(WORST,), pattern="x")}
    text = substituted('up{model="$model"}', one)
    assert text == 'up{model="a\\"b\\\\c{d}.e|f\\n$model 🙂"}'


def test_patterns_are_for_comparing_and_texts_for_the_rest() -> None:
    chosen = {"q": Chosen(picked=("0.95",), pattern="0\\.95")}
    assert substituted('f($q, {a=~"$q|",b="${q}"}[$w])', chosen, {"w": "5m"}) == (
        'f(0.95, {a=~"0\\\\.95|",b="0.95"}[5m])'
    )
