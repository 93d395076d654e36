"""Rows become a baseline, in memory that does not grow with them."""

import math
import random
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

import pytest

from exporters.drift.baseline import Baseline, Categorical, Numeric, Score, parsed, text
from exporters.drift.bins import counted, counter_of
from exporters.drift.building import Builder
from exporters.drift.columns import MOST_WORDS, Numbers, Words
from exporters.drift.edges import edges_of
from modelwatch.problems import ModelwatchError

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
CHANCE = random.Random(5)  # noqa: S311
AMOUNTS = [CHANCE.lognormvariate(3, 1) for _ in range(5000)]


def frozen(builder: Builder) -> Baseline:
    return builder.freeze(model="fraud", version="3", created=NOW)


def numeric(values: Sequence[object], sample: int = 100_000, step: int = 700) -> Numeric:
    column = Numbers("x", sample)
    for start in range(0, len(values), step):
        column.add(values[start : start + step])
    found = column.feature()
    assert found
    return found


def test_a_numeric_feature_is_parted_at_its_deciles() -> None:
    feature = numeric([*AMOUNTS])
    deciles = statistics.quantiles(AMOUNTS, n=10, method="inclusive")
    assert feature.edges == pytest.approx(deciles, rel=1e-3)
    assert all(495 <= count <= 505 for count in feature.counts)
    assert (feature.low, feature.high) == (min(AMOUNTS), max(AMOUNTS))
    assert feature.mean == pytest.approx(statistics.fmean(AMOUNTS), rel=1e-12)
    assert feature.deviation == pytest.approx(statistics.pstdev(AMOUNTS), rel=1e-12)


def test_a_baseline_counts_its_own_rows_as_it_says() -> None:
    values: list[object] = [*AMOUNTS, None, math.nan, "x", math.inf]
    feature = numeric(values)
    counts = counter_of(feature).empty()
    counter_of(feature).count(counts, values)
    assert counts.bins == counted(feature).bins
    assert (counts.missing, counts.out_of_range) == (feature.missing, 0) == (2, 0)


def test_the_mean_of_each_bin_is_kept() -> None:
    feature = numeric([*AMOUNTS])
    total = sum(
        centre * count for centre, count in zip(feature.centres, feature.counts, strict=True)
    )
    assert total / 5000 == pytest.approx(feature.mean)


@pytest.mark.parametrize(
    ("values", "edges"),
    [
        ([5], (5.0,)),
        ([1, 0, 1, 1, 0], (0.0, 1.0)),
        ([-0.0, 3, 3], (0.0, 3.0)),
        ([*range(20)] * 3, tuple(map(float, range(20)))),
        (
            [step / 7 for step in range(1001)],
            tuple(round(step * 100 / 7, 1) for step in range(1, 10)),
        ),
        (
            [1.7e9 + step for step in range(1001)],
            tuple(1.7e9 + step * 100 for step in range(1, 10)),
        ),
    ],
    ids=["constant", "flag", "minus zero", "twenty values", "deciles are rounded", "moments"],
)
def test_boundaries_are_few_and_readable(values: list[float], edges: tuple[float, ...]) -> None:
    assert edges_of(sorted(map(float, values))) == edges


def test_a_value_that_many_rows_have_ends_a_bin() -> None:
    rest = [CHANCE.gauss(10, 2) for _ in range(1000)]
    feature = numeric([0.0] * 6000 + [5.0] * 2000 + rest)
    assert feature.edges[0] == 0.0
    assert len(feature.edges) == 9
    assert feature.counts[0] == 6000
    assert feature.edges[1] == 5.0
    assert all(count > 30 for count in feature.counts)


def test_beyond_the_sample_all_rows_have_had_the_same_chance() -> None:
    values: list[object] = [float(row) for row in range(50_000)]
    feature = numeric([*values, *([None] * 50_000)], sample=1000)
    assert sum(feature.counts) == 1000
    assert feature.missing == 1000
    assert (feature.low, feature.high) == (0.0, 49_999.0)
    for step, edge in enumerate(feature.edges, 1):
        assert edge == pytest.approx(step * 5000, abs=2500)
    assert feature == numeric([*values, *([None] * 50_000)], sample=1000, step=333)


def test_numbers_that_cannot_be_compared_are_refused() -> None:
    column = Numbers("x")
    column.add([1.0, 1e100, -1e100, 10**400, True, "1", [1], 1e-200])
    assert column.refused == 6
    feature = column.feature()
    assert feature
    assert feature.edges == (0.0, 1.0)


def test_the_most_frequent_words_are_named() -> None:
    column = Words("city")
    column.add([f"c{place:02}" for place in range(30) for _ in range(30 - place)])
    column.add(["other", "x" * 65, "\ud800", None, "", True])
    feature = column.feature()
    assert feature
    assert feature.values == tuple(f"c{place:02}" for place in range(20))
    assert feature.counts == tuple(range(30, 10, -1))
    assert (feature.other, feature.missing) == (sum(range(11)) + 4, 2)


def test_of_many_words_the_rarest_are_forgotten_but_counted() -> None:
    column = Words("id")
    for start in range(0, 10 * MOST_WORDS, 1000):
        column.add(["often"] * 100 + [str(number) for number in range(start, start + 1000)])
    feature = column.feature()
    assert feature
    assert column.different <= 2 * MOST_WORDS
    assert (feature.values[0], feature.counts[0]) == ("often", 10_000)
    assert feature.other + sum(feature.counts) == 110_000


def test_scores_are_kept_by_class_with_how_often_they_were_right() -> None:
    builder = Builder()
    builder.add(
        {},
        scores=[0.96, 0.97, 0.1, None, 0.3, 7],
        predicted=["1", "1", "0", "0", None, "0"],
        labels=["1.0", "0", None, "1", "1", "1"],
    )
    predicted, score = frozen(builder).features
    assert isinstance(predicted, Categorical)
    assert dict(zip(predicted.values, predicted.counts, strict=True)) == {"0": 3, "1": 2}
    assert isinstance(score, Score)
    ones, zeros = score.classes
    assert (ones.predicted, ones.counts[19], ones.correct[19]) == ("1", 2, 0.5)
    assert (zeros.counts[1], zeros.correct[1]) == (1, None)
    assert score.missing == 2
    assert builder.refused() == {"score": 1}


def test_scores_without_a_class_are_of_one_without_a_name() -> None:
    builder = Builder()
    builder.add({}, scores=[0.5, 0.7])
    (score,) = frozen(builder).features
    assert isinstance(score, Score)
    assert [known.predicted for known in score.classes] == [""]


def test_a_column_has_the_kind_of_its_first_value() -> None:
    builder = Builder({"zip": "categorical"})
    builder.add({"zip": [None], "amount": [None], "flag": [None]})
    builder.add({"zip": [1234], "amount": [3], "flag": [True], "empty": [None]})
    zips, amount, flag = frozen(builder).features
    assert isinstance(zips, Categorical)
    assert (zips.values, zips.missing) == (("1234",), 1)
    assert isinstance(amount, Numeric)
    assert amount.missing == 1
    assert isinstance(flag, Categorical)
    assert flag.values == ("true",)


def test_a_baseline_from_rows_is_a_valid_file() -> None:
    builder = Builder()
    builder.add({"amount": AMOUNTS, "word": ["ä\u0085\n\"'\\ \u2028"] * 5000}, scores=[0.5] * 5000)
    baseline = builder.freeze(
        model="fraud",
        version="3",
        created=NOW,
        newest=datetime(2026, 5, 1, 1, tzinfo=timezone(timedelta(hours=2))),
    )
    assert (baseline.rows, baseline.newest) == (5000, "2026-04-30T23:00:00Z")
    assert parsed("b", text(baseline).encode()) == baseline
    assert all(len(text(baseline)) < 6000 for _ in baseline.features)


def test_nothing_seen_is_no_baseline() -> None:
    builder = Builder()
    builder.add({"amount": [None]})
    with pytest.raises(ModelwatchError, match="no baseline yet"):
        frozen(builder)
