"""Alerts on accuracy: by scores at once, by labels late, and one page when both agree."""

from pathlib import Path

import pytest

from alerts import accuracy, correlated
from tests.alerts.staging import Scene, chat, complaints

DROP = chat("model:threshold:value", signal="accuracy_drop", hold="30m", limit="2%")
ESTIMATED = {
    window: chat("model:estimated_accuracy:drop", baseline="aaa", window=window)
    for window in ("1h", "6h", "1d")
}
OTHER_BASELINE = chat("model:estimated_accuracy:drop", baseline="bbb", window="1h")
STREAM = {"stream": "labels"}
CHANGE, BOUND = (
    chat("model:stream_change:difference", **STREAM),
    chat("model:stream_change:bound", **STREAM),
)


def firing(name: str, signal: str, **labels: str) -> str:
    """An alert of ours that fires."""
    return chat(
        "ALERTS",
        alertname=name,
        alertstate="firing",
        modelwatch="true",
        signal=signal,
        signal_class="quality",
        **labels,
    )


REALISED_FIRES = firing("ModelRealisedAccuracyLow", "realised_accuracy")
TOLD = firing("ModelRealisedAccuracyLow", "realised_accuracy", severity="ticket")
ESTIMATED_FIRES = firing("ModelEstimatedAccuracyLow", "estimated_accuracy")
DRIFT_FIRES = firing("ModelDriftHigh", "drift")

SCENES = [
    Scene(
        alert="ModelEstimatedAccuracyLow",
        hold="30m",
        summary="By its scores chat should be right less often: accuracy is estimated 4% below its "
        "baseline's, over its limit of 2%.",
        labels={"limit": "2%"},
        fires={DROP: 0.02, ESTIMATED["1h"]: 0.03, ESTIMATED["6h"]: 0.04},
        silent={
            "at the limit": {ESTIMATED["1h"]: 0.02},
            "one odd hour, or less than chance before it": {ESTIMATED["6h"]: ""},
            "over since hours": {ESTIMATED["1h"]: ""},
            "another baseline": {ESTIMATED["1h"]: "", OTHER_BASELINE: 0.03},
            "a lone day": {ESTIMATED["1h"]: "", ESTIMATED["6h"]: "", ESTIMATED["1d"]: 0.04},
        },
    ),
    Scene(
        alert="ModelRealisedAccuracyLow",
        hold="30m",
        summary="chat is right less often, say its labels: accuracy is 3% below its baseline's, "
        "over its limit of 2%.",
        labels={"limit": "2%"},
        fires={
            DROP: 0.02,
            chat("model:realised_accuracy:drop", cohorts="1"): 0.03,
            chat("model:realised_accuracy:drop", cohorts="7"): 0.01,
        },
        silent={"at the limit": {chat("model:realised_accuracy:drop", cohorts="1"): 0.02}},
    ),
    Scene(
        alert="ModelConceptDrift",
        hold="30m",
        summary="chat is wrong more often than in the week before: by labels of the last day the "
        "share rose by 5%, over its limit of 2%.",
        labels={"limit": "2%", **STREAM},
        fires={
            chat("model:threshold:value", signal="concept_drift", hold="30m", limit="2%"): 0.02,
            CHANGE: 0.05,
            BOUND: 0.03,
        },
        silent={
            "no more than chance": {BOUND: 0.05},
            "less than anybody minds": {CHANGE: 0.015, BOUND: 0.01},
            "better": {CHANGE: -0.2},
            "told by the drop itself": {TOLD: 1},
        },
    ),
    Scene(
        alert="ModelLabelsMissing",
        hold="1h",
        summary="30% of the predictions of chat have no label though all should be there, over "
        "its limit of 20%.",
        labels={"limit": "20%"},
        fires={
            chat("model:threshold:value", signal="labels_missing", hold="1h", limit="20%"): 0.2,
            chat("model:labels_missing:ratio"): 0.3,
        },
        silent={"as many as may be": {chat("model:labels_missing:ratio"): 0.2}},
    ),
    Scene(
        alert="ModelLabelsLate",
        hold="1h",
        summary="The newest labelled prediction of chat is 9.0 days old, over its limit of 7 days.",
        labels={"limit": "7"},
        fires={
            chat("model:threshold:value", signal="label_delay", hold="1h", limit="7"): 7,
            chat("model:labels_age:days"): 9,
        },
        silent={
            "in time": {chat("model:labels_age:days"): 7},
            "predictions are observed: there were none lately": {
                chat("model:cohort_labelled:ratio", cohort="2026-12-01"): 1
            },
        },
    ),
]

CORRELATED = [
    Scene(
        alert="ModelAccuracyDropped",
        hold="0m",
        summary="chat is right less often, by its labels and by today's scores: 2 alerts at once; "
        "the limit is one kind at a time.",
        fires={REALISED_FIRES: 1, ESTIMATED_FIRES: 1, DRIFT_FIRES: 1},
        silent={"scores alone": {REALISED_FIRES: ""}, "labels alone": {ESTIMATED_FIRES: ""}},
    ),
    Scene(
        alert="ModelDriftAndQuality",
        hold="0m",
        summary="What chat sees has changed and its answers got worse: 2 alerts at once; the limit "
        "is one kind at a time.",
        fires={REALISED_FIRES: 1, DRIFT_FIRES: 1},
        silent={
            "scores and drift are one proxy": {REALISED_FIRES: "", ESTIMATED_FIRES: 1},
            "told with the scores": {ESTIMATED_FIRES: 1},
        },
    ),
]


@pytest.mark.real
@pytest.mark.parametrize("scene", [*SCENES, *CORRELATED], ids=str)
def test_each_alert_on_accuracy_fires_and_stays_silent(
    promtool: Path, scene: Scene, tmp_path: Path
) -> None:
    alerts = [*accuracy.ALERTS, *correlated.ALERTS]
    assert not complaints(promtool, alerts, scene, tmp_path)
