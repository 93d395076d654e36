"""The share of time in which heat or power held a card back."""

import pytest

from exporters.gpu.facts import Fact
from exporters.gpu.throttling import WINDOW_S, Throttling
from modelwatch.catalogue.gpu import GPU_EXPORTER_THROTTLE_REASON, GPU_EXPORTER_THROTTLED_SECONDS


def seconds(power: float, thermal: float = 0, boost: float = 0) -> list[Fact]:
    values = {"power": power, "thermal": thermal, "sync_boost": boost}
    return [Fact(GPU_EXPORTER_THROTTLED_SECONDS, one, (key,)) for key, one in values.items()]


def flags(**active: int) -> list[Fact]:
    return [Fact(GPU_EXPORTER_THROTTLE_REASON, one, (key,)) for key, one in active.items()]


def test_one_scrape_tells_no_share() -> None:
    assert Throttling().ratio("a", 0, seconds(100)) is None


def test_heat_and_power_count_and_nothing_else() -> None:
    seen = Throttling()
    seen.ratio("a", 0, seconds(100, 50, 7))
    assert seen.ratio("a", 100, seconds(110, 55, 99)) == pytest.approx(0.15)


def test_the_share_is_of_the_last_five_minutes_however_often_it_is_asked_for() -> None:
    often, seldom = Throttling(), Throttling()
    for second in range(0, 1201, 5):
        held = max(0, second - 1050)  # all of the last 150 seconds
        share = often.ratio("a", second, seconds(held))
        if second % 60 == 0:
            other = seldom.ratio("a", second, seconds(held))
    assert share == pytest.approx(0.5)
    assert other == pytest.approx(0.5)


def test_it_is_never_more_than_all_of_the_time() -> None:
    seen = Throttling()
    seen.ratio("a", 0, seconds(0))
    assert seen.ratio("a", 10, seconds(10, 10)) == 1


def test_it_begins_anew_with_the_driver() -> None:
    seen = Throttling()
    seen.ratio("a", 0, seconds(100))
    assert seen.ratio("a", 15, seconds(1)) is None
    assert seen.ratio("a", 30, seconds(4)) == pytest.approx(0.2)


def test_without_counted_seconds_it_is_the_share_of_scrapes_with_a_flag() -> None:
    seen = Throttling()
    for at, cap in enumerate((0, 1, 0, 0)):
        share = seen.ratio("a", 15 * at, flags(sw_power_cap=cap, gpu_idle=1))
    assert share == 0.25


def test_a_card_that_says_neither_has_no_share() -> None:
    seen = Throttling()
    assert [seen.ratio("a", at, []) for at in (0, 15)] == [None, None]


def test_cards_are_told_apart_and_what_is_old_is_forgotten() -> None:
    seen = Throttling()
    seen.ratio("a", 0, seconds(0))
    seen.ratio("b", 0, seconds(0))
    assert seen.ratio("b", 10, seconds(5)) == 0.5
    for at in range(10, int(20 * WINDOW_S), 10):
        share = seen.ratio("a", at, seconds(0))
    assert share == 0
    assert len(seen._seen["a"]) <= WINDOW_S / 10 + 2
