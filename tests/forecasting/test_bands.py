"""Prophet's bands on weeks of which everything is known."""

import warnings

import numpy as np
import pandas as pd
import pytest
from prophet import Prophet

from generator.forecasting.bands import Band, band
from generator.forecasting.history import DAY, WEEK, Numbers, usual
from tests.forecasting.weeks import history, rhythm, week_after_week

WIDTH = 0.99
RUNS = range(12)


def banded(values: Numbers) -> Band:
    known = history(values)
    assert not known.mistake
    return band(known, usual(known), WIDTH)


def share_outside(weeks: int, growth: float) -> float:
    """Of the two days that were not learned from, over several runs of chance."""
    found = []
    for seed in RUNS:
        values = week_after_week(weeks, seed=seed, growth=growth, more_hours=2 * DAY)
        found.append(banded(values[:-DAY]).outside(values[-2 * DAY :]).mean())
    return float(np.mean(found))


@pytest.mark.parametrize("weeks", [2, 8])
@pytest.mark.parametrize("growth", [0, 0.05], ids=["steady", "5 % more each week"])
def test_a_band_covers_nearly_all_of_what_is_as_it_was(weeks: int, growth: float) -> None:
    assert share_outside(weeks, growth) <= 0.03


def test_a_band_is_little_wider_than_the_noise_needs() -> None:
    values = week_after_week(8, more_hours=DAY)
    found = banded(values)
    needed = np.exp(2 * 2.576 * 0.05)
    assert np.median(found.upper / found.lower) == pytest.approx(needed, rel=0.15)


def test_a_band_is_much_narrower_than_with_prophets_own_seasons() -> None:
    values = week_after_week(8, more_hours=DAY)
    known = history(values)
    own = Prophet(interval_width=WIDTH, yearly_seasonality=False)
    ds = pd.to_datetime(known.times(0, len(values)), unit="s")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        own.fit(pd.DataFrame({"ds": ds, "y": np.log(values)}))
        found = own.predict(pd.DataFrame({"ds": ds[-DAY:]}))
    theirs = np.median(np.exp(found["yhat_upper"] - found["yhat_lower"]))
    assert theirs > 4 * np.median(banded(values).upper / banded(values).lower)


def test_what_is_expected_follows_the_hours_of_the_week() -> None:
    values = week_after_week(8, more_hours=DAY)
    hours = np.arange(8 * WEEK, 8 * WEEK + 2 * DAY, dtype=np.float64)
    assert banded(values).value == pytest.approx(rhythm(hours), rel=0.1)


def test_a_planted_spike_is_outside_and_nothing_beside_it() -> None:
    values = week_after_week(8, more_hours=DAY)
    values[-5] *= 1.5
    assert np.flatnonzero(banded(values).outside(values[-DAY:])).tolist() == [DAY - 5]


@pytest.mark.parametrize("times", [0.6, 1.6])
def test_a_planted_shift_of_level_is_outside_as_long_as_it_lasts(times: float) -> None:
    values = week_after_week(8, more_hours=DAY)
    values[-12:] *= times
    assert banded(values).outside(values[-DAY:])[-12:].tolist() == [1] * 12


def test_a_day_that_is_judged_does_not_move_its_own_band() -> None:
    values = week_after_week(4, more_hours=DAY)
    shifted = values.copy()
    shifted[-DAY:] *= 10
    assert banded(values).upper.tolist() == banded(shifted).upper.tolist()


def test_hours_without_anything_are_forecast_without_falling_below_zero() -> None:
    values = week_after_week(4, more_hours=DAY)
    values[np.arange(len(values)) % DAY < 6] = 0
    found = banded(values)
    assert (found.lower >= 0).all()
    assert found.value[-DAY:][:6] == pytest.approx(np.zeros(6), abs=1)


def test_an_outage_on_the_judged_day_is_outside() -> None:
    values = week_after_week(4, more_hours=DAY)
    values[-3:] = 0
    assert banded(values).outside(values[-DAY:])[-3:].tolist() == [1, 1, 1]


def test_hours_that_are_missing_cost_nothing_but_themselves() -> None:
    values = week_after_week(8, more_hours=DAY)
    values[100:160] = np.nan
    assert banded(values).outside(values[-DAY:]).mean() <= 0.05


@pytest.mark.parametrize(
    ("values", "mistake"),
    [
        pytest.param(week_after_week(1), "6 of the 14 days are known that it takes", id="young"),
        pytest.param(np.zeros(4 * WEEK), "it was zero all the time", id="zero"),
        pytest.param(
            np.where(np.arange(4 * WEEK) % 2, 1.0, np.nan),
            "50% of its hours are missing",
            id="gaps",
        ),
        pytest.param(np.empty(0), "0 of the 14 days are known that it takes", id="nothing"),
    ],
)
def test_what_cannot_be_learned_from_says_why(values: Numbers, mistake: str) -> None:
    assert history(values).mistake == mistake
