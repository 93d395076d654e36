"""The Flink job in a local cluster, with a real broker and a real exporter.

`flink.sh FOLDER` installs Flink; FLINK_DIR names the folder.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from modelwatch.catalogue.drift import DRIFT_REJECTED_TOTAL
from tests import real
from tests.exporters.drift_predictions import Process, declare, of, on_pages, predictions, until
from tests.exporters.kafka_broker import Broker, running

pytestmark = [pytest.mark.real, pytest.mark.servers]

FOLDER = "FLINK_DIR"
WITHIN_S = 300.0
TOPIC = "predictions"
HOUR_MS = 3_600_000
SOMEBODY_ELSES = {"model": "another", "features": {"amount": 1}}


@contextmanager
def job(folder: Path, broker: Broker, exporter: Process, checkpoint: str = "") -> Iterator[None]:
    """The job with a cluster of its own; killed, as a worker that runs out of memory."""
    flink = os.environ.get(FOLDER)
    if not flink:
        real.missing(f"{FOLDER} names no folder of flink.sh")
    python = Path(flink, "venv/bin/python")
    options = {
        "parallelism.default": "2",
        "python.executable": str(python),
        "execution.checkpointing.dir": (folder / "checkpoints").as_uri(),
        "execution.checkpointing.num-retained": "100",
        "execution.state-recovery.path": checkpoint,
    }
    command: list[str | Path] = [
        *(python, "-m", "exporters.drift.flink.job", "--checkpoint", "1s"),
        *("--kafka-servers", broker.servers, "--kafka-topic", TOPIC),
        *("--baseline", f"fraud/production={folder / 'fraud.json'}", "--exporter", exporter.url),
        *(word for jar in Path(flink, "jars").iterdir() for word in ("--jar", str(jar))),
        *(word for one in options.items() if one[1] for word in ("--set", "=".join(one))),
    ]
    with (folder / "job.log").open("a") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def newest_checkpoint(folder: Path) -> str:
    found = sorted(
        folder.glob("checkpoints/*/chk-*/_metadata"), key=lambda one: one.stat().st_mtime
    )
    return found[-1].parent.as_uri() if found else ""


def has(exporter: Process, messages: int) -> bool:
    return on_pages(exporter.page())["amount", ""].observations >= messages


def late(exporter: Process) -> float:
    return sum(
        sample.value
        for family in text_string_to_metric_families(exporter.page())
        for sample in family.samples
        if sample.name == DRIFT_REJECTED_TOTAL.name and sample.labels["reason"] == "too_old"
    )


def test_a_job_that_begins_again_counts_each_message_once_and_tells_what_was_late(
    tmp_path: Path,
) -> None:
    began_ms = int(time.time()) // 60 * 60_000 - 3 * HOUR_MS
    declare(tmp_path)
    exporter = Process(tmp_path, "exporter")
    exporter.start()
    try:
        with running(tmp_path) as broker:
            broker.create(TOPIC)
            with job(tmp_path, broker, exporter):
                until(lambda: bool(newest_checkpoint(tmp_path)), WITHIN_S)
                before = newest_checkpoint(tmp_path)
                for minute in range(5):
                    first = 1000 * minute
                    sent = predictions(first, first + 1000)
                    broker.send(TOPIC, sent, began_ms + 60_000 * minute)
                broker.send(TOPIC, [SOMEBODY_ELSES] * 4, began_ms + HOUR_MS)
                until(lambda: has(exporter, 5000), WITHIN_S)
                broker.send(TOPIC, predictions(0, 40), began_ms)
                until(lambda: late(exporter) >= 40, WITHIN_S)
            assert on_pages(exporter.page()) == of(5000)
            with job(tmp_path, broker, exporter, before):
                broker.send(TOPIC, predictions(5000, 6000), began_ms + HOUR_MS)
                broker.send(TOPIC, [SOMEBODY_ELSES] * 4, began_ms + 2 * HOUR_MS)
                until(lambda: has(exporter, 6000), WITHIN_S)
            assert on_pages(exporter.page()) == of(6000)
    finally:
        exporter.kill()
