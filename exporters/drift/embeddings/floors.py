"""Noise floors: how far apart are two samples of one and the same cloud?

Measured where the baseline is made: its vectors are split by lot into a small sample and the rest,
many times and for several sizes. Each method's distance shrinks with the sizes in a known way; what
is left of it is one number per method, the factor, that is kept in the baseline. It is the largest
of the sizes, of what one split in a hundred exceeds.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from exporters.drift.embeddings import classifier, distances
from exporters.drift.embeddings.classifier import Covariance
from exporters.drift.embeddings.vectors import Matrix
from modelwatch.catalogue.drift import EMBEDDING_METHODS

SPLITS = 400
QUANTILE = 0.99
SMALLEST = 100
"""Vectors of the smallest sample that is split off."""
PARTS = (2, 4, 8, 16)
"""Parts of all vectors that are split off: a half, a quarter and so on."""


def floor(method: str, factor: float, count: int, baseline_count: int) -> float:
    """What this method's distance exceeds once in a hundred times without any drift.

    `count` is of the vectors behind the distance: of the classifier, those it was tested with.
    """
    both = 1 / count + 1 / baseline_count
    match method:
        case "euclidean":
            return factor * math.sqrt(both)
        case "cosine" | "mmd":  # squares of distances
            return factor * both
        case "auc":  # half of the baseline tests
            return 0.5 + factor * math.sqrt(both + 1 / baseline_count)
        case _:  # `shifted` looks at the sizes itself
            return factor


def measure(
    shifts: Matrix, mean: Matrix, features: Matrix, spread: Covariance, seed: int
) -> dict[str, float]:
    """The factor of each method, from vectors of one cloud and their Fourier features.

    `shifts` are the vectors counted from their `mean`.
    """
    drawn = np.random.RandomState(seed)  # frozen, as in `fourier`
    factors = dict.fromkeys(EMBEDDING_METHODS, 0.0)
    for size in _sizes(len(shifts)):
        rest = len(shifts) - size
        orders = np.array([drawn.permutation(len(shifts)) for _ in range(SPLITS)])
        found = {
            **_distances(shifts, mean, features, _chosen(orders, 0, size)),
            "auc": _told(shifts, orders, size, spread),
        }
        for method, values in found.items():
            behind = size - size // 2 if method == "auc" else size
            least = floor(method, 0.0, behind, rest)
            scale = floor(method, 1.0, behind, rest) - least
            factor = (float(np.quantile(values, QUANTILE)) - least) / scale
            factors[method] = max(factors[method], factor)
    return factors


def _sizes(count: int) -> Iterator[int]:
    return (count // part for part in PARTS if part == PARTS[0] or count // part >= SMALLEST)


def _chosen(orders: NDArray[np.int64], start: int, stop: int) -> Matrix:
    """Per split, 1 where a vector stands at one of these places of its order."""
    chosen = np.zeros(orders.shape)
    np.put_along_axis(chosen, orders[:, start:stop], 1, axis=1)
    return chosen


def _means(rows: Matrix, chosen: Matrix) -> tuple[Matrix, Matrix]:
    """Means of the rows that each split chose, and of those it left."""
    size = chosen[0].sum()
    sums = chosen @ rows
    return sums / size, (rows.sum(axis=0) - sums) / (len(rows) - size)


def _distances(shifts: Matrix, mean: Matrix, features: Matrix, chosen: Matrix) -> dict[str, Matrix]:
    size = int(chosen[0].sum())
    rest = len(shifts) - size
    shift, others = _means(shifts, chosen)
    square, other_square = _means(shifts**2, chosen)
    fourier, other_fourier = _means(features, chosen)
    return {
        "cosine": distances.cosine(mean + shift, mean + others),
        "euclidean": distances.euclidean(shift, others),
        "shifted": distances.shifted(
            shift,
            distances.variance(square, shift),
            others,
            distances.variance(other_square, others),
            math.sqrt(1 / size + 1 / rest),
        ),
        "mmd": distances.mmd(fourier, size, other_fourier, rest),
    }


def _told(shifts: Matrix, orders: NDArray[np.int64], size: int, spread: Covariance) -> Matrix:
    """What the classifier shows in each split: half of either side teaches it, half tests it."""
    count, half = len(shifts), size // 2
    middle = size + (count - size) // 2
    learned, _ = _means(shifts, _chosen(orders, 0, half))
    learned_from, _ = _means(shifts, _chosen(orders, size, middle))
    tested_with, _ = _means(shifts, _chosen(orders, middle, count))
    directions = [
        classifier.direction(*means, spread)
        for means in zip(learned, learned_from, tested_with, strict=True)
    ]
    tests = orders[:, half:size]
    return np.array(
        [
            classifier.auc((found.sum(), (found**2).sum()), size - half)
            for one, places in zip(directions, tests, strict=True)
            if one
            for found in (one.project(shifts)[places],)
        ]
        or [0.5]
    )
