"""How often a prediction with a score is right, learned from a baseline's labels."""

from dataclasses import replace

import pytest

from exporters.drift.baseline import Baseline, Score, ScoreOfClass
from exporters.drift.labels.calibration import MINIMUM, calibrated, calibration
from tests.exporters.label_stores import BASELINE


def of_class(counts: list[int], correct: list[float | None]) -> tuple[float, ...]:
    known = ScoreOfClass(predicted="fraud", counts=tuple(counts), correct=tuple(correct))
    return calibrated(known)


@pytest.mark.parametrize(
    ("correct", "expected"),
    [
        ([0.6, 0.7, 0.8, 0.9], (0.6, 0.7, 0.8, 0.9)),
        ([0.9, 0.8, 0.7, 0.6], (0.9, 0.8, 0.7, 0.6)),
        ([0.6, 0.8, 0.7, 0.9], (0.6, 0.75, 0.75, 0.9)),
        ([0.9, 0.7, 0.8, 0.6], (0.9, 0.75, 0.75, 0.6)),
        ([0.7, 0.7, 0.7, 0.7], (0.7, 0.7, 0.7, 0.7)),
    ],
    ids=["rises", "falls", "rises but for chance", "falls but for chance", "is level"],
)
def test_shares_only_rise_or_only_fall_with_the_score(
    correct: list[float | None], expected: tuple[float, ...]
) -> None:
    assert of_class([100] * 4, correct) == pytest.approx(expected)


def test_a_bin_with_few_labels_is_taken_together_with_the_neighbour_most_like_it() -> None:
    assert of_class([100, 100, 2], [0.5, 0.9, 1.0]) == pytest.approx((0.5, 92 / 102, 92 / 102))


def test_a_bin_without_labels_is_like_the_nearest_that_has_some() -> None:
    shares = of_class([0, 100, 50, 100, 0], [None, 0.5, None, 0.9, None])
    assert shares == pytest.approx((0.5, 0.5, 0.5, 0.9, 0.9))


def test_a_class_with_few_labels_has_no_calibration() -> None:
    assert of_class([MINIMUM - 1, 500], [0.5, None]) == ()


def test_the_mean_of_what_is_expected_is_what_was_right() -> None:
    counts = [40, 31, 500, 7, 90, 222]
    correct: list[float | None] = [0.55, 0.2, 0.8, 0.1, 0.7, 0.95]
    expected = sum(
        count * share for count, share in zip(counts, of_class(counts, correct), strict=True)
    )
    right = sum(count * (share or 0) for count, share in zip(counts, correct, strict=True))
    assert expected == pytest.approx(right)


def test_the_accuracy_of_a_baseline_is_that_of_its_labelled_rows() -> None:
    found = calibration(BASELINE)
    assert found is not None
    assert found.labels == 2000
    assert found.accuracy == pytest.approx(0.85)
    assert found.all_expected([(0.2, "ok"), (0.9, "fraud"), (0.9, "lost")]) == [
        pytest.approx(0.9),
        pytest.approx(0.8),
    ]


def test_a_baseline_without_labels_has_no_calibration() -> None:
    score = BASELINE.features[0]
    assert isinstance(score, Score)
    unlabelled = tuple(
        ScoreOfClass(predicted=one.predicted, counts=one.counts, correct=(None,) * 21)
        for one in score.classes
    )
    assert calibration(_with(replace(score, classes=unlabelled))) is None
    assert calibration(_with()) is None


def test_scores_without_classes_are_calibrated_together() -> None:
    one = ScoreOfClass(predicted="", counts=(100,) * 21, correct=(0.7,) * 21)
    score = BASELINE.features[0]
    assert isinstance(score, Score)
    found = calibration(_with(replace(score, classes=(one,))))
    assert found is not None
    assert found.all_expected([(0.5, "whatever")]) == [pytest.approx(0.7)]


def _with(*features: Score) -> Baseline:
    return replace(BASELINE, features=features)
