"""Alerts on what synthetic requests say."""

from pathlib import Path

import pytest

from alerts import probe
from modelwatch.rules import Urgency
from tests.alerts.staging import INVENTORY, Scene, chat, complaints

GOLDEN = {"probe": "golden"}
PROMPT = {**GOLDEN, "prompt": "capital"}


def limit(signal: str, value: float, hold: str, text: str) -> dict[str, float | str]:
    return {chat("model:threshold:value", signal=signal, hold=hold, limit=text): value}


FAILURES = chat("model:probe_failures:ratio_last5", **GOLDEN)
FAILED = chat("modelwatch_probe_recent_failed_runs", **GOLDEN)
FAILURE_LIMIT = limit("probe_failures", 0.5, "5m", "50%")
WRONG = chat("model:probe_wrong:ratio_last5", **PROMPT)
WRONG_ANSWERS = chat("modelwatch_probe_recent_wrong_answers", **PROMPT)
RAN = chat("model:probe_ran:bool", **GOLDEN)
CAPPED = chat("modelwatch_probe_cap_reached", **GOLDEN)
AS_ASKED = chat("modelwatch_probe_served_as_asked", **GOLDEN)
SERVED = chat("modelwatch_probe_served_model_info", served_model="tiny", **GOLDEN)
CERTIFICATE = chat("model:probe_certificate_left:seconds", **GOLDEN)
RETIREMENT = chat("model:retirement_left:seconds")

DOWN = chat("ALERTS", alertname="ModelEndpointDown", alertstate="firing", severity="page")

SCENES = [
    Scene(
        alert="ModelProbeFailing",
        hold="5m",
        summary="chat does not answer: 60% of the last runs of probe golden failed, over its "
        "limit of 50%.",
        labels={**GOLDEN, "limit": "50%"},
        fires={FAILURES: 0.6, FAILED: 3, **FAILURE_LIMIT},
        silent={
            "two of five": {FAILURES: 0.4, FAILED: 2},
            "one failed run, the first of all": {FAILURES: 1, FAILED: 1},
            "no run lately": {FAILURES: "", FAILED: ""},
            "the outage was told": {DOWN: 1},
            "failures come and go": {FAILURES: "0.6+0x3 0.2 0.6+0x3 0.2 0.6+0"},
        },
    ),
    Scene(
        alert="ModelProbeWrongAnswers",
        hold="30m",
        summary="chat answers 80% of the last golden prompts capital (probe golden) wrong, over "
        "its limit of 50%.",
        labels={**PROMPT, "limit": "50%"},
        fires={WRONG: 0.8, WRONG_ANSWERS: 4, **limit("probe_wrong", 0.5, "30m", "50%")},
        silent={
            "one wrong answer": {WRONG: 1, WRONG_ANSWERS: 1},
            "another prompt is wrong once": {WRONG: 0.2, WRONG_ANSWERS: 1},
        },
    ),
    Scene(
        alert="ModelServedSilentlySwapped",
        hold="10m",
        summary="Answers of chat come from another model: probe golden was last answered by tiny; "
        "the limit is the model that was asked for.",
        labels={**GOLDEN, "served_model": "tiny"},
        fires={AS_ASKED: 0, SERVED: 1},
        silent={
            "the model that was asked for": {AS_ASKED: 1},
            "no answer names a model": {AS_ASKED: "", SERVED: ""},
        },
    ),
    Scene(
        alert="ModelRetiresSoon",
        hold="1h",
        summary="The provider retires chat in 12 days, under its limit of 30 days.",
        labels={"limit": "30"},
        fires={RETIREMENT: 12 * 86400, **limit("retirement", 30, "1h", "30")},
        silent={"in a year": {RETIREMENT: 365 * 86400}, "no date": {RETIREMENT: ""}},
    ),
    Scene(
        alert="ModelProbeSilent",
        hold="15m",
        summary="Probe golden of chat is declared, but has brought nothing for 15m: it watches "
        "nothing now.",
        labels=GOLDEN,
        fires={RAN: 0, CAPPED: 0, **limit("probe_silent", 0, "15m", "15m")},
        silent={
            "it runs": {RAN: 1},
            "its cap is used up, which is told": {CAPPED: 1},
            "no probe is declared": {RAN: ""},
        },
    ),
    Scene(
        alert="ModelProbeCapReached",
        hold="10m",
        summary="Probe golden of chat has used up its cap of the day: nothing is sent until "
        "midnight UTC.",
        labels=GOLDEN,
        fires={CAPPED: 1},
        silent={"something is left": {CAPPED: 0}},
    ),
    Scene(
        alert="ModelCertificateExpiresSoon",
        hold="10m",
        summary="The certificate of chat ends in 13 days, under the limit of 14 (probe golden).",
        labels=GOLDEN,
        fires={CERTIFICATE: 13 * 86400},
        silent={"in two weeks": {CERTIFICATE: 14 * 86400}, "no TLS": {CERTIFICATE: ""}},
    ),
]


@pytest.mark.real
@pytest.mark.parametrize("scene", SCENES, ids=str)
def test_an_alert_on_probes_fires_and_stays_silent(
    scene: Scene, tmp_path: Path, promtool: Path
) -> None:
    assert not complaints(promtool, probe.ALERTS, scene, tmp_path)


def test_an_outage_is_urgent_and_a_cap_is_no_more_than_a_hint() -> None:
    urgencies = {alert.name: alert.urgency for alert in probe.ALERTS}
    assert urgencies["ModelProbeFailing"] is Urgency.NOW
    assert urgencies["ModelRetiresSoon"] is Urgency.SOON
    assert urgencies["ModelProbeCapReached"] is Urgency.WATCH


def test_the_fleet_has_a_limit_for_each_alert_that_needs_one_by_default() -> None:
    known = {threshold.signal for threshold in INVENTORY.thresholds}
    assert {"probe_failures", "probe_wrong", "probe_silent", "retirement"} <= known
