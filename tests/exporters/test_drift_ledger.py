"""What the drift exporter keeps, and which baseline it counts against."""

import gc
import logging
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exporters.base.own_folder import InUse
from exporters.drift.baseline import Baseline, identified
from exporters.drift.observations import Batch, Watched
from exporters.drift.watching import KEPT_S, MOST_KEPT
from modelwatch.catalogue import drift
from tests.exporters.drift_ledgers import (
    AMOUNT,
    BASELINE,
    COUNTRY,
    FRAUD,
    OTHER_BASELINE,
    Drift,
    row,
)

ID, OTHER_ID = BASELINE.identity, OTHER_BASELINE.identity
SEEN = drift.DRIFT_OBSERVATIONS_TOTAL


@pytest.fixture
def exporter(tmp_path: Path) -> Drift:
    return Drift(tmp_path)


def test_counts_go_on_after_a_restart(exporter: Drift) -> None:
    exporter.post([row(1, "DE", score=0.5, predicted="fraud", sampling=0.5), row("x", "XX")])
    before = {m: exporter.samples(m) for m in (SEEN, drift.DRIFT_VALUES, drift.DRIFT_UNSEEN_TOTAL)}
    rejected = exporter.rejected
    exporter.restart()
    assert {metric: exporter.samples(metric) for metric in before} == before
    assert (exporter.rejected, exporter.samples(drift.DRIFT_SAMPLING)) == (rejected, {(): 0.5})
    exporter.post(row())
    assert exporter.samples(SEEN)["country", "", ID] == 3


def test_a_crash_takes_nothing_that_a_scrape_has_seen(exporter: Drift) -> None:
    exporter.post([row()] * 7)
    assert exporter.samples(SEEN)["amount", "", ID] == 7
    exporter.post([row()] * 5)  # not seen by any scrape, nor written yet
    exporter.crash()
    assert exporter.samples(SEEN)["amount", "", ID] == 7


def test_a_batch_is_known_again_after_a_crash_exactly_where_it_was_counted(
    exporter: Drift,
) -> None:
    exporter.post(row(batch="a"))
    exporter.samples(SEEN)
    exporter.post(row(batch="b"))
    exporter.crash()
    assert exporter.receipt(row(batch="a"))["duplicates"] == 1
    assert exporter.receipt(row(batch="b"))["accepted"] == 1
    assert exporter.samples(SEEN)["amount", "", ID] == 2


def test_a_state_that_cannot_be_read_is_put_aside(
    exporter: Drift, caplog: pytest.LogCaptureFixture
) -> None:
    exporter.post(row())
    exporter.ledger.stop()
    state = exporter.folder / "state" / "counts.json"
    for damaged in (b"", b"{}", b'{"format": 7}', state.read_bytes()[:-5], b"[]", b"\xff"):
        state.write_bytes(damaged)
        exporter.begin()
        assert exporter.samples(SEEN)["amount", "", ID] == 0
        exporter.ledger.stop()
        assert (state.parent / "counts.json.unreadable").read_bytes() == damaged
    assert "counting begins anew" in caplog.text


def test_a_folder_serves_one_exporter(exporter: Drift) -> None:
    with pytest.raises(InUse):
        exporter.begin()


def test_without_a_disk_it_counts_on_and_says_so(
    exporter: Drift, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", _no_space)
        exporter.post(row())
        exporter.samples(SEEN)
        assert exporter.all_samples(drift.DRIFT_STATE_WRITABLE) == {(): 0.0}
        assert exporter.samples(SEEN)["amount", "", ID] == 1
    exporter.samples(SEEN)
    assert exporter.all_samples(drift.DRIFT_STATE_WRITABLE) == {(): 1.0}
    exporter.crash()
    assert exporter.samples(SEEN)["amount", "", ID] == 1


def _no_space(_: int) -> None:
    raise OSError(28, "No space left on device")


# Baselines.


def test_a_changed_baseline_is_taken_and_nothing_is_mixed(exporter: Drift) -> None:
    exporter.post([row()] * 3)
    exporter.write(OTHER_BASELINE)
    exporter.ledger.look()
    exporter.post([row(15.0)] * 2)
    seen = exporter.samples(SEEN)
    assert (seen["amount", "", ID], seen["amount", "", OTHER_ID]) == (3, 2)
    assert exporter.bins(drift.DRIFT_VALUES, "amount", "", OTHER_ID) == [0, 0, 0, 2, 0]
    assert list(exporter.samples(drift.DRIFT_BASELINE_INFO)) == [(OTHER_ID, "3")]


@pytest.mark.parametrize("restarted", [False, True])
def test_counts_of_the_old_baseline_stay_for_an_hour(exporter: Drift, restarted: bool) -> None:
    exporter.post(row())
    exporter.write(OTHER_BASELINE)
    exporter.ledger.look()
    if restarted:
        exporter.restart()
    exporter.clock.now += KEPT_S
    assert ("amount", "", ID) in exporter.samples(SEEN)
    exporter.clock.now += 1
    assert ("amount", "", ID) not in exporter.samples(SEEN)
    assert ("amount", "", OTHER_ID) in exporter.samples(SEEN)


def test_a_baseline_that_comes_back_counts_on(exporter: Drift) -> None:
    exporter.post(row())
    for baseline in (OTHER_BASELINE, BASELINE):
        exporter.write(baseline)
        exporter.ledger.look()
    exporter.post(row())
    assert exporter.samples(SEEN)["amount", "", ID] == 2


def test_a_baseline_that_changes_every_minute_does_not_fill_the_page(exporter: Drift) -> None:
    for rows in range(20):
        exporter.write(identified(replace(BASELINE, rows=rows)))
        exporter.ledger.look()
    identities = {labels[2] for labels in exporter.samples(SEEN)}
    assert len(identities) == MOST_KEPT + 1


@pytest.mark.parametrize(
    ("found", "trouble", "told"),
    [
        ("", "damaged", "fraud.json"),
        ('{"schema_version": 1}', "damaged", "fraud.json:1:1"),
        ("nonsense", "damaged", "fraud.json"),
        (replace(BASELINE, model="chat"), "other_model", "is the baseline of 'chat'"),
        (None, "missing", "is not there"),
    ],
    ids=["empty", "half", "no JSON", "other", "gone"],
)
def test_a_bad_baseline_is_told_and_the_good_one_stays(
    found: Baseline | str | None,
    trouble: str,
    told: str,
    exporter: Drift,
    caplog: pytest.LogCaptureFixture,
) -> None:
    exporter.write(found) if found is not None else exporter.file.unlink()
    exporter.ledger.look()
    exporter.ledger.look()
    said = [one.getMessage() for one in caplog.records if one.levelno == logging.ERROR]
    assert len(said) == 1
    assert told in said[0]
    assert said[0].endswith(f"{ID} stays in use")
    assert exporter.samples(drift.DRIFT_BASELINE_TROUBLE)[trouble,] == 1
    assert exporter.receipt(row())["accepted"] == 1
    exporter.write(BASELINE)
    exporter.ledger.look()
    assert set(exporter.samples(drift.DRIFT_BASELINE_TROUBLE).values()) == {0.0}
    assert exporter.samples(SEEN)["amount", "", ID] == 1


def test_without_a_baseline_other_models_go_on(tmp_path: Path) -> None:
    chat = FRAUD.partition("models:")[2].replace("fraud", "chat")
    exporter = Drift(tmp_path, FRAUD + chat)
    assert exporter.reasons(row(model="chat")) == ["no_baseline"]
    assert exporter.receipt(row())["accepted"] == 1
    trouble = exporter.all_samples(drift.DRIFT_BASELINE_TROUBLE)
    assert trouble["chat", "production", "missing"] == 1
    assert exporter.rejected == {"no_baseline": 1}


def test_while_the_file_is_away_counters_stay_on_the_page(exporter: Drift) -> None:
    exporter.post(row())
    exporter.file.unlink()
    exporter.restart()
    assert exporter.samples(SEEN)["amount", "", ID] == 1
    exporter.write(BASELINE)
    exporter.ledger.look()
    exporter.post(row())
    assert exporter.samples(SEEN)["amount", "", ID] == 2


# Another inventory.


def test_features_that_the_inventory_does_not_watch_any_more_are_gone(exporter: Drift) -> None:
    exporter.post(row())
    exporter.declare(FRAUD.replace("amount, country,", "country,"))
    seen = exporter.samples(SEEN)
    assert ("amount", "", ID) not in seen
    assert seen["country", "", ID] == 1
    assert exporter.receipt(row())["reasons"] == []  # the baseline knows it: nothing to tell
    exporter.declare(FRAUD)
    seen = exporter.samples(SEEN)
    assert (seen["amount", "", ID], seen["country", "", ID]) == (0, 2)


def test_another_inventory_does_not_end_a_baseline_whose_file_is_bad(exporter: Drift) -> None:
    exporter.write("nonsense")
    exporter.declare(FRAUD.replace("tier: 1", "tier: 2"))
    assert exporter.receipt(row())["accepted"] == 1
    assert exporter.samples(drift.DRIFT_BASELINE_TROUBLE)["damaged",] == 1


def test_a_model_that_is_gone_leaves_nothing(exporter: Drift) -> None:
    exporter.post([row(), row("x")])
    exporter.declare(FRAUD.replace("fraud", "chat"))
    assert exporter.samples(SEEN) == {}
    assert exporter.rejected == {}


def test_a_feature_that_the_baseline_lacks_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Drift(tmp_path, FRAUD.replace("amount,", "amount, age,"))
    assert "fraud.json has no age, which the inventory watches" in caplog.text


def test_no_observation_is_lost_while_everything_changes(exporter: Drift) -> None:
    ended = threading.Event()

    def change() -> None:
        for turn in range(1000):
            if ended.is_set():
                return
            exporter.write((OTHER_BASELINE, BASELINE)[turn % 2])
            exporter.ledger.look()
            exporter.declare(FRAUD)
            exporter.samples(SEEN)

    changing = threading.Thread(target=change)
    changing.start()
    accepted = sum(exporter.receipt([row()] * 3)["accepted"] for _ in range(200))
    ended.set()
    changing.join()
    seen = exporter.samples(SEEN)
    found = seen.get(("amount", "", ID), 0) + seen.get(("amount", "", OTHER_ID), 0)
    assert found == accepted == 600


# The baseline as series.


def test_the_baseline_stands_beside_the_counts(exporter: Drift) -> None:
    edges = ("-1.0", "0.5", "10.0", "1e+06", "+Inf")
    cdf = exporter.samples(drift.DRIFT_BASELINE_CDF)
    amount = ("amount", "", ID)
    assert [cdf[*amount, le] for le in edges] == pytest.approx([0.1, 0.3, 0.6, 1.0, 1.0])
    shares = exporter.samples(drift.DRIFT_BASELINE_BIN)
    assert [shares[*amount, le] for le in edges] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.0])
    before = [labels[3:] for labels in exporter.samples(drift.DRIFT_BASELINE_PREVIOUS)]
    assert before[:4] == list(zip(edges[1:], edges, strict=False))
    widths = exporter.samples(drift.DRIFT_BASELINE_WIDTH)
    assert [widths[*amount, le] for le in edges[:-1]] == [1.0, 2.5, 49_997.5, 450_000.0]
    assert exporter.samples(drift.DRIFT_BASELINE_SAMPLES)[amount] == 100
    assert exporter.samples(drift.DRIFT_BASELINE_RATE) == {
        (*amount, "missing"): 0.2,
        (*amount, "out_of_range"): 0.0,
        ("country", "", ID, "missing"): 0.0,
        ("country", "", ID, "unseen"): 0.0,
        ("score", "fraud", ID, "missing"): 0.0,
        ("score", "fraud", ID, "out_of_range"): 0.0,
        ("score", "fine", ID, "missing"): 0.0,
        ("score", "fine", ID, "out_of_range"): 0.0,
        ("predicted", "", ID, "missing"): 0.0,
        ("predicted", "", ID, "unseen"): 0.0,
    }
    assert exporter.samples(drift.DRIFT_BASELINE_CREATED) == {(ID,): 1_798_675_200.0}
    assert shares["country", "", ID, "DE"] == 0.6
    assert shares["country", "", ID, "other"] == 0.0


def test_a_category_called_other_is_with_all_others(tmp_path: Path) -> None:
    country = replace(COUNTRY, values=("DE", "other"))
    exporter = Drift(tmp_path, baseline=identified(replace(BASELINE, features=(AMOUNT, country))))
    exporter.post([row(1, "other"), row(1, "XX"), row(1, "DE")])
    (identity,) = {labels[0] for labels in exporter.samples(drift.DRIFT_BASELINE_INFO)}
    categories = exporter.samples(drift.DRIFT_CATEGORIES_TOTAL)
    assert categories["country", "", identity, "other"] == 2


# Parts.


class Remembering:
    """A part that keeps how many observations it saw."""

    name = "remembering"

    def __init__(self) -> None:
        self.seen = 0
        self.baselines: list[str] = []

    def taken(self, watched: Watched, baseline: Baseline) -> None:
        assert watched.model == "fraud"
        self.baselines.append(baseline.identity)

    def observed(self, watched: Watched, batch: Batch) -> Mapping[str, int]:
        assert watched.model == batch.model
        self.seen += batch.length
        return {"number": 1}

    def families(self) -> Sequence[Any]:
        return ()

    def state(self) -> object:
        return self.seen

    def restore(self, state: object) -> None:
        assert isinstance(state, int)
        self.seen = state


def test_a_part_gets_what_is_counted_and_is_kept_with_the_counts(tmp_path: Path) -> None:
    part = Remembering()
    exporter = Drift(tmp_path, parts=(part,))
    exporter.post(row(batch="a", id="tx-1"))
    exporter.post(row(batch="a", id="tx-1"))
    assert (part.seen, part.baselines, exporter.rejected) == (1, [ID], {"number": 1})
    exporter.parts = (again := Remembering(),)
    exporter.restart()
    assert again.seen == 1


# Memory.


def test_memory_does_not_grow_with_what_arrives(exporter: Drift) -> None:
    def send(begin: int, end: int) -> tuple[int, int]:
        for number in range(begin, end):
            exporter.post(
                [
                    {
                        "model": "fraud",
                        "batch": f"batch {number}",
                        "id": f"tx {number}",
                        "features": {"amount": number, "country": f"{number}", f"f{number}": 1},
                        "score": 0.5,
                        "predicted": f"class {number}",
                    },
                    row(model=f"model {number}", environment=f"{number}"),
                    row(environment=f"{number}"),
                ]
            )
        exporter.samples(SEEN)
        gc.collect()
        lines = len(exporter.all_samples(SEEN)) + len(
            exporter.all_samples(drift.DRIFT_REJECTED_TOTAL)
        )
        return len(gc.get_objects()), lines

    first, last = send(0, 100), send(100, 1500)
    assert last[1] == first[1]
    assert last[0] < first[0] + 100
