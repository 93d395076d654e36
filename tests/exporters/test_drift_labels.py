"""Late labels: joined to their predictions, counted for the day of these, kept over a restart."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exporters.base.families import Distribution
from exporters.base.models import Models
from exporters.drift.labels.part import Labels
from exporters.drift.labels.subjects import subject
from exporters.drift.observations import Batch, Watched
from modelwatch.catalogue import labels as catalogue
from tests.exporters.label_stores import BASELINE, FRAUD, Kept, moment, reasons, said, whole


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


CONFUSION = catalogue.COHORT_LABELS


def test_a_label_counts_for_the_day_of_its_prediction_however_late_it_comes(kept: Kept) -> None:
    kept.predict("03 23:59", "a", "b")
    kept.predict("04 00:00", "c")
    assert said(kept.send({"id": "a", "label": "ok"}, {"id": "b", "label": "fraud"}))["accepted"]
    assert kept.page(CONFUSION) == {
        ("2026-12-03", "ok", "ok", "right"): 1,
        ("2026-12-03", "ok", "fraud", "wrong"): 1,
    }
    assert kept.page(catalogue.COHORT_PREDICTIONS) == {("2026-12-03",): 2, ("2026-12-04",): 1}
    assert kept.page(catalogue.COHORT_END)[("2026-12-03",)] == moment("04 00:00")


def test_a_label_may_bring_its_prediction_along(kept: Kept) -> None:
    reply = kept.send(
        whole("fraud", "fraud", "09 10:00", score=0.9, labelled_at="2026-12-09T12:00:00Z"),
        whole("fraud", "ok", "09 10:00", environment="production"),
    )
    assert said(reply) == {"accepted": 2, "duplicates": 0, "rejected": 0, "reasons": []}
    assert kept.page(CONFUSION) == {
        ("2026-12-09", "fraud", "fraud", "right"): 1,
        ("2026-12-09", "fraud", "ok", "wrong"): 1,
    }
    assert kept.page(catalogue.LABELS_TOTAL) == {("right",): 1, ("wrong",): 1}
    assert kept.page(catalogue.LABELS_NEWEST) == {(): moment("09 10:00")}


def test_the_delay_is_from_the_prediction_to_its_first_label(kept: Kept) -> None:
    kept.predict("09 12:00", "a")
    kept.send({"id": "a", "label": "ok"})
    kept.send({"id": "a", "label": "fraud", "labelled_at": "2026-12-10T11:00:00Z"})
    (delay,) = kept.page(catalogue.LABEL_DELAY).values()
    assert isinstance(delay, Distribution)
    assert (sum(delay.counts), delay.counts[3], delay.sum) == (1, 1, 86_400)


def test_the_same_label_again_changes_nothing(kept: Kept) -> None:
    kept.predict("09 12:00", "a")
    again = {"id": "a", "label": "ok"}
    assert said(kept.send(again, again)) == {
        "accepted": 1,
        "duplicates": 1,
        "rejected": 0,
        "reasons": [],
    }
    assert kept.page(CONFUSION) == {("2026-12-09", "ok", "ok", "right"): 1}
    assert kept.page(catalogue.LABELS_DUPLICATES_TOTAL) == {(): 1}


def test_another_label_of_a_prediction_takes_the_place_of_the_first(kept: Kept) -> None:
    kept.predict("09 12:00", "a")
    for label in ("ok", "fraud"):
        kept.send({"id": "a", "label": label})
    kept.send(whole("ok", "ok", "09 12:00", id="b"))
    kept.send(whole("ok", "fraud", "09 12:00", id="b"))
    assert kept.page(CONFUSION) == {("2026-12-09", "ok", "fraud", "wrong"): 2}
    assert kept.page(catalogue.LABELS_CORRECTED_TOTAL) == {(): 2}
    assert kept.page(catalogue.LABELS_TOTAL) == {("right",): 2}


def test_a_label_whose_prediction_is_not_remembered_is_unmatched(kept: Kept) -> None:
    kept.most = 2
    kept.reopen()
    kept.predict("09 12:00", "a", "b", "c")
    reply = kept.send({"id": "a", "label": "ok"}, {"id": "c", "label": "ok", "model": "fraud"})
    assert (list(reasons(reply)), said(reply)["accepted"]) == (["unmatched"], 1)
    assert kept.page(catalogue.LABELS_REJECTED_TOTAL) == {("other", "other", "unmatched"): 1}
    assert kept.page(catalogue.PREDICTIONS_REMEMBERED) == {(): 2}
    assert kept.page(catalogue.PREDICTIONS_FORGOTTEN_TOTAL) == {(): 1}


def test_everything_is_known_after_a_restart(kept: Kept) -> None:
    kept.predict("09 12:00", "a", "b")
    kept.send({"id": "a", "label": "ok"})
    before = {metric: kept.page(metric) for metric in (CONFUSION, catalogue.LABELS_TOTAL)}
    kept.store.close()
    kept.reopen()
    assert {metric: kept.page(metric) for metric in before} == before
    assert said(kept.send({"id": "a", "label": "ok"}))["duplicates"] == 1
    assert said(kept.send({"id": "b", "label": "ok"}))["accepted"] == 1


def test_an_id_that_two_models_have_needs_the_model(kept: Kept) -> None:
    kept.subjects = (FRAUD, replace(FRAUD, model="risk"))
    kept.reopen()
    kept.predict("09 12:00", "a")
    kept.store.predicted(kept.subjects[1], [(moment("09 12:00"), "ok", "a", None)])
    label = {"id": "a", "label": "ok"}
    reply = kept.send(label, {**label, "model": "risk"})
    assert (list(reasons(reply)), said(reply)["accepted"]) == (["ambiguous"], 1)
    assert kept.page(CONFUSION) == {
        ("risk", "production", "2026-12-09", "ok", "ok", "right"): 1,
    }


def test_classes_that_the_baseline_does_not_know_are_other(kept: Kept) -> None:
    kept.send(
        whole("ok", "stolen", "09 10:00"),
        whole("lost", "lost", "09 10:00"),
        whole("lost", "stolen", "09 10:00"),
    )
    assert kept.page(CONFUSION) == {
        ("2026-12-09", "ok", "other", "wrong"): 1,
        ("2026-12-09", "other", "other", "right"): 1,
        ("2026-12-09", "other", "other", "wrong"): 1,
    }


def test_without_a_baseline_the_first_ten_classes_have_a_name(kept: Kept) -> None:
    kept.subjects = (subject("fraud", "production", None),)
    kept.reopen()
    kept.send(*(whole(f"c{number}", f"c{number}", "09 10:00") for number in range(8)))
    kept.store.close()
    kept.reopen()
    kept.send(*(whole(f"c{number}", f"c{number}", "09 10:00") for number in range(30)))
    shown = {labels[1] for labels in kept.page(CONFUSION)}
    assert shown == {*(f"c{number}" for number in range(10)), "other"}
    assert sum(kept.page(CONFUSION).values()) == 38  # type: ignore[arg-type]  # counts


def test_numbers_and_booleans_are_classes_as_text(kept: Kept) -> None:
    kept.subjects = (subject("fraud", "production", None),)
    kept.reopen()
    kept.send(
        {**whole("", "", "09 10:00"), "predicted": 1, "label": "1"},
        {**whole("", "", "09 10:00"), "predicted": True, "label": "true"},
    )
    assert {labels[1:] for labels in kept.page(CONFUSION)} == {
        ("1", "1", "right"),
        ("true", "true", "right"),
    }


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ({"id": "a"}, "missing_field"),
        ({"label": "ok"}, "missing_field"),
        ({"predicted": "ok", "label": "ok", "predicted_at": 0}, "missing_field"),
        ({"model": "fraud", "predicted": "ok", "label": "ok"}, "missing_field"),
        (whole("ok", "ok", "09 10:00", model="chat"), "unknown_model"),
        (whole("ok", "ok", "09 10:00", environment="test"), "unknown_environment"),
        (
            {**whole("ok", "ok", "09 10:00"), "predicted_at": moment("01 00:00") - 30 * 86_400},
            "too_old",
        ),
        (whole("ok", "ok", "11 10:00"), "in_the_future"),
        (whole("ok", "ok", "09 10:00", labelled_at="2026-12-08T10:00:00Z"), "wrong_time"),
        ({**whole("ok", "ok", "09 10:00"), "predicted_at": "2026-12-09T10:00:00"}, "wrong_type"),
        (whole("ok", "ok", "09 10:00", score=1.5), "out_of_range"),
        (whole("ok", "x" * 65, "09 10:00"), "too_long"),
        ({"id": "x" * 201, "label": "ok"}, "too_long"),
        ({"id": "a", "label": ["ok"]}, "wrong_type"),
        ("ok", "wrong_type"),
    ],
)
def test_a_label_that_cannot_be_counted_is_refused_with_a_reason(
    label: Any, reason: str, kept: Kept
) -> None:
    reply = kept.send(label)
    assert (reply.status, list(reasons(reply))) == (422, [reason])
    rejected = kept.page(catalogue.LABELS_REJECTED_TOTAL)
    assert {labels[-1] for labels in rejected} == {reason}


def test_one_bad_line_does_not_spoil_the_others(kept: Kept) -> None:
    lines = [json.dumps(whole("ok", "ok", "09 10:00")), "{", '{"id": NaN}', ""]
    reply = kept.send_text("\n".join(lines), "application/x-ndjson")
    assert said(reply)["accepted"] == 1
    assert [one["line"] for one in said(reply)["reasons"]] == [2, 3]


def test_a_batch_names_its_model_once(kept: Kept) -> None:
    label = whole("ok", "ok", "09 10:00")
    del label["model"]
    batch = {"model": "fraud", "environment": "production", "labels": [label]}
    assert said(kept.send_text(json.dumps(batch), "application/json"))["accepted"] == 1
    assert kept.send_text("{", "application/json").status == 400


def test_days_beyond_the_last_35_are_forgotten(kept: Kept) -> None:
    kept.predict("09 12:00", "a", "b")
    kept.send({"id": "a", "label": "ok"})
    kept.now += 34 * 86_400
    kept.predict("10 12:00", "c")
    assert kept.page(CONFUSION) == {}
    assert kept.page(catalogue.PREDICTIONS_REMEMBERED) == {(): 1}
    assert kept.page(catalogue.LABELS_TOTAL) == {("right",): 1}
    assert list(reasons(kept.send({"id": "b", "label": "ok"}))) == ["unmatched"]


def test_scores_say_how_many_predictions_should_be_right(kept: Kept) -> None:
    kept.predict("09 12:00", *map(str, range(10)), predicted="ok", score=0.2)
    kept.predict("09 12:00", "x", predicted="unheard of", score=0.2)
    assert kept.page(catalogue.COHORT_EXPECTED) == {("2026-12-09",): pytest.approx(9)}
    assert kept.page(catalogue.COHORT_SCORED) == {("2026-12-09",): 10}
    kept.send(whole("fraud", "fraud", "08 10:00", score=0.9))
    assert kept.page(catalogue.COHORT_EXPECTED)[("2026-12-08",)] == pytest.approx(0.8)


def test_a_prediction_that_is_sent_twice_is_one(kept: Kept) -> None:
    for _ in range(2):
        kept.predict("09 12:00", "a")
    assert kept.page(catalogue.COHORT_PREDICTIONS) == {("2026-12-09",): 1}


def test_labels_are_refused_while_they_cannot_be_kept_and_taken_again_after(kept: Kept) -> None:
    kept.folder = kept.folder / "labels"
    kept.folder.write_text("no folder")
    kept.reopen()
    label = whole("ok", "ok", "09 10:00")
    reply = kept.send(label)
    assert (reply.status, reply.headers) == (503, {"retry-after": "5"})
    assert kept.page(catalogue.LABELS_WRITABLE) == {}
    kept.predict("09 12:00", "a")
    kept.folder.unlink()
    assert said(kept.send(label))["accepted"] == 1
    assert kept.page(catalogue.LABELS_WRITABLE) == {(): 1}


def test_a_second_exporter_in_the_same_folder_is_refused(kept: Kept) -> None:
    kept.predict("09 12:00", "a")
    other = Kept(kept.folder)
    assert other.send({"id": "a", "label": "ok"}).status == 503
    assert said(kept.send({"id": "a", "label": "ok"}))["accepted"] == 1


def test_another_baseline_shows_old_classes_as_other(kept: Kept) -> None:
    kept.send(whole("ok", "ok", "09 10:00"))
    kept.store.declare([replace(FRAUD, classes=("new", "old"))])
    assert kept.page(CONFUSION) == {("2026-12-09", "other", "other", "right"): 1}
    kept.store.declare([FRAUD])
    assert kept.page(CONFUSION) == {("2026-12-09", "ok", "ok", "right"): 1}


def test_observations_of_any_kind_are_predictions_as_far_as_they_say_a_class(kept: Kept) -> None:
    part = Labels(kept.folder, clock=lambda: kept.now)
    watched = Watched(model="fraud", environment="production", features=(), baseline="")
    classes = ["ok", 1, True, None, "", ["ok"], "\ud800", "ok"]
    batch = Batch(
        line=1,
        model="fraud",
        environment="production",
        length=len(classes),
        predicted=classes,
        ids=[7, "a", "\ud800", "b", "c", "d", ["no id"], "x" * 201],
        scores=[0.2, True, float("nan"), 0.5, 0.5, 0.5, "0.5", 2.0],
    )
    assert part.observed(watched, batch) == {}  # not declared (any more)
    part.declare(Models([(watched.key, watched)]))
    part.taken(watched, BASELINE)
    assert part.observed(watched, batch) == {}
    part.stop()
    kept.reopen()
    today = ("2026-12-10",)
    assert kept.page(catalogue.COHORT_PREDICTIONS) == {today: 5}
    assert kept.page(catalogue.COHORT_SCORED) == {today: 1}
    assert kept.page(catalogue.PREDICTIONS_REMEMBERED) == {(): 3}
    assert said(kept.send({"id": 7, "label": "ok"}, {"id": "a", "label": 1.0}))["accepted"] == 2
    assert {labels[-1] for labels in kept.page(CONFUSION)} == {"right"}
