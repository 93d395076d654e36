"""Distances of clouds of vectors: exact where they can be, near where they are estimates."""

import math

import numpy as np
import pytest

from exporters.drift.baseline import Embedding
from exporters.drift.embeddings import classifier, distances, fourier
from exporters.drift.embeddings.building import Building
from exporters.drift.embeddings.vectors import Matrix
from exporters.drift.embeddings.watched import Distances, Watched

NOW = 1_800_000_000.0
LENGTH = 24


def cloud(seed: int, count: int, *, shift: float = 0.0, spread: float = 1.0) -> Matrix:
    """Four clusters of correlated vectors, not around zero."""
    drawn = np.random.Generator(np.random.PCG64(seed))
    turned, _ = np.linalg.qr(np.random.Generator(np.random.PCG64(99)).standard_normal((24, 24)))
    mixed = turned * np.arange(1, LENGTH + 1) ** -0.5
    centres = np.eye(4, LENGTH) * 4
    around = drawn.standard_normal((count, LENGTH)) @ mixed.T * spread
    vectors: Matrix = 1 + around + centres[drawn.integers(0, 4, count)]
    vectors[:, 4:8] += shift
    return vectors


def baseline_of(vectors: Matrix) -> Embedding:
    building = Building("question", vectors.shape[1])
    building.add(vectors)
    return building.embedding()


def seen(baseline: Embedding, vectors: Matrix) -> Distances:
    watched = Watched(baseline)
    watched.add(vectors, NOW)
    return watched.distances("1h", NOW)


def exact_mmd(ours: Matrix, theirs: Matrix, gamma: float) -> float:
    def kernel(left: Matrix, right: Matrix) -> Matrix:
        squares = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2 * left @ right.T
        return np.asarray(np.exp(-gamma * np.maximum(squares, 0)))

    n, m = len(ours), len(theirs)
    within = (kernel(ours, ours).sum() - n) / (n * (n - 1))
    within += (kernel(theirs, theirs).sum() - m) / (m * (m - 1))
    return float(within - 2 * kernel(ours, theirs).mean())


def exact_auc(below: Matrix, above: Matrix) -> float:
    ordered = np.sort(below)
    return float(np.searchsorted(ordered, above).mean() / len(below))


def test_distances_of_means_are_exact_however_vectors_arrive() -> None:
    reference, live = cloud(1, 1500), cloud(2, 1203, shift=0.3)
    watched = Watched(baseline_of(reference))
    for start in range(0, 1203, 7):
        watched.add(live[start : start + 7], NOW)
    found = watched.distances("1h", NOW)
    mean, other = live.mean(axis=0), reference.mean(axis=0)
    cosine = 1 - mean @ other / np.linalg.norm(mean) / np.linalg.norm(other)
    assert found.count == 1203
    assert found.values["euclidean"] == pytest.approx(np.linalg.norm(mean - other), abs=1e-9)
    assert found.values["cosine"] == pytest.approx(cosine, abs=1e-9)


def test_far_from_zero_no_digits_are_lost() -> None:
    reference, live = cloud(1, 1000) + 1e5, cloud(2, 1000, shift=0.3) + 1e5
    found = seen(baseline_of(reference), live)
    exact = np.linalg.norm(live.mean(axis=0) - reference.mean(axis=0))
    assert found.values["euclidean"] == pytest.approx(exact, abs=1e-9)


def test_the_share_of_shifted_components_is_what_its_definition_says() -> None:
    reference, live = cloud(1, 3000), cloud(2, 3000, shift=0.4, spread=1.3)
    deviation = np.sqrt(reference.var(axis=0) + 0.05 * np.median(reference.var(axis=0)))
    moves = np.hypot(
        live.mean(axis=0) - reference.mean(axis=0), live.std(axis=0) - reference.std(axis=0)
    )
    share = (moves / deviation > max(0.1, 3 * math.sqrt(2 / 3000))).mean()
    found = seen(baseline_of(reference), live)
    assert 0 < share < 1
    assert found.values["shifted"] == pytest.approx(share, abs=1e-9)


@pytest.mark.parametrize("shift", [0.3, 0.6, 1.2])
def test_the_mmd_is_within_15_percent_of_the_exact_one(shift: float) -> None:
    reference, live = cloud(1, 3000), cloud(2, 3000, shift=shift)
    baseline = baseline_of(reference)
    exact = exact_mmd(live, reference, baseline.gamma)
    assert seen(baseline, live).values["mmd"] == pytest.approx(exact, rel=0.15)


def test_gamma_is_one_over_the_squared_median_distance() -> None:
    vectors = cloud(1, 1000)
    apart = np.concatenate(
        [np.linalg.norm(vectors[:at] - one, axis=1) for at, one in enumerate(vectors)]
    )
    assert baseline_of(vectors).gamma == pytest.approx(1 / np.median(apart) ** 2, rel=1e-6)


def test_fourier_features_are_the_same_in_every_release() -> None:
    drawn = fourier.frequencies(3, seed=7, features=8, gamma=0.5)
    expected = [1.9163520, 0.1156025, 0.2849263, 1.2838432]
    assert drawn[0].tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("shift", [0.3, 0.6, 1.2])
def test_the_classifier_is_near_the_exact_one(shift: float) -> None:
    reference, live = cloud(1, 4000), cloud(2, 4000, shift=shift)
    learned = np.linalg.solve(
        np.cov(reference.T), live[::2].mean(axis=0) - reference[::2].mean(axis=0)
    )
    exact = exact_auc(reference[1::2] @ learned, live[1::2] @ learned)
    assert seen(baseline_of(reference), live).values["auc"] == pytest.approx(exact, abs=0.03)


def test_few_factors_stand_for_a_covariance_of_few_directions() -> None:
    drawn = np.random.Generator(np.random.PCG64(3))
    directions = drawn.standard_normal((4, 30)) * 5
    shifts = drawn.standard_normal((2000, 4)) @ directions
    shifts += drawn.standard_normal(shifts.shape)
    spread = classifier.covariance(shifts.var(axis=0), classifier.factors_of(shifts, 1))
    exact = np.cov(shifts.T) + np.eye(30) * distances.least_variance(shifts.var(axis=0))
    shift = drawn.standard_normal(30)
    near, wanted = spread.divide(shift), np.linalg.solve(exact, shift)
    assert near @ wanted / np.linalg.norm(near) / np.linalg.norm(wanted) > 0.98


def test_no_distance_is_told_from_a_handful_of_vectors() -> None:
    found = seen(baseline_of(cloud(1, 300)), cloud(2, 29))
    assert (found.count, found.values, found.floors) == (29, {}, {})


def test_vectors_without_direction_have_a_distance() -> None:
    vectors = cloud(1, 1000)
    vectors = np.concatenate([vectors, -vectors])
    assert seen(baseline_of(vectors), vectors).values["cosine"] == pytest.approx(1, abs=1)


# What Evidently 0.7.23 says of cloud(1, 2000) and these, with its median of squared distances.
EVIDENTLY = [
    pytest.param(
        0.3,
        {"cosine": 0.004255394862264783, "euclidean": 0.6083259748954135, "shifted": 4 / 24},
        (0.008866006242851943, 0.027395706785861517),
        0.9342521685551501,
        id="small",
    ),
    pytest.param(
        0.6,
        {"cosine": 0.015280453829268348, "euclidean": 1.2019388978791274, "shifted": 4 / 24},
        (0.03492976032944661, 0.026624279188674542),
        0.9987266740285513,
        id="large",
    ),
]


@pytest.mark.parametrize(("shift", "values", "mmd", "auc"), EVIDENTLY)
def test_distances_are_those_of_evidently(
    shift: float, values: dict[str, float], mmd: tuple[float, float], auc: float
) -> None:
    reference, live = cloud(1, 2000), cloud(2, 2000, shift=shift)
    found = seen(baseline_of(reference), live).values
    for method, value in values.items():
        assert found[method] == pytest.approx(value, abs=1e-9)
    assert found["auc"] == pytest.approx(auc, abs=0.05)  # theirs is learned by gradient descent
    there, gamma = mmd
    assert exact_mmd(live, reference, gamma) == pytest.approx(there, abs=1e-9)
    drawn = fourier.frequencies(LENGTH, seed=1, features=fourier.FEATURES, gamma=gamma)
    means = [fourier.mapped(side, drawn).mean(axis=0) for side in (live, reference)]
    near = distances.mmd(means[0], 2000, means[1], 2000)
    assert near == pytest.approx(there, rel=0.15)
