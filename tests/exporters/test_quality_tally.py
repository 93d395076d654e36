import random
from pathlib import Path

import pytest

from exporters.base.remembered import Remembered, id_hash
from exporters.quality.declared import Anything
from exporters.quality.tally import SLOTS, Bins, Counts, Scored, read, written
from modelwatch.catalogue import quality
from tests.exporters.quality_ledgers import NOW, Books, score


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path)


# Ids.


def test_an_id_is_counted_once_however_often_it_comes(books: Books) -> None:
    assert books.receipt([score(id="a"), score(id="b"), score(id="a")])["duplicates"] == 1
    again = books.receipt([score(id="a"), score(id="c")])
    assert (again["accepted"], again["duplicates"]) == (1, 1)
    assert books.samples(quality.QUALITY_JUDGEMENTS_TOTAL)["groundedness", "good", "v1"] == 3
    assert books.samples(quality.QUALITY_DUPLICATES_TOTAL)[()] == 2


def test_an_event_without_an_id_is_counted_each_time(books: Books) -> None:
    for _ in range(3):
        assert books.receipt(score())["accepted"] == 1
    assert books.samples(quality.QUALITY_SAMPLES)["groundedness", "v1"] == 3


def test_one_id_may_stand_for_several_scores_and_kinds_of_one_answer(books: Books) -> None:
    answer = [
        score(id="a"),
        score(score="toxicity", id="a"),
        {"kind": "flag", "model": "chat", "flag": "refusal", "id": "a"},
        {"kind": "feedback", "model": "chat", "vote": "up", "id": "a"},
    ]
    assert books.receipt(answer)["accepted"] == 4
    assert books.receipt(answer)["duplicates"] == 4


def test_a_refused_event_may_come_again_with_its_id(books: Books) -> None:
    assert books.reasons(score(7, id="a")) == ["out_of_range"]
    assert books.receipt(score(0.7, id="a"))["accepted"] == 1


def test_the_newest_ids_are_known_and_memory_has_an_end() -> None:
    remembered = Remembered(generation=1000)
    ids = [id_hash(str(number), 0) for number in range(10_000)]
    for number, hashed in enumerate(ids):
        assert hashed not in remembered
        remembered.add([hashed])
        assert len(remembered) <= 2000
        assert ids[max(0, number - 999)] in remembered
    assert all(hashed in remembered for hashed in ids[-1000:])
    assert ids[0] not in remembered
    assert list(remembered.in_order()) == ids[-len(remembered) :]


def test_ids_are_told_apart_by_what_they_are_about() -> None:
    assert id_hash("a", 1) != id_hash("a", 2) != id_hash("b", 2)


# The last evaluation.


def test_a_mean_is_over_the_interval_that_ends_with_the_newest_event(books: Books) -> None:
    books.receipt([score(0.2, time=NOW - 7200), score(0.4, time=NOW - 1800), score(0.8)])
    assert books.samples(quality.QUALITY_SCORE)["groundedness", "v1"] == pytest.approx(0.6)
    assert books.samples(quality.QUALITY_SAMPLES)["groundedness", "v1"] == 2
    assert books.samples(quality.QUALITY_LAST_EVALUATION)["groundedness", "v1"] == NOW
    judged = books.samples(quality.QUALITY_JUDGEMENTS_TOTAL)
    assert judged["groundedness", "good", "v1"] == 1
    assert judged["groundedness", "bad", "v1"] == 2


def test_an_evaluation_stays_until_several_did_not_come(books: Books) -> None:
    books.receipt(score(0.8))
    books.clock.now += 3 * 3600 - 1
    assert books.samples(quality.QUALITY_SCORE)["groundedness", "v1"] == 0.8
    books.clock.now += 2
    assert books.samples(quality.QUALITY_SCORE) == {}
    assert books.samples(quality.QUALITY_SAMPLES) == {}
    assert books.samples(quality.QUALITY_LAST_EVALUATION)["groundedness", "v1"] == NOW


def test_an_old_version_does_not_hide_a_new_one(books: Books) -> None:
    books.receipt([score(0.9, version="1")] * 3)
    books.clock.now += 1800
    books.receipt(score(0.3, version="2"))
    assert set(books.samples(quality.QUALITY_SCORE)) == {
        ("groundedness", "1"),
        ("groundedness", "2"),
    }
    books.clock.now += 3600
    books.receipt(score(0.3, version="2"))
    assert set(books.samples(quality.QUALITY_SCORE)) == {("groundedness", "2")}


def test_memory_does_not_grow_with_time() -> None:
    scored = Scored(width_s=300)
    for minute in range(0, 100_000, 7):
        one = Scored(width_s=300, newest_s=minute * 60.0)
        one.recent[int(minute * 60 / 300)] = [0.5, 1]
        scored.add(one)
        assert len(scored.recent) <= SLOTS


def test_an_interval_declared_anew_begins_anew() -> None:
    scored = Scored(width_s=300, newest_s=NOW, recent={int(NOW / 300): [0.5, 1]})
    scored.add(Scored(width_s=600, newest_s=NOW, recent={int(NOW / 600): [0.9, 1]}))
    assert scored.mean(NOW) == (0.9, 1)


# Sums.


def random_counts(seed: int) -> Counts:
    chance = random.Random(seed)  # noqa: S311  # numbers to add, no secrets
    counts = Counts(marks={f"file{seed}": str(seed)})
    for number in range(3):
        newest_s = NOW + chance.randrange(1000)
        slots = {int(newest_s / 300) - step: [chance.randrange(8) / 8, 1.0] for step in range(5)}
        counts.scores["m", "e", "s", str(number)] = Scored(
            width_s=300,
            good=chance.randrange(9),
            bad=chance.randrange(9),
            bins=Bins([chance.randrange(9) for _ in range(11)], chance.randrange(16) / 16),
            newest_s=newest_s,
            sampled=chance.choice([None, 0.5]),
            recent=slots,
            evaluators={("judge", str(number)): newest_s},
        )
        counts.counters[quality.AGENT_STEPS_TOTAL.name, "m", str(number)] = chance.randrange(9)
        counts.bins[quality.FEEDBACK_RATING.name, "m", "e", str(number)] = Bins([1, 0, 2, 0, 1, 0])
    return counts


@pytest.mark.parametrize("seed", range(5))
def test_what_is_written_is_read_back(seed: int) -> None:
    assert read(written(random_counts(seed))) == random_counts(seed)


@pytest.mark.parametrize("seed", range(5))
def test_batches_can_be_added_in_any_grouping(seed: int) -> None:
    one_by_one, together, rest = random_counts(seed), random_counts(seed), random_counts(seed + 1)
    one_by_one.add(random_counts(seed + 1))
    one_by_one.add(random_counts(seed + 2))
    rest.add(random_counts(seed + 2))
    together.add(rest)
    assert one_by_one == together


def test_what_is_not_counted_any_more_is_left_out() -> None:
    counts = random_counts(1)
    counts.counters["gone_total", "m", "e"] = 5
    counts.counters[quality.AGENT_STEPS_TOTAL.name, "m", "e", "a label too many"] = 5
    counts.bins[quality.FEEDBACK_RATING.name, "m", "e", "other bounds"] = Bins([1, 2])
    assert read(written(counts)) == random_counts(1)


# Names that senders choose.


def test_a_new_version_has_a_place_until_there_are_too_many(books: Books) -> None:
    books.receipt([score(version=f"v{number}") for number in range(50)])
    versions = {version for _, version in books.samples(quality.QUALITY_SCORE)}
    assert len(versions) == 12, "ten, the one of the inventory, and other"
    assert {"v1", "other"} < versions
    assert books.samples(quality.QUALITY_SAMPLES)["groundedness", "other"] == 39


def test_a_version_that_nobody_uses_makes_room_with_its_counters(books: Books) -> None:
    for number in range(10):
        books.receipt(score(version=f"old{number}"))
        books.clock.now += 1
    flag = {"kind": "flag", "model": "chat", "flag": "refusal", "version": "old0"}
    books.clock.now += 86_400
    books.receipt([{**flag, "version": "old1"}, score(version="new")])
    books.settle()
    versions = {version for _, version in books.samples(quality.QUALITY_LAST_EVALUATION)}
    assert "new" in versions
    assert "old0" not in versions
    assert books.samples(quality.ANSWER_FLAGS_TOTAL) == {("refusal", "old1"): 1}


def test_ten_million_names_take_the_memory_of_a_few(books: Books) -> None:
    for batch in range(20):
        events = [
            {
                **score(version=f"v{batch}-{number}", evaluator=f"e{batch}-{number}"),
                "trace_id": f"{batch}-{number}",
            }
            for number in range(500)
        ]
        tools = [
            {"kind": "tool_call", "model": "chat", "tool": f"t{batch}-{number}", "outcome": "error"}
            for number in range(500)
        ]
        assert books.receipt([*events, *tools])["accepted"] == 1000
    books.settle()
    with books.ledger.reading() as held:
        assert len(list(held.counts.series())) < 60
        assert all(len(one.evaluators) <= 4 for one in held.counts.scores.values())
        assert all(len(one.exemplars) <= 11 for one in held.counts.scores.values())
    assert books.samples(quality.TOOL_CALLS_TOTAL)["other", "error"] == 20 * 500 - 20


def test_without_an_inventory_there_is_a_limit_to_models_and_scores(tmp_path: Path) -> None:
    books = Books(tmp_path, Anything())
    models = books.receipt([{**score(), "model": f"m{number}"} for number in range(150)])
    assert (models["accepted"], models["rejected"]) == (100, 50)
    assert {one["reason"] for one in models["reasons"]} == {"unknown_model"}
    scores = books.receipt([{**score(), "model": "m0", "score": f"s{n}"} for n in range(30)])
    assert (scores["accepted"], scores["rejected"]) == (19, 11)
    assert books.reasons({**score(), "model": "m\n"}) == ["bad_text"]
    books.settle()
    assert books.all_samples(quality.QUALITY_SCORE)["m7", "production", "groundedness", ""] == 0.9
    assert (
        books.all_samples(quality.QUALITY_JUDGEMENTS_TOTAL)[
            "m7", "production", "groundedness", "bad", ""
        ]
        == 0
    )
