"""Distances of two clouds of vectors, from sums over them. Rows are compared with rows.

Every function takes one cloud, or many at once along leading axes.
"""

import numpy as np

from exporters.drift.embeddings.vectors import Matrix

SHIFT = 0.1
"""Evidently's limit for the distance of a component, in standard deviations."""
CHANCE = 3.0
"""How many standard errors of its mean a component must have shifted besides."""
LEAST_VARIANCE = 0.05
"""Share of the typical variance that every component is taken to have."""


def euclidean(mean: Matrix, baseline: Matrix) -> Matrix:
    """Distance of two means."""
    return np.asarray(np.linalg.norm(mean - baseline, axis=-1))


def cosine(mean: Matrix, baseline: Matrix) -> Matrix:
    """One less the cosine between two means; from 0 to 2."""
    lengths = np.linalg.norm(mean, axis=-1) * np.linalg.norm(baseline, axis=-1)
    # Of a mean without length there is no direction: as far apart as two at random.
    inner = (mean * baseline).sum(axis=-1)
    return np.asarray(1 - np.divide(inner, lengths, out=np.zeros_like(inner), where=lengths > 0))


def least_variance(variance: Matrix) -> float:
    """What is added to the variance of each component, so that none counts as constant."""
    varying = variance[variance > 0]
    return LEAST_VARIANCE * float(np.median(varying)) if varying.size else 1.0


def variance(square: Matrix, mean: Matrix) -> Matrix:
    """Variance from the mean of squares; what rounding leaves below nothing is nothing."""
    return np.asarray(np.maximum(square - mean**2, 0))


def shifted(
    mean: Matrix, varies: Matrix, baseline_mean: Matrix, baseline_varies: Matrix, error: float
) -> Matrix:
    """Share of components whose mean or spread moved by more than `SHIFT` and more than chance.

    The move is the Wasserstein-2 distance of two normal distributions, over the deviation in the
    baseline; `varies` are variances. `error` is the standard error of a mean whose deviation is 1.
    """
    deviation = np.sqrt(baseline_varies + least_variance(baseline_varies))
    moved = (mean - baseline_mean) / deviation
    spread = (np.sqrt(varies) - np.sqrt(baseline_varies)) / deviation
    beyond = np.hypot(moved, spread) > max(SHIFT, CHANCE * error)
    return np.asarray(beyond.mean(axis=-1))


def mmd(mean: Matrix, count: int, baseline: Matrix, baseline_count: int) -> Matrix:
    """Maximum mean discrepancy squared, from mean Fourier features; unbiased: about 0, or below.

    Every vector's features have length 1, so that the pairs of a vector with itself can be taken
    out of the squares of the means.
    """
    ours = (count * (mean**2).sum(axis=-1) - 1) / (count - 1)
    theirs = (baseline_count * (baseline**2).sum(axis=-1) - 1) / (baseline_count - 1)
    return np.asarray(ours + theirs - 2 * (mean * baseline).sum(axis=-1))
