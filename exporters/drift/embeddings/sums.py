"""Sums over vectors: they add up, over batches and over time slots, and never grow."""

from dataclasses import dataclass

import numpy as np

from exporters.drift.embeddings import distances, fourier
from exporters.drift.embeddings.fourier import Single
from exporters.drift.embeddings.vectors import Matrix

BATCH = 1024
"""Vectors that are looked at together."""
_OTHERS = 4


@dataclass(frozen=True, slots=True)
class Sums:
    """One row of numbers about vectors of this length.

    In it stand sums of the shifts from the baseline's mean, of their squares and of the Fourier
    features; how many vectors there are; how many of them tested the classifier, and the sums of
    their projections and of the squares of these.
    """

    row: Matrix
    length: int

    @property
    def count(self) -> int:
        """How many vectors."""
        return int(self.row[-4])

    @property
    def tested(self) -> int:
        """How many of them were told apart from the baseline by a classifier."""
        return int(self.row[-3])

    @property
    def projections(self) -> tuple[float, float]:
        """Sum, and sum of squares, of what the classifier said."""
        return float(self.row[-2]), float(self.row[-1])

    @property
    def shift(self) -> Matrix:
        """Mean of the vectors, counted from the baseline's."""
        return np.asarray(self.row[: self.length] / self.count)

    @property
    def variance(self) -> Matrix:
        """Variance of each component."""
        square = self.row[self.length : 2 * self.length] / self.count
        return distances.variance(square, self.shift)

    @property
    def fourier_mean(self) -> Matrix:
        """Mean of the Fourier features."""
        return np.asarray(self.row[2 * self.length : -_OTHERS] / self.count)


def width(length: int, features: int) -> int:
    """Numbers in a row."""
    return 2 * length + features + _OTHERS


def of_moments(shifts: Matrix, drawn: Single) -> Matrix:
    """The row of these vectors, before a classifier saw them."""
    length, features = drawn.shape[0], 2 * drawn.shape[1]
    row = np.zeros(width(length, features))
    for start in range(0, len(shifts), BATCH):
        some = shifts[start : start + BATCH]
        row[:length] += some.sum(axis=0)
        row[length : 2 * length] += np.einsum("ij,ij->j", some, some)
        row[2 * length : -_OTHERS] += fourier.mapped(some, drawn).sum(axis=0)
    row[-4] = len(shifts)
    return row


def of_projections(found: Matrix) -> Matrix:
    """What the classifier said, as the end of a row."""
    return np.array([len(found), found.sum(), (found**2).sum()])
