"""Noise floors of embeddings: quiet without drift at every sample size, and not deaf to drift."""

from collections import Counter

import numpy as np
import pytest

from exporters.drift.embeddings.vectors import Matrix
from exporters.drift.embeddings.watched import Distances
from modelwatch import defaults
from modelwatch.catalogue.drift import EMBEDDING_METHODS
from tests.exporters.test_drift_embeddings import baseline_of, cloud, seen
from tests.real_data import digits

LIMITS = {
    method: float(defaults.LIMITS[f"drift_{method}"].value.removesuffix("%"))
    / (100 if "%" in defaults.LIMITS[f"drift_{method}"].value else 1)
    for method in EMBEDDING_METHODS
}
BASELINES, TRIALS = 4, 100


def alarms(found: Distances) -> set[str]:
    return {
        method
        for method, value in found.values.items()
        if value > max(LIMITS[method], found.floors[method])
    }


def above_floor(found: Distances) -> set[str]:
    return {method for method, value in found.values.items() if value > found.floors[method]}


@pytest.fixture(scope="module")
def quiet() -> dict[int, list[Distances]]:
    """By sample size, what 400 samples of the same cloud look like beside four baselines."""
    found: dict[int, list[Distances]] = {100: [], 200: [], 500: [], 1000: []}
    for number in range(BASELINES):
        baseline = baseline_of(cloud(number, 3000))
        for size, kept in found.items():
            for trial in range(TRIALS):
                kept.append(seen(baseline, cloud(1000 * size + 100 * number + trial, size)))
    return found


@pytest.mark.parametrize("size", [100, 200, 500, 1000])
def test_without_drift_at_most_2_percent_alarm(
    quiet: dict[int, list[Distances]], size: int
) -> None:
    told = Counter(method for found in quiet[size] for method in alarms(found))
    assert len(quiet[size]) == BASELINES * TRIALS
    assert all(told[method] <= 0.02 * BASELINES * TRIALS for method in EMBEDDING_METHODS), told


@pytest.mark.parametrize("size", [100, 200, 500, 1000])
def test_the_floor_alone_is_exceeded_by_at_most_2_percent(
    quiet: dict[int, list[Distances]], size: int
) -> None:
    told = Counter(method for found in quiet[size] for method in above_floor(found))
    assert all(told[method] <= 0.02 * BASELINES * TRIALS for method in EMBEDDING_METHODS), told


def test_floors_shrink_as_distances_do_from_100_to_5000_vectors() -> None:
    baseline = baseline_of(cloud(1, 20_000))
    ratios: dict[str, list[float]] = {}
    for size, trials in ((100, 150), (1000, 60), (5000, 30)):
        found = [seen(baseline, cloud(size * 1000 + trial, size)) for trial in range(trials)]
        for method in ("cosine", "euclidean", "mmd", "auc"):
            least = 0.5 if method == "auc" else 0.0
            floor = found[0].floors[method] - least
            typical = np.mean([(one.values[method] - least) ** 2 for one in found]) ** 0.5
            ratios.setdefault(method, []).append(float(typical) / floor)
    for method, (few, *more) in ratios.items():
        assert more == [pytest.approx(few, rel=0.35)] * 2, method


@pytest.fixture(scope="module")
def pixels() -> tuple[Matrix, Matrix]:
    """Digits from 0 to 4, and from 5 to 9, shuffled."""
    rows = list(digits())
    drawn = np.random.Generator(np.random.PCG64(1))
    known = np.array([row for row, digit in rows if digit < 5])
    unseen = np.array([row for row, digit in rows if digit >= 5])
    return drawn.permutation(known), drawn.permutation(unseen)


SHARES = (0.0, 0.1, 0.25, 0.5, 1.0)


@pytest.fixture(scope="module")
def mixed(pixels: tuple[Matrix, Matrix]) -> dict[float, list[Distances]]:
    """Ten draws per share of digits that the baseline has never seen."""
    known, unseen = pixels
    baseline = baseline_of(known[:450])
    drawn = np.random.Generator(np.random.PCG64(2))
    found: dict[float, list[Distances]] = {}
    for share in SHARES:
        of_unseen = round(share * 450)
        for _ in range(10):
            live = np.concatenate(
                [
                    drawn.permutation(unseen)[:of_unseen],
                    drawn.permutation(known[450:])[: 450 - of_unseen],
                ]
            )
            found.setdefault(share, []).append(seen(baseline, drawn.permutation(live)))
    return found


def test_distances_grow_with_the_share_of_unseen_digits(
    mixed: dict[float, list[Distances]],
) -> None:
    for method in EMBEDDING_METHODS:
        means = [np.mean([one.values[method] for one in mixed[share]]) for share in SHARES]
        assert means == sorted(means), (method, means)


def test_digits_as_in_the_baseline_are_quiet_and_others_alarm(
    mixed: dict[float, list[Distances]],
) -> None:
    assert not any(alarms(found) for found in mixed[0.0])
    assert all({"euclidean", "shifted", "auc"} <= alarms(found) for found in mixed[0.5])
    for found in mixed[1.0]:
        # The cosine stays under its limit: all digits have their ink in the middle.
        assert alarms(found) == {"euclidean", "shifted", "mmd", "auc"}
        assert "cosine" in above_floor(found)


def test_digits_are_as_far_apart_as_was_measured_elsewhere(
    mixed: dict[float, list[Distances]],
) -> None:
    """Measured exactly, with other draws of the same digits."""
    mmd = {share: np.mean([one.values["mmd"] for one in mixed[share]]) for share in SHARES}
    assert mmd[0.5] == pytest.approx(0.0137, abs=0.003)
    assert mmd[1.0] == pytest.approx(0.0542, rel=0.1)
