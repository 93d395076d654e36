"""Alerts on drift: a feature, a critical one, many at once, an old baseline, nothing observed.

That a statistic is above chance, in two windows and with enough values, is recorded before: see
`tests/recorded/drift-slow.yaml`.
"""

from pathlib import Path

import pytest

from alerts import drift
from tests.alerts.staging import Scene, chat, complaints

FEATURE = {"feature_name": "language", "baseline": "3f2a51c09e77", "window": "6h"}
FOUND = chat("model:drift:found", method="psi", **FEATURE)
FLOOR = chat("model:drift:noise_floor", method="psi", **FEATURE)
VALUES = chat("model:drift:samples", **FEATURE)
OBSERVATIONS = chat("model:drift:observations", **FEATURE)
AGE = chat("model:drift_baseline:age_seconds", baseline="3f2a51c09e77")
SHARE = chat("model:drift:share")
FEATURES = chat("model:drift:features")
WATCHED = chat("modelwatch_drift_feature_info", feature_name="language", critical="false")
CRITICAL = chat("modelwatch_drift_feature_info", feature_name="language", critical="true")
LIMIT_OF_SHARE = chat("model:threshold:value", signal="drift_share", hold="30m", limit="30%")
DAY_S = 86_400


def limit(value: str, **labels: str) -> str:
    return chat(
        "model:threshold:value", signal="drift", hold="30m", method="psi", limit=value, **labels
    )


def drifted(alert: str, who: str, watched: str, threshold: str, value: str) -> Scene:
    return Scene(
        alert=alert,
        hold="30m",
        summary=f"{who} has drifted from baseline 3f2a51c09e77 (1d 1h 0m 0s old): psi is 0.500, "
        f"over its limit of {value}; chance alone reaches 0.044 with 1.2k values of 1.25k "
        "observations.",
        labels={**FEATURE, "method": "psi", "limit": value},
        fires={
            FOUND: 0.5,
            FLOOR: 0.044,
            VALUES: 1200,
            OBSERVATIONS: 1250,
            AGE: 25 * 3600,
            watched: 1,
            threshold: float(value),
        },
        silent={
            "not drifted in two windows, or not above chance": {FOUND: ""},
            "at a limit that was just raised": {FOUND: float(value)},
            "nobody watches it": {watched: ""},
            "the other way to be watched": {
                watched: "",
                (WATCHED if watched == CRITICAL else CRITICAL): 1,
            },
        },
    )


SINGLE = drifted(
    "ModelDriftHigh", "language of chat", WATCHED, limit("0.25", feature_name="language"), "0.25"
)
SCENES = {
    "the feature's own limit": SINGLE,
    "the limit of all features": drifted(
        "ModelDriftHigh", "language of chat", WATCHED, limit("0.2"), "0.2"
    ),
    "a critical feature": drifted(
        "ModelCriticalFeatureDrifted",
        "language, a critical feature of chat,",
        CRITICAL,
        limit("0.2"),
        "0.2",
    ),
    "the feature's own limit takes the place of that of all": Scene(
        alert=SINGLE.alert,
        hold=SINGLE.hold,
        summary=SINGLE.summary,
        labels=SINGLE.labels,
        fires={**SINGLE.fires, limit("0.2"): 0.2},
        silent={"between both": {FOUND: 0.22}},
    ),
    "many features take the place of a single one": Scene(
        alert=SINGLE.alert,
        hold=SINGLE.hold,
        summary=SINGLE.summary,
        labels=SINGLE.labels,
        fires={**SINGLE.fires, SHARE: 0.5, FEATURES: 1, LIMIT_OF_SHARE: 0.3},
        silent={"more than one feature": {FEATURES: 2}},
    ),
    "many features": Scene(
        alert="ModelDriftWidespread",
        hold="30m",
        summary="50% of the watched features of chat have drifted, over the limit of 30%.",
        labels={"limit": "30%"},
        fires={SHARE: 0.5, FEATURES: 2, LIMIT_OF_SHARE: 0.3},
        silent={"at the limit": {SHARE: 0.3}, "a single feature": {FEATURES: 1}},
    ),
    "an old baseline": Scene(
        alert="ModelBaselineOld",
        hold="1h",
        summary="Baseline 3f2a51c09e77 of chat is 181 days old, over its limit of 180.",
        labels={"limit": "180", "baseline": "3f2a51c09e77"},
        fires={
            AGE: 181 * DAY_S,
            chat("model:threshold:value", signal="baseline_age", hold="1h", limit="180"): 180,
        },
        silent={"not yet": {AGE: 180 * DAY_S}, "a new baseline": {AGE: 0}},
    ),
}


@pytest.mark.real
@pytest.mark.parametrize("scene", SCENES.values(), ids=list(SCENES))
def test_drift_is_told_with_what_it_rests_on(promtool: Path, scene: Scene, tmp_path: Path) -> None:
    assert not complaints(promtool, drift.ALERTS, scene, tmp_path)


LAST_HOUR = chat("model:drift:observations", feature_name="language", window="1h")
ELSEWHERE = chat("model:drift:samples", feature_name="language")
REQUESTS = chat("model:requests:rate1h")
SEEN = {
    chat("modelwatch_drift_feature_info", feature_name="age", critical="true"): 1,
    chat("model:drift:observations", feature_name="age", window="1h"): 9,
}
UNOBSERVED = {
    WATCHED: 1,
    **SEEN,
    REQUESTS: 3,
    chat("model:threshold:value", signal="drift_silent", hold="6h", limit="for 6h"): 0,
}


@pytest.mark.real
@pytest.mark.parametrize(
    "none", [{}, {LAST_HOUR: 0}], ids=["no exporter at all", "an exporter that gets nothing"]
)
def test_a_model_that_is_watched_and_not_observed_is_told(
    promtool: Path, none: dict[str, float], tmp_path: Path
) -> None:
    scene = Scene(
        alert="ModelDriftUnobserved",
        hold="6h",
        summary="1 of the features of chat that are watched for drift have not been observed for "
        "6h: of them no drift can be found.",
        fires={**UNOBSERVED, **none},
        silent={
            "observations come": {LAST_HOUR: 1},
            "others compute the statistic": {ELSEWHERE: 1},
            "the model gets no requests": {REQUESTS: 0},
            "it is not watched": {WATCHED: ""},
        },
    )
    assert not complaints(promtool, drift.ALERTS, scene, tmp_path)
