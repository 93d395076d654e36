"""Values fall into the bins that the baseline says, with numpy and without."""

import math
import random
from array import array

import pytest

from exporters.drift.baseline import Categorical, Numeric, Score, ScoreOfClass
from exporters.drift.bins import (
    Counter,
    Counts,
    Values,
    by_class,
    counted,
    counter_of,
    number,
    word,
)

AMOUNT = Numeric(
    name="amount",
    edges=(-1.5, 0.0, 2.0, 10.0),
    counts=(1, 2, 3, 4, 5),
    centres=(-2.0, -1.0, 1.0, 5.0, 11.0),
    missing=6,
    low=-3.0,
    high=12.0,
    mean=1.0,
    deviation=2.0,
)
COUNTRY = Categorical(
    name="country", values=("DE", "FR", "true", "5"), counts=(4, 3, 2, 1), other=0, missing=7
)
OPEN = Categorical(name="city", values=("Kiel",), counts=(9,), other=4, missing=0)
SCORE = Score(
    name="score",
    edges=tuple(step / 20 for step in range(1, 21)),
    classes=(
        ScoreOfClass(predicted="fraud", counts=(1,) * 21, correct=(None,) * 21),
        ScoreOfClass(predicted="fine", counts=(1,) * 21, correct=(None,) * 21),
    ),
    missing=0,
)
ODD: list[object] = [
    *(-3, -1.5, -1.4999, 0.0, -0.0, 2, 10.0, 10.5, 13, -99, 10**400, -(10**400), 2**53 + 1),
    *(None, math.nan, math.inf, -math.inf, True, "12.5", "", [1.0], {}, b"x"),
]


def of(counter: Counter, values: Values) -> Counts:
    counts = counter.empty()
    counter.count(counts, values)
    return counts


@pytest.mark.parametrize("fast", [True, False], ids=["numpy", "python"])
def test_a_value_falls_into_the_first_bin_whose_edge_it_does_not_exceed(fast: bool) -> None:
    counts = of(counter_of(AMOUNT, fast=fast), [-1.5, -1.4, 0.0, 2.0, 2.1, 10.0, 10.1])
    assert counts.bins == [1, 2, 1, 2, 1]


@pytest.mark.parametrize("fast", [True, False], ids=["numpy", "python"])
def test_what_is_no_number_is_refused_and_no_observation(fast: bool) -> None:
    counts = of(counter_of(AMOUNT, fast=fast), ODD)
    assert counts == Counts(bins=[3, 3, 1, 1, 3], missing=2, out_of_range=3, refused=10)
    assert counts.observations == 13


def test_with_numpy_and_without_the_counts_are_the_same() -> None:
    chance = random.Random(7)  # noqa: S311
    columns: list[list[object]] = [
        [chance.gauss(0, 5) for _ in range(500)],
        [chance.choice([1, 2.0, None, -3, math.nan, math.inf]) for _ in range(500)],
        [chance.choice([*AMOUNT.edges, AMOUNT.low, AMOUNT.high]) for _ in range(500)],
        [chance.randrange(-(10**20), 10**20) for _ in range(500)],
        [chance.choice(ODD) for _ in range(500)],
        [],
    ]
    for column in columns:
        slow = of(counter_of(AMOUNT, fast=False), column)
        assert of(counter_of(AMOUNT), column) == slow


def test_an_array_counts_as_the_list_of_its_values() -> None:
    numpy = pytest.importorskip("numpy")
    values = numpy.random.Generator(numpy.random.PCG64(1)).normal(0, 5, 1000)
    expected = of(counter_of(AMOUNT), values.tolist())
    columns: list[Values] = [values, array("d", values)]
    for column in columns:
        for fast in (True, False):
            assert of(counter_of(AMOUNT, fast=fast), column) == expected
    refused = of(counter_of(AMOUNT), numpy.array([True, False]))
    assert refused == Counts(bins=[0] * 5, refused=2)


def test_a_word_that_the_baseline_does_not_name_is_unseen() -> None:
    counts = of(counter_of(COUNTRY), ["DE", "DE", "PT", None, "", True, 5, 5.0, False, "other"])
    assert counts == Counts(bins=[2, 0, 1, 1, 4], missing=2, unseen=4)


def test_nothing_is_unseen_where_the_baseline_has_others() -> None:
    assert of(counter_of(OPEN), ["Kiel", "Bonn"]) == Counts(bins=[1, 1])


def test_what_is_no_word_is_refused() -> None:
    counts = of(counter_of(COUNTRY), ["FR", math.inf, ["DE"], {"a": 1}, math.nan])
    assert counts == Counts(bins=[0, 1, 0, 0, 0], missing=1, refused=3)


def test_scores_are_told_apart_by_predicted_class() -> None:
    said = ["fraud", "fine", "odd", "fraud", ["fraud"], None]
    split = by_class(SCORE, [0.9, 0.8, 0.1, 0.2, 0.3, 0.4], said)
    assert split == {"fraud": [0.9, 0.2], "fine": [0.8]}
    counts = of(counter_of(SCORE), [0.05, 0.051, 1.0, 1.2, -0.1, 0])
    assert counts.bins == [3, 1, *[0] * 17, 1, 1]
    assert counts.out_of_range == 2


def test_counts_add_up() -> None:
    chance = random.Random(3)  # noqa: S311
    column: list[object] = [chance.choice(ODD) for _ in range(900)]
    counter = counter_of(AMOUNT)
    parts = of(counter, column[:100]) + of(counter, column[100:700]) + of(counter, column[700:])
    assert parts == of(counter, column)


def test_what_the_baseline_counted_is_known() -> None:
    assert counted(AMOUNT) == Counts(bins=[1, 2, 3, 4, 5], missing=6)
    assert counted(OPEN) == Counts(bins=[9, 4])


def test_words_are_written_as_json_writes_them() -> None:
    written = [word(value) for value in (True, False, 1, 1.0, "1", 1e20, None, math.nan, "")]
    assert written == ["true", "false", "1", "1.0", "1", "1e+20", None, None, None]
    assert number(3) == 3.0
