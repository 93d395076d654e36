from collections.abc import Callable
from decimal import Decimal

import pytest

from modelwatch import defaults, quantities
from modelwatch.inventory import Quantity
from modelwatch.quantities import NotAQuantityError

Reader = Callable[[str], Quantity]


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (quantities.duration, "200ms", "0.2"),
        (quantities.duration, "2.5 s", "2.5"),
        (quantities.duration, "10m", "600"),
        (quantities.duration, "1h30m", "5400"),
        (quantities.duration, "30d", "2592000"),
        (quantities.duration, "150us", "0.00015"),
        (quantities.share, "99.9%", "0.999"),
        (quantities.share, "0.1 %", "0.001"),
        (quantities.share, "100%", "1"),
        (quantities.money, "12 USD", "12"),
        (quantities.money, "2.10 USD per hour", "2.10"),
        (quantities.money, "0.04", "0.04"),
        (quantities.token_price, "0.15 USD per million tokens", "0.00000015"),
        (quantities.token_price, "5 per million tokens", "0.000005"),
        (quantities.token_price, "0.1 USD per 1k tokens", "0.0001"),
        (quantities.token_price, "1e-6 USD per token", "0.000001"),
        (quantities.number, "1e-6", "0.000001"),
        (quantities.times, "1.3 times", "1.3"),
        (quantities.times, "2x", "2"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_quantity_is_exact_and_printed_back_as_written(
    read: Reader, text: str, value: str
) -> None:
    quantity = read(text)
    assert quantity.value == Decimal(value)
    assert quantity.text == text


def test_spaces_are_tidied_but_nothing_else_changes() -> None:
    assert quantities.money("  12   USD ").text == "12 USD"


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (quantities.duration, "200"),
        (quantities.duration, "5 minutes"),
        (quantities.duration, "-5s"),
        (quantities.duration, "\N{ARABIC-INDIC DIGIT FIVE}s"),
        (quantities.duration, ""),
        (quantities.share, "99.9"),
        (quantities.share, "101%"),
        (quantities.share, "9.9.9%"),
        (quantities.money, "12 EUR"),
        (quantities.money, "3,000 USD"),
        (quantities.token_price, "0.15 USD"),
        (quantities.token_price, "0.15 USD per hour"),
        (quantities.number, "many"),
        (quantities.number, "1e999"),
        (quantities.times, "twice"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_what_is_no_quantity_is_refused_with_an_example(read: Reader, text: str) -> None:
    with pytest.raises(NotAQuantityError, match="write "):
        read(text)


@pytest.mark.parametrize(
    ("text", "objective", "limit", "window"),
    [
        ("99.9%", "0.999", None, None),
        ("95% under 5s", "0.95", "5", None),
        ("p95 < 2s", "0.95", "2", None),
        ("p99.9<200ms", "0.999", "0.2", None),
        ("99% within 2h over 7d", "0.99", "7200", "604800"),
        ("99.9% over 90d", "0.999", None, "7776000"),
    ],
)
def test_a_promise_is_read_in_both_ways_of_writing_it(
    text: str, objective: str, limit: str | None, window: str | None
) -> None:
    promise = quantities.promise(text)
    assert promise.objective.value == Decimal(objective)
    assert (promise.limit and promise.limit.value) == (limit and Decimal(limit))
    assert (promise.window and promise.window.value) == (window and Decimal(window))


@pytest.mark.parametrize(
    ("text", "measure", "quantile", "value", "hold"),
    [
        ("p95 > 200ms for 5m", "seconds", "0.95", "0.2", "5m"),
        ("p99>1.5 s", "seconds", "0.99", "1.5", ""),
        ("200ms for 5m", "seconds", "", "0.2", "5m"),
        ("1h30m for 2h", "seconds", "", "5400", "2h"),
        ("95% for 10m", "share", "", "0.95", "10m"),
        ("20 for 600s", "number", "", "20", "10m"),
        ("> 3 times for 1h", "times", "", "3", "1h"),
        ("for 15m", "silence", "", "0", "15m"),
    ],
)
def test_a_limit_says_how_much_and_for_how_long(
    text: str, measure: str, quantile: str, value: str, hold: str
) -> None:
    limit = quantities.limit(text, measure)
    assert (limit.quantile, limit.value.value, limit.hold) == (quantile, Decimal(value), hold)
    assert not limit.is_off


@pytest.mark.parametrize("measure", ["seconds", "share", "number", "times", "silence"])
def test_off_is_a_limit_of_every_measure(measure: str) -> None:
    limit = quantities.limit("off", measure)
    assert limit.is_off
    assert limit.value.text == "off"


@pytest.mark.parametrize(
    ("text", "printed"),
    [("60s", "1m"), ("90s", "90s"), ("1h30m", "90m"), ("1.5s", "1500ms"), ("24h", "1d")],
)
def test_a_hold_has_one_text_for_the_same_time(text: str, printed: str) -> None:
    assert quantities.hold_text(text) == printed


@pytest.mark.parametrize("text", ["0s", "100us", "0.5ms"])
def test_a_hold_that_no_rule_can_have_is_refused(text: str) -> None:
    with pytest.raises(NotAQuantityError, match="at least 1ms"):
        quantities.hold_text(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        ("0.25", "250ms"),
        ("2.5", "2.5s"),
        ("90", "90s"),
        ("3600", "1h"),
        ("604800", "1w"),
        ("0", "0s"),
    ],
)
def test_seconds_are_printed_as_people_write_them(seconds: str, text: str) -> None:
    assert quantities.printed_duration(Decimal(seconds)) == text


def test_an_amount_has_a_period() -> None:
    amount, period = quantities.amount("3000 USD per month")
    assert (amount.value, amount.text, period) == (Decimal(3000), "3000 USD per month", "month")
    with pytest.raises(NotAQuantityError, match="per month or"):
        quantities.amount("10 USD per week")


def test_a_bound_says_which_direction_is_good() -> None:
    assert quantities.bound("above 0.7") == ("higher", Quantity(value=Decimal("0.7"), text="0.7"))
    assert quantities.bound("below -1.5")[0] == "lower"


def test_every_default_limit_can_be_read_and_has_a_hold() -> None:
    fleet = defaults.fleet(defaults.LIMITS) | defaults.fleet(defaults.POOL_LIMITS)
    assert fleet["traffic_surge"][0].limit.value == 3
    assert {row.hold for rows in fleet.values() for row in rows} <= {
        "2m",
        "5m",
        "10m",
        "15m",
        "30m",
        "1h",
        "6h",
    }
