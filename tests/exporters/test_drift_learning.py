"""A baseline that is learned from live traffic."""

import pickle
import random
from pathlib import Path
from typing import Any

import pytest

from exporters.drift.baseline import Numeric, read
from exporters.drift.learning import SAVED_EVERY_S
from modelwatch.catalogue import drift
from tests.exporters.drift_ledgers import BASELINE, FRAUD, Drift

LEARNING = FRAUD.replace("baseline: fraud.json", "baseline: fraud.json, learn: 24h")
HOUR_S = 3600.0
ENOUGH = 500
"""The floor `drift` of every inventory."""


@pytest.fixture
def exporter(tmp_path: Path) -> Drift:
    return Drift(tmp_path, LEARNING, baseline=None)


def traffic(rows: int, seed: int = 0) -> dict[str, Any]:
    chance = random.Random(seed)  # noqa: S311  # the same rows in every run
    return {
        "model": "fraud",
        "columns": {
            "amount": [chance.random() for _ in range(rows)],
            "country": [chance.choice(["DE", "FR"]) for _ in range(rows)],
        },
        "score": [chance.random() for _ in range(rows)],
        "predicted": [chance.choice(["fine", "fraud"]) for _ in range(rows)],
    }


def learned(exporter: Drift) -> float:
    found: float = exporter.samples(drift.DRIFT_LEARNED)[()]
    return found


def test_after_a_day_and_enough_rows_the_baseline_is_written_and_counted_against(
    exporter: Drift,
) -> None:
    assert exporter.receipt(traffic(ENOUGH))["accepted"] == ENOUGH
    exporter.clock.now += 12 * HOUR_S
    exporter.ledger.look()
    assert learned(exporter) == 0.5
    assert exporter.samples(drift.DRIFT_LEARNED_OBSERVATIONS) == {(): ENOUGH}
    assert set(exporter.samples(drift.DRIFT_BASELINE_TROUBLE).values()) == {0.0}
    exporter.clock.now += 12 * HOUR_S
    exporter.ledger.look()
    exporter.ledger.look()
    baseline = read(exporter.file)
    assert (baseline.model, baseline.rows) == ("fraud", ENOUGH)
    assert {one.name for one in baseline.features} == {"amount", "country", "score", "predicted"}
    assert learned(exporter) == 1.0
    assert exporter.samples(drift.DRIFT_LEARNED_OBSERVATIONS) == {}
    exporter.post(traffic(10))
    seen = exporter.samples(drift.DRIFT_OBSERVATIONS_TOTAL)
    assert seen["amount", "", baseline.identity] == 10


def test_too_few_rows_are_waited_for(exporter: Drift) -> None:
    exporter.post(traffic(ENOUGH - 1))
    exporter.clock.now += 48 * HOUR_S
    exporter.ledger.look()
    assert not exporter.file.exists()
    exporter.post(traffic(1))
    exporter.ledger.look()
    assert exporter.file.exists()


def test_what_was_learned_survives_a_restart(exporter: Drift) -> None:
    for part in range(5):
        exporter.post(traffic(100, part))
        exporter.clock.now += 5 * HOUR_S
        exporter.restart()
    exporter.ledger.look()
    baseline = read(exporter.file)
    (amount,) = [one for one in baseline.features if isinstance(one, Numeric)]
    assert sum(amount.counts) == 500
    assert not list(exporter.folder.rglob("*.learning"))


def test_a_crash_costs_a_minute_of_learning(exporter: Drift) -> None:
    exporter.post(traffic(100))
    exporter.clock.now += SAVED_EVERY_S
    exporter.ledger.look()
    exporter.post(traffic(7))
    exporter.crash()
    exporter.ledger.look()
    assert exporter.samples(drift.DRIFT_LEARNED_OBSERVATIONS) == {(): 100}


def test_a_baseline_that_is_there_is_never_replaced(exporter: Drift) -> None:
    exporter.post(traffic(ENOUGH))
    exporter.clock.now += 24 * HOUR_S
    exporter.write(BASELINE)
    before = exporter.file.read_bytes()
    exporter.ledger.look()
    assert exporter.file.read_bytes() == before
    assert list(exporter.samples(drift.DRIFT_BASELINE_INFO)) == [(BASELINE.identity, "3")]


def test_a_file_that_is_no_baseline_is_no_reason_to_learn_over_it(exporter: Drift) -> None:
    exporter.write("mine")
    exporter.ledger.look()
    assert exporter.reasons(traffic(ENOUGH)) == ["no_baseline"]
    exporter.clock.now += 24 * HOUR_S
    exporter.ledger.look()
    assert exporter.file.read_text() == "mine"


def test_without_a_path_it_is_kept_in_the_state_folder(tmp_path: Path) -> None:
    exporter = Drift(tmp_path, FRAUD.replace("baseline: fraud.json", "learn: 24h"), baseline=None)
    exporter.post(traffic(ENOUGH))
    exporter.clock.now += 24 * HOUR_S
    exporter.ledger.look()
    assert read(tmp_path / "state" / "baselines" / "fraud-production.json").rows == ENOUGH


def test_a_folder_that_cannot_be_written_is_told_once_a_minute(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    exporter = Drift(tmp_path, LEARNING.replace("fraud.json", "file/fraud.json"), baseline=None)
    exporter.post(traffic(ENOUGH))
    exporter.clock.now += 24 * HOUR_S
    for _ in range(5):
        exporter.ledger.look()
    assert caplog.text.count("cannot become") == 1
    assert learned(exporter) == 1.0


class _Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("owned",))


def test_a_kept_file_runs_nothing(exporter: Drift, capsys: pytest.CaptureFixture[str]) -> None:
    exporter.post(traffic(10))
    exporter.ledger.stop()
    (kept,) = exporter.folder.rglob("*.learning")
    for evil in (pickle.dumps((1.0, _Evil())), b"", b"nonsense", kept.read_bytes()[:-9]):
        kept.write_bytes(evil)
        exporter.begin()
        exporter.ledger.look()
        assert exporter.samples(drift.DRIFT_LEARNED_OBSERVATIONS) == {(): 0}
        exporter.ledger.stop()
    assert "owned" not in capsys.readouterr().out


def test_learning_takes_no_more_memory_with_more_rows(exporter: Drift) -> None:
    sizes = []
    for part in range(4):
        for _ in range(4):
            exporter.post(traffic(3000, part))
        exporter.ledger.look()
        exporter.restart()
        (kept,) = exporter.folder.rglob("*.learning")
        sizes.append(kept.stat().st_size)
    assert sizes[3] < sizes[0] * 1.05
