"""How often the band of the weeks before is wrong where nothing is: what docs/forecast.md says."""

import re
from pathlib import Path

import numpy as np
import pytest

from alerts.recorded import baselines

HOURS = 200_000
LIMIT = 4
"""The fleet's default of `anomaly`."""
PAGE = (Path(__file__).parents[2] / "docs" / "forecast.md").read_text("utf-8")
TABLE = re.findall(r"^\| (\d+) % \| ([\d.]+) % \| ([\d.]+) % \| ([\d.]+) % \|$", PAGE, re.MULTILINE)


def outside(weeks: int, noise: float) -> float:
    """Share of hours outside the band of so many weeks; all are of one distribution."""
    chance = np.random.default_rng(1).normal(0, noise, (HOURS, weeks + 1))
    hours = np.exp(chance)
    before, now = hours[:, :weeks], hours[:, weeks]
    middle = np.median(before, axis=1)
    distance = np.median(np.abs(before - middle[:, None]), axis=1)
    spread = np.maximum(baselines.NORMAL * distance, baselines.LEAST * middle)
    return float((np.abs(now - middle) > LIMIT * spread).mean())


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"noise of {row[0]} %")
def test_the_page_says_how_often_the_band_is_wrong(row: tuple[str, ...]) -> None:
    noise, *said = (float(cell) / 100 for cell in row)
    found = [outside(weeks, noise) for weeks in (1, 2, 4)]
    assert found == pytest.approx(said, rel=0.1, abs=0.0003)


def test_the_page_has_that_table() -> None:
    assert len(TABLE) == 4
