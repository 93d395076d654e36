"""ECOD on weeks of which everything is known."""

import numpy as np

from generator.forecasting.history import DAY, Numbers, Usual, usual
from generator.forecasting.outliers import outliers
from tests.forecasting.weeks import history, week_after_week

SHARE = 0.01
SIGNALS = 4


def model(seed: int, weeks: int = 8) -> list[Numbers]:
    """The signals of a model, that share a rhythm and no noise."""
    return [
        week_after_week(weeks, seed=SIGNALS * seed + signal, more_hours=DAY)
        for signal in range(SIGNALS)
    ]


def rhythms(signals: list[Numbers]) -> list[Usual]:
    return [usual(history(values)) for values in signals]


def test_the_share_of_clean_days_is_near_the_one_that_is_set() -> None:
    found = [outliers(rhythms(model(seed)), SHARE).mean() for seed in range(24)]
    assert 0.5 * SHARE <= np.mean(found) <= 2 * SHARE


def test_planted_rows_are_found() -> None:
    signals = model(seed=3)
    for values in signals:
        values[-DAY + 5] *= 1.3
        values[-DAY + 17] *= 0.7
    found = outliers(rhythms(signals), SHARE)
    assert {5, 17} <= set(np.flatnonzero(found))


def test_an_hour_that_lacks_a_signal_is_not_judged() -> None:
    signals = model(seed=3)
    signals[2][-4:] = np.nan
    assert len(outliers(rhythms(signals), SHARE)) == DAY - 4


def test_signals_that_are_never_known_together_are_not_judged() -> None:
    first, second = model(seed=3)[:2]
    even = np.arange(len(first)) % 2 == 0
    first[even], second[~even] = np.nan, np.nan
    assert not len(outliers(rhythms([first, second]), SHARE))


def test_signals_of_different_length_are_judged_over_the_time_they_share() -> None:
    signals = [*model(seed=3, weeks=8)[:2], *model(seed=4, weeks=4)[:2]]
    assert len(outliers(rhythms(signals), SHARE)) == DAY
