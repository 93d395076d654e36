"""A linear classifier that tells vectors of now from those of the baseline, tested as it learns.

Its direction is that of a linear discriminant analysis (LDA): the difference of the means, seen
through the baseline's covariance. It learns from vectors that were seen before and from one half
of the baseline, and is tested with the vectors that follow and the other half. So what it shows
without drift is 0.5 on average, however long the vectors are.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from exporters.drift.embeddings.distances import least_variance
from exporters.drift.embeddings.vectors import Matrix

FACTORS = 16
"""Directions in which the baseline varies most; beyond them components count as independent."""
_SPARE = 8
_ROUNDS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Covariance:
    """A covariance as few `factors` and a `rest` per component, ready to be divided by."""

    factors: Matrix
    rest: Matrix
    inner: Matrix

    def divide(self, shift: Matrix) -> Matrix:
        """The inverse of the covariance times a vector. Source: Woodbury's identity."""
        alone = shift / self.rest
        return np.asarray(alone - (self.inner @ (self.factors @ alone)) @ self.factors / self.rest)


def covariance(variance: Matrix, factors: Matrix) -> Covariance:
    """The covariance with this diagonal whose largest directions are these."""
    rest = np.maximum(variance - (factors**2).sum(axis=0), 0) + least_variance(variance)
    inner = np.linalg.inv(np.eye(len(factors)) + (factors / rest) @ factors.T)
    return Covariance(factors=factors, rest=rest, inner=inner)


def factors_of(shifts: Matrix, seed: int) -> Matrix:
    """The directions in which centred vectors vary most, each one deviation long.

    Source: Halko et al., Finding structure with randomness, 2011 (subspace iteration).
    """
    count = min(FACTORS, shifts.shape[1], len(shifts) // 10)
    drawn = np.random.RandomState(seed)  # frozen, as in `fourier`
    basis = drawn.standard_normal((shifts.shape[1], min(count + _SPARE, shifts.shape[1])))
    for _ in range(_ROUNDS):
        basis, _upper = np.linalg.qr(shifts.T @ (shifts @ basis))
    _left, lengths, rotation = np.linalg.svd(shifts @ basis, full_matrices=False)
    deviations = lengths[:count] / math.sqrt(len(shifts))
    return np.asarray((rotation[:count] @ basis.T) * deviations[:, None])


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """What a vector is told by: `weights`, and what the baseline has there.

    Projections of the baseline have mean 0 and deviation 1; those of drifted vectors lie above.
    """

    weights: Matrix
    middle: float

    def project(self, vectors: Matrix) -> Matrix:
        """One number per vector."""
        return np.asarray(vectors @ self.weights - self.middle)


def direction(
    mean: Matrix, learned_from: Matrix, tested_with: Matrix, spread: Covariance
) -> Direction | None:
    """The direction from one half of the baseline to vectors with this mean; None for no shift."""
    shift = mean - learned_from
    weights = spread.divide(shift)
    length = math.sqrt(max(float(weights @ shift), 0.0))
    if length == 0:
        return None
    weights = weights / length
    return Direction(weights=weights, middle=float(weights @ tested_with))


def auc(projections: Sequence[float], count: int) -> float:
    """Chance that a vector of now lies above one of the baseline, from sums of projections.

    `projections` are their sum and the sum of their squares; both sides are taken to be normal.
    """
    mean = projections[0] / count
    variance = max(projections[1] / count - mean**2, 0.0)
    return 0.5 * (1 + math.erf(mean / math.sqrt(2 * (1 + variance))))
