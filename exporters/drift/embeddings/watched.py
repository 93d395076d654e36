"""One embedding of one model: takes vectors, tells how far they are from the baseline."""

import math
from dataclasses import dataclass

import numpy as np

from exporters.drift.baseline import Embedding
from exporters.drift.embeddings import classifier, distances, floors, fourier, sums
from exporters.drift.embeddings.slots import WINDOW_S, Slots
from exporters.drift.embeddings.sums import Sums
from exporters.drift.embeddings.vectors import Matrix

LEAST = 30
"""Vectors behind a distance; below there is none."""
LEARNS_FROM = 500
"""Vectors that the classifier wants: those of the shortest window, else of the longest."""
STEP = 32
"""It learns again after so many vectors, or a sixteenth of what it learned from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distances:
    """Of one window: vectors behind it, distances and their noise floors by method."""

    count: int
    values: dict[str, float]
    floors: dict[str, float]


class Watched:
    """Sums of the vectors of the last day, beside the baseline."""

    def __init__(self, baseline: Embedding) -> None:
        self.baseline = baseline
        self._mean = np.array(baseline.mean)
        self._variance = np.array(baseline.variance)
        self._fourier_mean = np.array(baseline.fourier_mean)
        self._drawn = fourier.frequencies(
            len(baseline.mean),
            seed=baseline.seed,
            features=baseline.features,
            gamma=baseline.gamma,
        )
        self._spread = classifier.covariance(
            self._variance, np.array(baseline.factors).reshape(-1, len(baseline.mean))
        )
        # Shifts from the mean of all: the two halves lie on opposite sides of it.
        odd, even = (baseline.count + 1) // 2, baseline.count // 2
        self._learned_from = np.array(baseline.half_mean) - self._mean
        self._tested_with = -self._learned_from * (odd / even)
        self._slots = Slots(sums.width(len(baseline.mean), baseline.features))
        self._direction: classifier.Direction | None = None
        self._due = STEP

    @property
    def length(self) -> int:
        """Components of a vector."""
        return len(self.baseline.mean)

    def add(self, vectors: Matrix, now: float) -> None:
        """Take vectors that arrive at this moment, in seconds since 1970."""
        start = 0
        while start < len(vectors):
            some = vectors[start : start + self._due]
            start += len(some)
            self._take(some - self._mean, now)

    def distances(self, window: str, now: float) -> Distances:
        """How far the vectors of a window that ends now are from the baseline."""
        seen = Sums(self._slots.within(WINDOW_S[window], now), self.length)
        if seen.count < LEAST:
            return Distances(count=seen.count, values={}, floors={})
        baseline, behind = self.baseline, (seen.count, self.baseline.count)
        mean = self._mean + seen.shift
        error = math.sqrt(1 / seen.count + 1 / baseline.count)
        found = {
            "cosine": (distances.cosine(mean, self._mean), *behind),
            "euclidean": (distances.euclidean(mean, self._mean), *behind),
            "shifted": (
                distances.shifted(mean, seen.variance, self._mean, self._variance, error),
                *behind,
            ),
            "mmd": (
                distances.mmd(
                    seen.fourier_mean, seen.count, self._fourier_mean, baseline.fourier_count
                ),
                seen.count,
                baseline.fourier_count,
            ),
        }
        if seen.tested >= LEAST:
            told = classifier.auc(seen.projections, seen.tested)
            found["auc"] = (np.array(told), seen.tested, baseline.count)
        return Distances(
            count=seen.count,
            values={method: float(value) for method, (value, *_) in found.items()},
            floors={
                method: floors.floor(method, baseline.floors[method], count, baseline_count)
                for method, (_, count, baseline_count) in found.items()
            },
        )

    def _take(self, shifts: Matrix, now: float) -> None:
        row = self._slots.current(now)
        if self._direction:  # tested before it learns from them
            row[-3:] += sums.of_projections(self._direction.project(shifts))
        row += sums.of_moments(shifts, self._drawn)
        self._due -= len(shifts)
        if self._due == 0:
            self._learn(now)

    def _learn(self, now: float) -> None:
        for window_s in (min(WINDOW_S.values()), max(WINDOW_S.values())):
            seen = Sums(self._slots.within(window_s, now), self.length)
            if seen.count >= LEARNS_FROM:
                break
        self._direction = classifier.direction(
            seen.shift, self._learned_from, self._tested_with, self._spread
        )
        self._due = min(max(STEP, seen.count // 16), sums.BATCH)
