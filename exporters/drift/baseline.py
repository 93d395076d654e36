"""A baseline: what a model saw and said when it was well, as counts in bins that never change.

It holds no rows. Ranges are closed above, as buckets of Prometheus are: a value falls into the
first bin whose boundary it does not exceed. Another baseline has another `identity`, so that
counts of one are never compared with the shares of another.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Numeric:
    """A feature that is a number.

    `edges` are the finite boundaries, rising, at most 20; `counts` has one entry more, for what is
    above the last. `low`, `high`, `mean` and `deviation` are of the rows behind it; `missing` are
    rows without a value, which are in no bin.
    """

    name: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    missing: int
    low: float
    high: float
    mean: float
    deviation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Categorical:
    """A feature that is a word. `values` are the most frequent ones, at most 20, with `counts`.

    `other` are all values beyond those; with none of them a value that is not named is unseen.
    """

    name: str
    values: tuple[str, ...]
    counts: tuple[int, ...]
    other: int
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreOfClass:
    """Scores, from 0 to 1, of the rows that were predicted to be of one class.

    `counts` are of the bins of `Score.edges`; `correct` is the share of them that was right, by
    bin, None where no label is known.
    """

    predicted: str
    counts: tuple[int, ...]
    correct: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The score that a model gives its prediction, one distribution per predicted class."""

    name: str
    edges: tuple[float, ...]
    classes: tuple[ScoreOfClass, ...]
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedding:
    """A cloud of vectors: moments, and the mean of random Fourier features for the MMD.

    `seed`, `features` and `gamma` say how these are drawn; `floors` is the null band measured on
    the rows: by method, the distance times the root of the count (or times the count where the
    method is a square) that one in a hundred samples of the baseline itself exceeds.
    """

    name: str
    count: int
    missing: int
    mean: tuple[float, ...]
    variance: tuple[float, ...]
    seed: int
    features: int
    gamma: float
    fourier_mean: tuple[float, ...]
    direction: tuple[float, ...]
    floors: dict[str, float]


Feature = Numeric | Categorical | Score | Embedding


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The file. `created` and `newest` are moments in UTC, ISO 8601; `rows` is how many there were.

    `identity` is the start of the SHA-256 of the file's content, 12 hexadecimal digits.
    """

    model: str
    version: str
    created: str
    newest: str
    rows: int
    features: tuple[Feature, ...]
    identity: str = ""
