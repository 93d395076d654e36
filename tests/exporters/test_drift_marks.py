"""How far something was read is on disk together with its counts, or not yet."""

from collections.abc import Iterator
from pathlib import Path
from threading import Thread

from exporters.drift.gathering import Gathering
from exporters.drift.observations import Batch
from tests.exporters.drift_predictions import declare, ledger, observations, predictions


def batches() -> list[Batch]:
    """Two of them: by row and by column."""
    gathering = Gathering(0.0)
    gathering.add(1, list(predictions(0, 10)))
    gathering.add(2, {"model": "fraud", "columns": {"amount": [1, 2, 3]}})
    return gathering.batches()


def test_counts_that_are_saved_meanwhile_are_saved_with_their_mark(tmp_path: Path) -> None:
    inventory = declare(tmp_path)
    counts = ledger(tmp_path / "state", inventory)
    saving = Thread(target=lambda: counts.shown(lambda: None))

    def while_it_is_saved() -> Iterator[Batch]:
        first, second = batches()
        yield first
        saving.start()
        saving.join(0.3)
        yield second

    counts.observe(while_it_is_saved(), (), {"file": "13"})
    saving.join()
    (tmp_path / "kept").mkdir()
    (tmp_path / "state" / "counts.json").rename(tmp_path / "kept" / "counts.json")
    kept = ledger(tmp_path / "kept", inventory)
    assert (observations(kept), kept.mark("file")) == (13, "13")
