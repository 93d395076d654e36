"""Makes the baseline of an embedding from a stream of vectors, in memory that does not grow.

All vectors are in the mean and the variance. What has to look at vectors again (gamma, the Fourier
features, the largest directions, the noise floors) is of a reservoir drawn by lot from all of
them: 16384 vectors, fewer where they have more than 512 components, so 32 MB at the most.
"""

from typing import Any

import numpy as np

from exporters.drift.baseline import Embedding
from exporters.drift.embeddings import LONGEST, classifier, distances, floors, fourier
from exporters.drift.embeddings.sums import BATCH
from exporters.drift.embeddings.vectors import Matrix
from modelwatch.problems import ModelwatchError

RESERVOIR = 16_384
RESERVOIR_NUMBERS = 8 << 20
LOOKED_AT = 2048
"""Vectors of the reservoir that floors and directions are of; gamma is of fewer."""
LEAST = 200
"""Vectors that a baseline is made of at least: its floors are measured on halves of them."""
_SUMS = ("_first", "_shift", "_half_shift", "_squares")


class Building:
    """Takes vectors one by one or in batches. Nothing but `reservoir` of them is kept."""

    def __init__(self, name: str, length: int, *, seed: int = 1) -> None:
        if not 1 <= length <= LONGEST:
            raise ModelwatchError(
                f"embedding '{name}' has {length} components; between 1 and {LONGEST} are possible"
            )
        self._name = name
        self._seed = seed
        self._drawn = np.random.RandomState(seed)  # frozen, as in `fourier`
        self._reservoir = _empty(length)
        self._first = np.zeros(length)
        self._shift = np.zeros(length)
        self._half_shift = np.zeros(length)
        self._squares = np.zeros(length)
        self.count = 0

    def __getstate__(self) -> dict[str, object]:
        """What is kept while it learns, without any class of numpy: `learning` reads no others."""
        drawn: dict[str, Any] = self._drawn.get_state(legacy=False)["state"]
        state: dict[str, object] = dict(vars(self))
        state |= {name: state[name].tobytes() for name in _SUMS}  # type: ignore[attr-defined]
        state["_reservoir"] = self._reservoir[: self.count].tobytes()
        state["_drawn"] = (drawn["key"].tolist(), drawn["pos"])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        words, place = state.pop("_drawn")
        kept = np.frombuffer(state.pop("_reservoir"), dtype=np.float32)
        state |= {name: np.frombuffer(state[name]).copy() for name in _SUMS}
        vars(self).update(state)
        self._drawn = np.random.RandomState()
        drawn = {"key": np.array(words, dtype=np.uint32), "pos": place}
        self._drawn.set_state({"bit_generator": "MT19937", "state": drawn})
        self._reservoir = _empty(self.length)
        rows = kept.reshape(-1, self.length)
        self._reservoir[: len(rows)] = rows

    @property
    def length(self) -> int:
        """Components of a vector."""
        return len(self._first)

    def add(self, vectors: Matrix) -> None:
        """Some more vectors, one per row, in any portions: the result is the same."""
        if not len(vectors):
            return
        if not self.count:
            self._first = vectors[0].copy()  # sums of shifts lose no digits far from zero
        shifts = vectors - self._first
        self._shift += shifts.sum(axis=0)
        self._half_shift += shifts[self.count % 2 :: 2].sum(axis=0)
        self._squares += np.einsum("ij,ij->j", shifts, shifts)
        free = max(len(self._reservoir) - self.count, 0)
        kept = shifts[:free]
        self._reservoir[self.count : self.count + len(kept)] = kept
        for at in range(free, len(vectors)):
            place = self._drawn.randint(self.count + at + 1)
            if place < len(self._reservoir):
                self._reservoir[place] = shifts[at]
        self.count += len(vectors)

    def embedding(self, missing: int = 0) -> Embedding:
        """The baseline of the vectors so far.

        Raises:
            ModelwatchError: they are too few, or all the same.
        """
        if self.count < LEAST:
            raise ModelwatchError(
                f"embedding '{self._name}' has {self.count} vectors; a baseline needs {LEAST}"
            )
        shift = self._shift / self.count
        mean = self._first + shift
        variance = distances.variance(self._squares / self.count, shift)
        reservoir = self._shuffled()
        kept = reservoir[:LOOKED_AT] - shift
        gamma = fourier.median_gamma(kept[: fourier.PAIRS])
        if gamma == 0:
            raise ModelwatchError(
                f"all vectors of embedding '{self._name}' are the same; a baseline needs others"
            )
        drawn = fourier.frequencies(
            self.length, seed=self._seed, features=fourier.FEATURES, gamma=gamma
        )
        features = fourier.mapped(kept, drawn)
        fourier_sum = features.sum(axis=0)
        for start in range(LOOKED_AT, len(reservoir), BATCH):
            some = reservoir[start : start + BATCH] - shift
            fourier_sum += fourier.mapped(some, drawn).sum(axis=0)
        factors = classifier.factors_of(kept, self._seed)
        return Embedding(
            name=self._name,
            count=self.count,
            missing=missing,
            mean=_plain(mean),
            half_mean=_plain(self._first + self._half_shift / ((self.count + 1) // 2)),
            variance=_plain(variance),
            factors=tuple(_rounded(factor, 5) for factor in factors),
            seed=self._seed,
            features=fourier.FEATURES,
            gamma=gamma,
            fourier_count=len(reservoir),
            fourier_mean=_rounded(fourier_sum / len(reservoir), 9),
            floors=floors.measure(
                kept, mean, features, classifier.covariance(variance, factors), self._seed
            ),
        )

    def _shuffled(self) -> fourier.Single:
        """The reservoir, whose first vectors are those of the stream, as shifts from the first."""
        kept = self._reservoir[: self.count]
        order = np.random.RandomState(self._seed).permutation(len(kept))
        return np.asarray(kept[order])


def _empty(length: int) -> fourier.Single:
    return np.empty((min(RESERVOIR, RESERVOIR_NUMBERS // length), length), dtype=np.float32)


def _rounded(numbers: Matrix, digits: int) -> tuple[float, ...]:
    """To so many digits: these numbers are estimates, and most of the file."""
    return tuple(float(f"{number:.{digits}g}") for number in numbers)


def _plain(numbers: Matrix) -> tuple[float, ...]:
    return tuple(numbers.tolist())
