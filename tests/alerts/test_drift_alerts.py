"""Alerts on drift: a model's own limits name features, the fleet's default is for any."""

from pathlib import Path

import pytest

from alerts import drift
from tests.alerts.staging import Scene, chat, complaints

STATISTIC = chat("model:drift:statistic", feature_name="language", method="psi")
NOISE = chat("model:drift:noise_floor", feature_name="language", method="psi")


def scene(limit: str, **labels: str) -> Scene:
    threshold = chat("model:threshold:value", signal="drift", hold="30m", limit=limit, **labels)
    return Scene(
        alert="ModelDriftHigh",
        hold="30m",
        summary=f"language of chat has drifted: psi is 0.50, over its limit of {limit}.",
        labels={"feature_name": "language", "method": "psi", "limit": limit},
        fires={STATISTIC: 0.5, NOISE: 0.05, threshold: float(limit)},
        silent={
            "at the limit": {STATISTIC: float(limit)},
            "few samples, so that chance reaches further": {NOISE: 0.6},
        },
    )


@pytest.mark.real
@pytest.mark.parametrize(
    "of_whom",
    [scene("0.25", feature_name="language"), scene("0.2")],
    ids=["the model's own limit", "the default of the fleet"],
)
def test_drift_is_told_of_when_it_is_more_than_chance(
    promtool: Path, of_whom: Scene, tmp_path: Path
) -> None:
    assert not complaints(promtool, drift.ALERTS, of_whom, tmp_path)
