"""Weeks of a signal of which everything is known: its rhythm, its growth and its noise."""

import numpy as np

from generator.forecasting.history import DAY, WEEK, History, Numbers

NOISE = 0.05
"""Of the level, as a standard deviation."""
END = 1_700_002_800.0
"""A full hour: Tuesday, 23:00 UTC."""


def rhythm(hours: Numbers) -> Numbers:
    """Office hours on weekdays, a wave through each day."""
    busy = (hours % DAY >= 8) & (hours % DAY < 18) & (hours // DAY % 7 < 5)
    return np.where(busy, 20.0, 4.0) * (1 + 0.2 * np.sin(2 * np.pi * hours / DAY))


def week_after_week(
    weeks: int, *, seed: int = 1, growth: float = 0.0, noise: float = NOISE, more_hours: int = 0
) -> Numbers:
    """Hourly values; `growth` is per week, `more_hours` follow the weeks."""
    hours = np.arange(weeks * WEEK + more_hours, dtype=np.float64)
    chance = np.random.default_rng(seed).normal(0, noise, len(hours))
    return np.asarray(rhythm(hours) * np.exp(growth * hours / WEEK + chance))


def history(values: Numbers, signal: str = "requests") -> History:
    return History(model="chat", environment="production", signal=signal, end=END, values=values)
