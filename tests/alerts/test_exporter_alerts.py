"""Alerts on exporters of ours that read, accept or reload less than they should."""

from pathlib import Path

import pytest

from alerts import exporters
from modelwatch.promql import select
from tests.alerts.staging import Scene, complaints

QUALITY = {"job": "modelwatch-quality", "instance": "q:9467", "exporter": "quality"}
SCORES = {**QUALITY, "collector": "scores"}
UP = select("modelwatch_exporter_up", SCORES)
RELOADED = select("modelwatch_exporter_config_last_reload_successful", QUALITY)
TOO_LARGE = {**QUALITY, "reason": "too_large"}
REFUSED = select("modelwatch_exporter_requests_rejected_total", TOO_LARGE)
PLACE = {"job": "modelwatch-quality", "instance": "q:9467"}
WRITABLE = select("modelwatch_quality_state_writable", PLACE)
VERSION = {**QUALITY, "label": "version"}
OVERFLOW = select("modelwatch_exporter_label_overflow_total", VERSION)


def stale(answers: float | str) -> Scene:
    return Scene(
        alert="ExporterStale",
        hold="10m",
        summary="Collector scores of exporter quality answers 0% of scrapes, below its limit of "
        "50%: its figures disappear.",
        labels=SCORES,
        fires={UP: answers},
        silent={
            "it answers": {UP: 1},
            "it fails now and then": {UP: "1x3 0 1x3 0 1x3 0 1x3 0 1"},
            "it failed for four minutes": {UP: "1x10 0x3 1"},
            "no such exporter": {UP: ""},
        },
    )


ONE_ANSWER = "0x4 1 0"
"""An answer after five minutes does not start the wait anew."""

SCENES = [
    stale(0),
    stale(ONE_ANSWER),
    Scene(
        alert="ExporterReloadFailed",
        hold="5m",
        summary="Exporter quality at q:9467 refused its new configuration and runs on with the "
        "old one.",
        labels=QUALITY,
        fires={RELOADED: 0},
        silent={"it worked": {RELOADED: 1}},
    ),
    Scene(
        alert="ExporterRefusesRequests",
        hold="10m",
        summary="Exporter quality refused 36 requests in half an hour (too_large), over its limit "
        "of 10: what they carried is lost.",
        labels=TOO_LARGE,
        fires={REFUSED: "0+2"},
        silent={"long ago": {REFUSED: "900+0"}, "now and then": {REFUSED: "0+0.25"}},
    ),
    Scene(
        alert="ExporterStateNotWritable",
        hold="5m",
        summary="The exporter modelwatch-quality at q:9467 cannot keep what it is sent: scores and "
        "labels are refused, drift is counted in memory only.",
        labels=PLACE,
        fires={WRITABLE: 0},
        silent={
            "it can write": {WRITABLE: 1},
            "for four minutes": {WRITABLE: "1x10 0x3 1"},
            "no such exporter": {WRITABLE: ""},
        },
    ),
    Scene(
        alert="ExporterLabelsOverflow",
        hold="5m",
        summary="Exporter quality counted 26 samples in half an hour as version `other`; the limit "
        "is none.",
        labels=VERSION,
        fires={OVERFLOW: "0+2"},
        silent={"long ago": {OVERFLOW: "900+0"}, "none ever": {OVERFLOW: 0}},
    ),
]


@pytest.mark.real
@pytest.mark.parametrize("scene", SCENES, ids=str)
def test_an_exporter_that_does_less_than_it_should_is_told(
    promtool: Path, scene: Scene, tmp_path: Path
) -> None:
    assert not complaints(promtool, exporters.ALERTS, scene, tmp_path)


def test_every_alert_about_exporters_has_a_scene() -> None:
    assert {alert.name for alert in exporters.ALERTS} == {scene.alert for scene in SCENES}
