"""Alerts on a distribution that left its own past: two references, chance, enough values."""

from pathlib import Path

import pytest

from alerts import own_past
from tests.alerts.staging import Scene, chat, complaints

WEEK = {"baseline": "week_before", "window": "1h"}
DAYS = {"baseline": "recent_days", "window": "1h"}
LIMIT = chat("model:threshold:value", signal="drift_own_past", hold="30m", limit="0.2")
FLOOR = chat("model:floor:events", signal="drift")


def statistic(feature: str, reference: dict[str, str]) -> str:
    return chat("model:drift:statistic", feature_name=feature, method="ks", **reference)


def noise(feature: str, reference: dict[str, str]) -> str:
    return chat("model:drift:noise_floor", feature_name=feature, method="ks", **reference)


def samples(feature: str) -> str:
    return chat("model:drift:samples", feature_name=feature, **WEEK)


def told(alert: str, severity: str = "ticket") -> str:
    return chat("ALERTS", alertname=alert, alertstate="firing", severity=severity)


def scene(feature: str, silent: dict[str, dict[str, float | str]] | None = None) -> Scene:
    return Scene(
        alert="ModelDistributionShifted",
        hold="30m",
        summary=f"{feature} of chat is spread otherwise than at this hour a week ago, and on the "
        "days before: the distance is 0.50, over its limit of 0.2.",
        labels={"feature_name": feature, "limit": "0.2"},
        fires={
            statistic(feature, WEEK): 0.5,
            statistic(feature, DAYS): 0.4,
            noise(feature, WEEK): 0.1,
            noise(feature, DAYS): 0.1,
            samples(feature): 500,
            LIMIT: 0.2,
            FLOOR: 500,
            # Said of another model, or of nobody.
            'ALERTS{model="other",environment="production",alertname="ModelFirstTokenSlow",'
            'alertstate="firing",severity="page"}': 1,
            told("ModelLatencyHigh", "dashboard"): 1,
        },
        silent=silent or {},
    )


@pytest.mark.real
def test_a_shift_is_told_when_both_references_and_enough_values_say_so(
    promtool: Path, tmp_path: Path
) -> None:
    feature = "prompt_length"
    silences: dict[str, dict[str, float | str]] = {
        "last week was odd, the days before were not": {statistic(feature, DAYS): 0.19},
        "last week was like now": {statistic(feature, WEEK): 0.2},
        "there was no week before": {statistic(feature, WEEK): "", noise(feature, WEEK): ""},
        "so few values that chance reaches further": {noise(feature, WEEK): 0.55},
        "so few on the days before": {noise(feature, DAYS): 0.45},
        "too few values": {samples(feature): 499},
    }
    assert not complaints(promtool, own_past.ALERTS, scene(feature, silences), tmp_path)


@pytest.mark.real
def test_longer_prompts_are_told_beside_the_slow_first_token_that_they_cause(
    promtool: Path, tmp_path: Path
) -> None:
    of_prompts = scene("prompt_length")
    fires = {**of_prompts.fires, told("ModelFirstTokenSlow"): 1}
    longer = Scene(
        alert=of_prompts.alert,
        hold=of_prompts.hold,
        summary=of_prompts.summary,
        labels=of_prompts.labels,
        fires=fires,
        silent={},
    )
    assert not complaints(promtool, own_past.ALERTS, longer, tmp_path)


@pytest.mark.real
@pytest.mark.parametrize(
    "alert", ["ModelFirstTokenSlow", "ModelFirstTokenBurn1h", "ModelLatencyUnusual"]
)
def test_a_duration_is_left_to_the_alerts_on_latency(
    promtool: Path, tmp_path: Path, alert: str
) -> None:
    silent: dict[str, dict[str, float | str]] = {"told already": {told(alert): 1}}
    durations = scene("time_to_first_token", silent)
    assert not complaints(promtool, own_past.ALERTS, durations, tmp_path)
