"""Random Fourier features: numbers whose means tell how far two clouds of vectors are apart.

The inner product of the features of two vectors is about exp(-gamma * distance squared), so the
distance of the mean features is about the maximum mean discrepancy (MMD), at a cost that grows
with the number of vectors and not with its square. Frequencies are orthogonal to each other in
blocks, which is nearer to the exact kernel than independent ones.
Sources: Rahimi and Recht, Random features for large-scale kernel machines, 2007; Yu et al.,
Orthogonal random features, 2016; Gretton et al., A kernel two-sample test, 2012.
"""

import numpy as np
from numpy.typing import NDArray

from exporters.drift.embeddings.vectors import Matrix

Single = NDArray[np.float32]

FEATURES = 1024
"""A cosine and a sine for each of 512 frequencies: within about 5 % of the exact distance."""
PAIRS = 1000
"""Vectors whose distances to each other are measured for gamma."""


def frequencies(length: int, *, seed: int, features: int, gamma: float) -> Single:
    """A frequency per column; the same arguments give the same ones in every release of numpy."""
    # The old generator: its stream is frozen, that of the new one may change between releases.
    drawn = np.random.RandomState(seed)
    wanted = features // 2
    blocks = []
    while wanted > 0:
        width = min(wanted, length)
        directions, upper = np.linalg.qr(drawn.standard_normal((length, width)))
        # LAPACK may turn any of them round; this way it is one answer everywhere.
        directions = directions * np.sign(np.diag(upper))
        blocks.append(directions * np.sqrt(drawn.chisquare(length, size=width)))
        wanted -= width
    return np.asarray(np.concatenate(blocks, axis=1) * np.sqrt(2 * gamma), dtype=np.float32)


def mapped(shifts: Matrix, drawn: Single) -> Matrix:
    """The features of vectors, one row each; every row has length 1.

    `shifts` are counted from the baseline's mean: the distance of two vectors does not change, and
    single precision suffices.
    """
    phases = shifts.astype(np.float32) @ drawn
    features = np.empty((len(phases), 2 * phases.shape[1]), dtype=np.float32)
    np.cos(phases, out=features[:, : phases.shape[1]])
    np.sin(phases, out=features[:, phases.shape[1] :])
    features *= np.float32(phases.shape[1] ** -0.5)
    return features.astype(np.float64)


def median_gamma(vectors: Matrix) -> float:
    """One over the square of the median distance between two of these vectors.

    Where most of them are equal, the mean of the distances stands for the median; 0 when all are.
    """
    squares = np.einsum("ij,ij->i", vectors, vectors)
    between = squares[:, None] + squares[None, :] - 2 * vectors @ vectors.T
    apart = np.maximum(between[np.triu_indices(len(vectors), k=1)], 0)
    typical = float(np.median(apart)) or float(apart.mean())
    return 1 / typical if typical > 0 else 0.0
