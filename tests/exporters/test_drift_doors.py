"""What is sent to the drift exporter, in every form, by friends and others."""

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest

from exporters.base.intake import REASONS as REQUEST_REASONS
from exporters.drift.doors import COUNTS, doors
from exporters.drift.observations import REASONS
from modelwatch.catalogue import drift
from tests.exporters.drift_ledgers import BASELINE, FRAUD, NDJSON, OTHER_BASELINE, Drift, lines, row
from tests.exporters.quality_ledgers import NOW

ID = BASELINE.identity
AMOUNT = ("amount", "", ID)
COUNTRY = ("country", "", ID)


@pytest.fixture
def exporter(tmp_path: Path) -> Drift:
    return Drift(tmp_path)


def columns(**more: Any) -> dict[str, Any]:
    return {"model": "fraud", "columns": {"amount": [1.0], "country": ["DE"]}, **more}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (row(), "application/json"),
        ([row()], "application/json; charset=utf-8"),
        ({"observations": [row()]}, "application/json"),
        ({"model": "fraud", "observations": [{"features": row()["features"]}]}, "application/json"),
        (columns(), "application/json"),
        ([columns()], "application/json"),
        (lines([row()]), NDJSON),
        (lines([columns()]), "application/jsonl"),
        (b"\n\r\n" + lines([row()]).replace(b"\n", b"\r\n"), NDJSON),
    ],
    ids=["row", "list", "named", "above", "columns", "list of columns", "line", "lines", "CR LF"],
)
def test_one_observation_arrives_however_it_is_written(
    body: object, kind: str, exporter: Drift
) -> None:
    reply = exporter.post(body, kind)
    assert reply.status == 200
    assert json.loads(reply.body) == {
        "accepted": 1,
        "duplicates": 0,
        "rejected": 0,
        "reasons": [],
    }
    assert exporter.bins(drift.DRIFT_VALUES, *AMOUNT) == [0, 0, 1, 0, 0]
    assert exporter.samples(drift.DRIFT_CATEGORIES_TOTAL)[*COUNTRY, "DE"] == 1


def test_rows_and_columns_count_the_same(tmp_path: Path) -> None:
    chance = random.Random(1)  # noqa: S311  # the same rows in every run
    numbers = [None, math.nan, "x", True, math.inf, 0.5, -9, 2e6]
    words: list[object] = ["DE", "FR", "XX", "", None, 3, True, []]
    amounts = [chance.choice(numbers) for _ in range(999)]
    countries = [chance.choice(words) for _ in amounts]
    scores = [chance.choice([None, chance.random(), 2, "x"]) for _ in amounts]
    predicted = [chance.choice(["fraud", "fine", "new", None, 1]) for _ in amounts]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    by_row, by_column = Drift(tmp_path / "a"), Drift(tmp_path / "b")
    by_row.post(
        [
            row(amount, country, score=score, predicted=said)
            for amount, country, score, said in zip(
                amounts, countries, scores, predicted, strict=True
            )
        ]
    )
    by_column.post(
        columns(
            columns={"amount": amounts, "country": countries}, score=scores, predicted=predicted
        )
    )
    for metric in (drift.DRIFT_VALUES, drift.DRIFT_CATEGORIES_TOTAL, drift.DRIFT_REJECTED_TOTAL):
        assert by_row.samples(metric) == by_column.samples(metric)
    assert by_row.samples(drift.DRIFT_OBSERVATIONS_TOTAL)["predicted", "", ID] == 999


def test_scores_are_counted_by_the_class_that_was_predicted(exporter: Drift) -> None:
    exporter.post([row(score=0.93, predicted="fraud"), row(score=0.1, predicted="fine")])
    fraud = exporter.bins(drift.DRIFT_VALUES, "score", "fraud", ID)
    fine = exporter.bins(drift.DRIFT_VALUES, "score", "fine", ID)
    assert (fraud.index(1), fine.index(1), sum(fraud), sum(fine)) == (18, 1, 1, 1)
    shares = exporter.samples(drift.DRIFT_CATEGORIES_TOTAL)
    assert shares["predicted", "", ID, "fraud"] == shares["predicted", "", ID, "fine"] == 1


def test_what_an_observation_lacks_is_missing_and_what_it_has_no_word_of_is_not(
    exporter: Drift,
) -> None:
    exporter.post([{"model": "fraud", "features": {"amount": 1}}, row(None, math.nan)])
    exporter.post({"model": "fraud", "score": 0.5, "predicted": "fraud"})
    missing = exporter.samples(drift.DRIFT_MISSING_TOTAL)
    assert (missing[AMOUNT], missing[COUNTRY]) == (1, 2)
    assert exporter.samples(drift.DRIFT_OBSERVATIONS_TOTAL)[AMOUNT] == 2


def test_a_new_category_is_unseen_and_a_number_beyond_the_baseline_is_out_of_range(
    exporter: Drift,
) -> None:
    exporter.post([row(-6, "XX"), row(9e5, "YY"), row(2e6, "DE")])
    assert exporter.samples(drift.DRIFT_UNSEEN_TOTAL)[COUNTRY] == 2
    assert exporter.samples(drift.DRIFT_CATEGORIES_TOTAL)[*COUNTRY, "other"] == 2
    assert exporter.samples(drift.DRIFT_OUT_OF_RANGE_TOTAL)[AMOUNT] == 2
    assert exporter.bins(drift.DRIFT_VALUES, *AMOUNT) == [1, 0, 0, 1, 1]


def test_features_that_nobody_watches_become_no_label(exporter: Drift) -> None:
    found = exporter.receipt(
        [{"model": "fraud", "features": {"amount": 1, "iban": "secret", "name": 1}}, row()]
    )
    assert found["accepted"] == 2
    assert found["reasons"][0]["reason"] == "unknown_feature"
    assert exporter.rejected == {"unknown_feature": 2}
    assert not any("iban" in labels for labels in exporter.samples(drift.DRIFT_MISSING_TOTAL))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (row(model="fraudd"), "unknown_model"),
        (row(environment="mars"), "unknown_environment"),
        ({"features": {}}, "missing_field"),
        ({"model": "fraud"}, "missing_field"),
        ({"model": 7, "features": {}}, "wrong_type"),
        ({"model": "fraud", "features": [1]}, "wrong_type"),
        ({"model": "fraud", "features": None}, "wrong_type"),
        ({"model": "fraud", "predicted": {}}, "wrong_type"),
        ("text", "wrong_type"),
        (7, "wrong_type"),
        (None, "wrong_type"),
        ([[row()]], "wrong_type"),
        ({"observations": [{"observations": 7}]}, "missing_field"),
        (row(sampling=2), "out_of_range"),
        (row(sampling=0), "out_of_range"),
        (row(sampling="half"), "out_of_range"),
        (row(time=NOW - 8 * 86_400), "too_old"),
        (row(time=NOW + 3600), "in_the_future"),
        (row(time="yesterday"), "wrong_type"),
        (row(time=-1), "out_of_range"),
        (row(time=math.nan), "not_a_number"),
        (row(batch="x" * 300), "out_of_range"),
        (row(batch="\ud800"), "out_of_range"),
        (columns(columns={"amount": [1, 2], "country": ["DE"]}), "wrong_type"),
        (columns(columns={"amount": 7}), "wrong_type"),
        (columns(columns=7), "wrong_type"),
        (columns(columns={}), "wrong_type"),
        (columns(score=[0.1, 0.2]), "wrong_type"),
        (columns(predicted=[{}]), "wrong_type"),
        (columns(time=["yesterday"]), "wrong_type"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_cannot_be_counted_is_refused_and_told(
    body: object, reason: str, exporter: Drift
) -> None:
    reply = exporter.post(body)
    assert (reply.status, reply.reason) == (422, "invalid")
    (told,) = json.loads(reply.body)["reasons"]
    assert told["reason"] == reason
    assert reason in REASONS
    assert exporter.rejected == {reason: 1}
    assert sum(exporter.samples(drift.DRIFT_OBSERVATIONS_TOTAL).values()) == 0


@pytest.mark.parametrize(
    ("body", "kind", "status", "reason"),
    [
        (b"", "application/json", 400, "json"),
        (b"{", "application/json", 400, "json"),
        (b'{"model": "\xff"}', "application/json", 400, "json"),
        (b"[" * 200_000, "application/json", 400, "json"),
        (b"9" * 10_000, "application/json", 400, "json"),
        (b"[" * 200_000, NDJSON, 422, "invalid"),
        (b"\xff\n\x00", NDJSON, 422, "invalid"),
        (b'{"columns": ' + b"[" * 50_000, NDJSON, 422, "invalid"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_cannot_be_read_is_refused(
    body: bytes, kind: str, status: int, reason: str, exporter: Drift
) -> None:
    reply = exporter.post(body, kind)
    assert (reply.status, reply.reason) == (status, reason)
    assert reply.reason in REQUEST_REASONS


def test_good_observations_count_and_bad_ones_are_told_by_line(exporter: Drift) -> None:
    found = exporter.receipt(
        lines([row(), row(model="x")]) + b"{nonsense\n" + lines([row("x")]), NDJSON
    )
    assert (found["accepted"], found["rejected"]) == (2, 2)
    assert [(one["line"], one["reason"]) for one in found["reasons"]] == [
        (1, "number"),
        (2, "unknown_model"),
        (3, "malformed"),
    ]


def test_a_batch_that_is_sent_again_is_counted_once(exporter: Drift) -> None:
    many = {"model": "fraud", "batch": "7", "observations": [{"features": {}}, {"score": 0.5}]}
    assert exporter.receipt(many)["accepted"] == 2
    assert exporter.receipt(many) == {
        "accepted": 0,
        "duplicates": 2,
        "rejected": 0,
        "reasons": [],
    }
    key = {"idempotency-key": "8"}
    assert exporter.receipt(lines([row(), row()]), NDJSON, **key)["accepted"] == 2
    assert exporter.receipt(lines([row(), row()]), NDJSON, **key)["duplicates"] == 2
    assert exporter.samples(drift.DRIFT_OBSERVATIONS_TOTAL)[AMOUNT] == 3


def test_the_sampling_ratio_is_what_the_sender_said_last(exporter: Drift) -> None:
    assert exporter.samples(drift.DRIFT_SAMPLING) == {}
    exporter.post(row(sampling=0.1))
    exporter.post(columns(sampling=0.2))
    exporter.post(row())
    assert exporter.samples(drift.DRIFT_SAMPLING) == {(): 0.2}


def test_everything_is_on_the_page_at_zero_from_the_start(exporter: Drift) -> None:
    assert exporter.bins(drift.DRIFT_VALUES, *AMOUNT) == [0] * 5
    assert exporter.samples(drift.DRIFT_CATEGORIES_TOTAL)[*COUNTRY, "other"] == 0
    rejected = exporter.samples(drift.DRIFT_REJECTED_TOTAL)
    assert rejected == dict.fromkeys(((reason,) for reason in REASONS), 0)


def test_without_drift_in_the_inventory_a_model_is_not_watched(tmp_path: Path) -> None:
    exporter = Drift(tmp_path, FRAUD.partition("    drift:")[0])
    assert exporter.reasons(row()) == ["unknown_model"]


def test_doors_take_data_only_from_those_who_may_send_it(exporter: Drift) -> None:
    for door in doors(exporter.ledger):
        assert door.accepts
        assert "application/x-www-form-urlencoded" not in door.types, "any web page could send it"


# Counts that were made elsewhere.


def binned(**more: Any) -> dict[str, Any]:
    return {
        "model": "fraud",
        "environment": "production",
        "id": "2027-01-15T08:00/1",
        "baseline": ID,
        "from": NOW - 60,
        "to": NOW,
        "features": {
            "amount": {"bins": [1, 2, 3, 4, 5], "missing": 6, "out_of_range": 7},
            "country": {"bins": [1, 0, 2], "unseen": 2},
            "score": {"classes": {"fraud": {"bins": [1] * 21}}},
        },
        **more,
    }


def test_counts_made_elsewhere_are_added_once(exporter: Drift) -> None:
    for accepted, duplicates in ((1, 0), (0, 1)):
        found = exporter.receipt(binned(), "application/json", COUNTS)
        assert (found["accepted"], found["duplicates"]) == (accepted, duplicates)
    found = exporter.receipt([binned(id="a"), binned(id="a")], "application/json", COUNTS)
    assert (found["accepted"], found["duplicates"]) == (1, 1)
    assert exporter.bins(drift.DRIFT_VALUES, *AMOUNT) == [2, 4, 6, 8, 10]
    assert exporter.samples(drift.DRIFT_MISSING_TOTAL)[AMOUNT] == 12
    assert exporter.samples(drift.DRIFT_OUT_OF_RANGE_TOTAL)[AMOUNT] == 14
    assert exporter.samples(drift.DRIFT_UNSEEN_TOTAL)[COUNTRY] == 4
    assert exporter.bins(drift.DRIFT_VALUES, "score", "fraud", ID) == [2] * 21


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (binned(baseline=OTHER_BASELINE.identity), "other_baseline"),
        (binned(baseline=""), "missing_field"),
        (binned(id=""), "missing_field"),
        (binned(model="x"), "unknown_model"),
        (binned(features=None), "wrong_type"),
        (binned(features={"amount": 7}), "wrong_type"),
        (binned(features={"amount": {}}), "wrong_type"),
        (binned(features={"amount": {"bins": [1]}}), "wrong_type"),
        (binned(features={"amount": {"bins": [1, 2, 3, 4, -1]}}), "number"),
        (binned(features={"amount": {"bins": [1, 2, 3, 4, 0.5]}}), "number"),
        (binned(features={"amount": {"bins": [1, 2, 3, 4, True]}}), "number"),
        (binned(features={"amount": {"bins": [1, 2, 3, 4, 1 << 60]}}), "number"),
        (binned(features={"amount": {"bins": [0] * 5, "missing": None}}), "number"),
        (binned(to=NOW - 9e6), "too_old"),
        (binned(sampling=3), "out_of_range"),
        ("text", "wrong_type"),
    ],
    ids=lambda value: str(value)[-60:],
)
def test_counts_that_do_not_fit_are_refused_as_a_whole(
    body: object, reason: str, exporter: Drift
) -> None:
    reply = exporter.post(body, "application/json", COUNTS)
    assert reply.status == 422
    assert [one["reason"] for one in json.loads(reply.body)["reasons"]] == [reason]
    assert sum(exporter.samples(drift.DRIFT_OBSERVATIONS_TOTAL).values()) == 0
