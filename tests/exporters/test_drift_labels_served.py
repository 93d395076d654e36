"""Late labels sent to the drift exporter as a process, which is killed in between."""

import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests
from prometheus_client.parser import text_string_to_metric_families

from exporters.drift.baseline import identified
from modelwatch.catalogue import labels as catalogue
from tests.exporters.drift_ledgers import BASELINE, FRAUD, SCORE
from tests.exporters.test_drift_scraped import Replica, write

CLASSES = tuple(replace(one, correct=(0.9,) * 20 + (None,)) for one in SCORE.classes)
LABELLED = identified(replace(BASELINE, features=(replace(SCORE, classes=CLASSES),)))


def page(replica: Replica) -> dict[tuple[str, str], float]:
    """Samples by name and by what tells them apart: cohorts and verdicts."""
    text = requests.get(f"http://{replica.address}/metrics", timeout=10).text
    return {
        (sample.name, " ".join(sample.labels.get(name, "") for name in ("cohort", "verdict"))): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def label(replica: Replica, *rows: object) -> dict[str, object]:
    url = f"http://{replica.address}/v1/labels"
    found: dict[str, object] = requests.post(url, json=rows, timeout=10).json()
    return found


def test_labels_by_id_find_their_predictions_after_the_exporter_was_killed(tmp_path: Path) -> None:
    (tmp_path / "models.yaml").write_text(FRAUD)
    write(tmp_path, LABELLED)
    replica = Replica(tmp_path, "a")
    try:
        yesterday = datetime.now(UTC) - timedelta(days=1)
        cohort = yesterday.strftime("%Y-%m-%d")
        seen = {"model": "fraud", "score": 0.42, "time": yesterday.isoformat(), "features": {}}
        told = [{**seen, "id": f"tx-{number}", "predicted": "fine"} for number in range(4)]
        assert replica.send(told)["accepted"] == 4
        assert label(replica, {"id": "tx-0", "label": "fine"})["accepted"] == 1
        replica.end(signal.SIGKILL)
        replica.begin()
        said = label(
            replica,
            {"id": "tx-0", "label": "fine"},
            {"id": "tx-1", "label": "fraud"},
            {"id": "tx-9", "label": "fraud"},
        )
        assert (said["accepted"], said["duplicates"], said["rejected"]) == (1, 1, 1)
        found = page(replica)
        assert found[str(catalogue.COHORT_LABELS), f"{cohort} right"] == 1
        assert found[str(catalogue.COHORT_LABELS), f"{cohort} wrong"] == 1
        assert found[str(catalogue.COHORT_PREDICTIONS), f"{cohort} "] == 4
        assert found[str(catalogue.COHORT_EXPECTED), f"{cohort} "] == 4 * 0.9
        assert found[str(catalogue.BASELINE_ACCURACY), " "] == 0.9
    finally:
        replica.end(signal.SIGKILL)
