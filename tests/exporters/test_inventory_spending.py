"""Spend by the calendar of each budget, from samples in a real Prometheus of either release."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from alerts.recorded import windows
from exporters.inventory import spending
from exporters.inventory.periods import period_of
from exporters.inventory.prometheus import Prometheus
from exporters.inventory.spending import Spend, spend
from modelwatch.catalogue.steps import BUDGET_SAMPLES
from modelwatch.inventory import Budget, Quantity
from tests import real
from tests.exporters.prometheus_server import backfill, prometheus

HOUR = 3600
DAY = 24 * HOUR


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def budget(name: str, period: str = "month", zone: str = "UTC") -> Budget:
    return Budget(
        name=name,
        scope="team",
        subject="assist",
        environment="production",
        amount=Quantity(value=Decimal(100), text="100 USD per month"),
        period=period,
        shares=(),
        team="assist",
        tier=2,
        policy="tier-2",
        timezone=zone,
    )


# Periods.


@pytest.mark.parametrize(
    ("kind", "zone", "at", "start", "end"),
    [
        ("month", "UTC", "2026-02-28T23:30Z", "2026-02-01T00:00Z", "2026-03-01T00:00Z"),
        ("month", "Europe/Berlin", "2026-02-28T23:30Z", "2026-02-28T23:00Z", "2026-03-31T22:00Z"),
        (
            "month",
            "America/New_York",
            "2026-03-01T03:00Z",
            "2026-02-01T05:00Z",
            "2026-03-01T05:00Z",
        ),
        ("month", "UTC", "2027-12-31T23:59Z", "2027-12-01T00:00Z", "2028-01-01T00:00Z"),
        ("month", "Asia/Kathmandu", "2026-05-31T18:15Z", "2026-05-31T18:15Z", "2026-06-30T18:15Z"),
        ("day", "Europe/Berlin", "2026-03-29T12:00Z", "2026-03-28T23:00Z", "2026-03-29T22:00Z"),
        ("day", "Europe/Berlin", "2026-10-25T12:00Z", "2026-10-24T22:00Z", "2026-10-25T23:00Z"),
        (
            "day",
            "Pacific/Kiritimati",
            "2026-03-01T09:59Z",
            "2026-02-28T10:00Z",
            "2026-03-01T10:00Z",
        ),
        # No midnight: clocks go from 00:00 to 01:00, and the day begins with that.
        ("day", "Africa/Cairo", "2026-04-24T06:00Z", "2026-04-23T22:00Z", "2026-04-24T21:00Z"),
        # Two midnights: clocks go from 01:00 back to 00:00.
        ("day", "America/Havana", "2026-11-01T12:00Z", "2026-11-01T04:00Z", "2026-11-02T05:00Z"),
    ],
    ids=[
        "month",
        "month elsewhere",
        "the month before elsewhere",
        "end of a year",
        "odd offset",
        "23 hours",
        "25 hours",
        "14 hours ahead",
        "no midnight",
        "two midnights",
    ],
)
def test_a_period_begins_at_midnight_where_the_budget_is(
    kind: str, zone: str, at: str, start: str, end: str
) -> None:
    found = period_of(kind, zone, moment(at))
    assert (found.start, found.end) == (moment(start), moment(end))


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Tokyo"])
def test_periods_follow_each_other_without_gap_or_overlap(zone: str) -> None:
    at, last = moment("2026-01-01T12:00Z"), moment("2027-02-01T12:00Z")
    while at < last:
        found = period_of("day", zone, at)
        assert found.start <= at < found.end
        assert period_of("day", zone, found.end).start == found.end
        month = period_of("month", zone, at)
        assert month.start <= found.start < found.end <= month.end
        at = found.end


def test_samples_are_taken_as_often_as_the_rules_record_them() -> None:
    assert windows.SLOW == spending.SAMPLED_EVERY


# Spend. All budgets have the samples of one history; it ends at 1 March, 12:00 UTC.

NOW = moment("2026-03-01T12:00Z")
CHANGE = moment("2026-02-28T23:00Z")  # the turn of the month in Berlin
EVERY = 240
QUIET, LOUD = 0.001, 0.002  # USD per second before and after


def _rate(at: float) -> float:
    return LOUD if at > CHANGE else QUIET


def _samples(name: str, start: float, *, gap: tuple[float, float] = (0, 0)) -> Iterator[str]:
    at = start + EVERY
    while at <= NOW:
        if not gap[0] < at <= gap[1]:
            when = datetime.fromtimestamp(at, UTC)
            labels = f'budget="{name}",environment="production",month="{when.month}"'
            yield f'{BUDGET_SAMPLES}{{{labels},day="{when.day}"}} {_rate(at)} {at:.0f}\n'
        at += EVERY


HISTORY = (
    *_samples("long", NOW - 9 * DAY),
    *_samples("gap", NOW - 9 * DAY, gap=(NOW - 4 * HOUR, NOW - HOUR)),
    *_samples("new", NOW - 6 * HOUR),
    *_samples("newest", NOW - 8 * EVERY),
)


@pytest.fixture(scope="module", params=["on PATH", "3.x"], name="known")
def _known(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("past")
    path = os.environ["PATH"] if request.param == "on PATH" else real.path_of_three()
    backfill(sorted(HISTORY), folder, path)
    with prometheus(folder, path) as url:
        yield Prometheus(url=url)


def _found(known: Prometheus, one: Budget, at: float = NOW) -> Spend:
    return spend(known, [one], at)[one.name]


@pytest.mark.real
@pytest.mark.parametrize(
    ("kind", "zone", "quiet", "loud"),
    [
        ("month", "UTC", 0, 12),
        ("month", "Europe/Berlin", 0, 13),
        ("month", "Asia/Tokyo", 8, 13),
        ("month", "America/Los_Angeles", 0, 4),
        ("day", "UTC", 0, 12),
        ("day", "Europe/Berlin", 0, 13),
        ("day", "Asia/Tokyo", 8, 13),
        ("day", "Asia/Kolkata", 4.5, 13),
        ("day", "Pacific/Kiritimati", 0, 2),
    ],
    ids=str,
)
def test_spend_is_counted_from_the_midnight_of_the_budget(
    known: Prometheus, kind: str, zone: str, quiet: float, loud: float
) -> None:
    found = _found(known, budget("long", kind, zone))
    expected = HOUR * (quiet * QUIET + loud * LOUD)
    # A midnight at half past may fall between two samples.
    assert found.spent == pytest.approx(expected, abs=EVERY * QUIET if quiet % 1 else 1e-6)
    assert found.observed == 1


@pytest.mark.real
def test_what_is_left_of_a_month_goes_as_the_last_week_did(known: Prometheus) -> None:
    # Until 1 April, 00:00: four weeks, and 60 hours as they were after 22 February, 12:00.
    week = HOUR * ((7 * 24 - 13) * QUIET + 13 * LOUD)
    expected = HOUR * 12 * LOUD + 4 * week + HOUR * 60 * QUIET
    assert _found(known, budget("long")).forecast == pytest.approx(expected)


@pytest.mark.real
def test_what_is_left_of_a_day_goes_as_the_same_hours_a_week_ago(known: Prometheus) -> None:
    expected = HOUR * 12 * LOUD + HOUR * 12 * QUIET
    assert _found(known, budget("long", "day")).forecast == pytest.approx(expected)


@pytest.mark.real
def test_without_a_week_of_history_the_rate_of_the_period_goes_on(known: Prometheus) -> None:
    found = _found(known, budget("new", "day"))
    assert found.spent == pytest.approx(HOUR * 6 * LOUD)
    assert found.forecast == pytest.approx(HOUR * 18 * LOUD)
    assert found.observed == pytest.approx(0.5)


@pytest.mark.real
def test_half_an_hour_is_spend_but_no_forecast(known: Prometheus) -> None:
    found = _found(known, budget("newest"))
    assert found.spent == pytest.approx(8 * EVERY * LOUD)
    assert found.forecast is None
    assert found.observed == pytest.approx(8 * EVERY / (12 * HOUR))


@pytest.mark.real
def test_an_outage_is_told_and_not_filled_in(known: Prometheus) -> None:
    found = _found(known, budget("gap", "day"))
    assert found.observed == pytest.approx(9 / 12)
    assert found.spent == pytest.approx(HOUR * 9 * LOUD)
    assert found.forecast == pytest.approx(HOUR * (9 * LOUD + 12 * QUIET))


@pytest.mark.real
def test_of_a_budget_without_samples_nothing_is_known(known: Prometheus) -> None:
    found = _found(known, budget("other"))
    assert (found.spent, found.forecast, found.observed) == (None, None, 0)


@pytest.mark.real
@pytest.mark.parametrize(
    ("after_s", "spent"), [(0, 0), (30, 0), (239, 0), (240, 1), (479, 1), (480, 2)], ids=str
)
def test_a_period_begins_with_nothing_spent(known: Prometheus, after_s: int, spent: int) -> None:
    found = _found(known, budget("long"), moment("2026-03-01T00:00Z") + after_s)
    assert found.spent == pytest.approx(spent * EVERY * LOUD)
    assert found.observed == 1


@pytest.mark.real
def test_just_before_midnight_the_old_period_is_complete(known: Prometheus) -> None:
    found = _found(known, budget("long", "day"), moment("2026-03-01T00:00Z") - 0.001)
    assert found.spent == pytest.approx(HOUR * (23 * QUIET + LOUD) - EVERY * LOUD)
    assert found.period.end == moment("2026-03-01T00:00Z")


@pytest.mark.real
def test_compressed_time_has_its_samples_closer_together(known: Prometheus) -> None:
    (found,) = spend(known, [budget("long", "day")], NOW, time_compression=2).values()
    assert found.spent == pytest.approx(HOUR * 12 * LOUD / 2)


@pytest.mark.real
def test_hundreds_of_budgets_in_several_zones_are_asked_for_together(known: Prometheus) -> None:
    others = [budget(f"other-{number}") for number in range(2 * spending.AT_ONCE)]
    several = [*others, budget("long"), replace(budget("new"), timezone="Asia/Tokyo")]
    found = spend(known, several, NOW)
    assert len(found) == len(several)
    assert found["long"].spent == pytest.approx(HOUR * 12 * LOUD)
    assert found["new"].spent == pytest.approx(HOUR * 6 * LOUD)
    assert found["other-7"].spent is None
