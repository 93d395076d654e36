"""What a model saw and said: observations of many predictions at once, column by column.

    {"model": "fraud", "features": {"amount": 12.5, "country": "DE"},
     "score": 0.93, "predicted": "fraud"}
    {"model": "fraud", "columns": {"amount": [12.5, 3], "country": ["DE", null]},
     "score": [0.93, 0.2], "predicted": ["fraud", "fine"]}
    {"model": "fraud", "sampling": 0.1, "batch": "2027-01-31-7",
     "observations": [{"features": {"amount": 12.5}}, {"features": {"amount": 3}}]}

An observation with features has all features of one prediction: one that is watched and not in
there is missing. Names that are not watched are ignored and counted, and become no label. A
`batch` that is sent again is counted once. See `gathering.py`.

Others that look at the same observations are a `Part`: one line in `ledger.py` hands them over.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

from exporters.base.families import Family
from exporters.drift.baseline import Baseline

Values = Sequence[object]
"""A column: one value per observation."""

REASONS = (
    "malformed",  # no JSON, or no UTF-8
    "wrong_type",  # text where an object belongs, columns of different lengths
    "missing_field",
    "number",  # a value that is no finite number, or no word, as its feature wants
    "out_of_range",  # a sampling ratio above 1, a time before 1970
    "not_a_number",  # a time
    "unknown_model",
    "unknown_environment",  # or none named where the model has several
    "unknown_feature",
    "no_baseline",  # it is missing or damaged, so that there are no bins
    "other_baseline",  # counted into bins that are not in use
    "too_old",
    "in_the_future",
)
"""Why an observation, or one of its values, is not counted: the values of the label `reason`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A model in an environment, and what the inventory watches of it.

    `baseline` is where its file is. With `learn_s` one is learned from the first so many seconds
    of traffic, of at least `at_least` observations, where there is none.
    """

    model: str
    environment: str
    features: tuple[str, ...]
    baseline: str
    version: str = ""
    learn_s: float = 0.0
    at_least: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """What identifies it."""
        return (self.model, self.environment)


class Features(Protocol):
    """Values by name, of all observations of a batch."""

    def column(self, name: str) -> Values:
        """The values of one feature, None where an observation lacks it."""

    def beside(self, known: AbstractSet[str]) -> tuple[int, str]:
        """How many values have other names than these, and one such name."""


@dataclass(frozen=True, slots=True)
class Rows:
    """One mapping per observation."""

    rows: Sequence[Mapping[str, object]]

    def column(self, name: str) -> Values:
        """The values of one feature."""
        return [row.get(name) for row in self.rows]

    def beside(self, known: AbstractSet[str]) -> tuple[int, str]:
        """Values of other names."""
        strange = [row.keys() - known for row in self.rows if not row.keys() <= known]
        return sum(map(len, strange)), next(chain.from_iterable(strange), "")


@dataclass(frozen=True, slots=True)
class Columns:
    """One list per feature, each of this length."""

    columns: Mapping[str, Values]
    length: int

    def column(self, name: str) -> Values:
        """The values of one feature."""
        return self.columns.get(name) or [None] * self.length

    def beside(self, known: AbstractSet[str]) -> tuple[int, str]:
        """Values of other names."""
        strange = self.columns.keys() - known
        return len(strange) * self.length, next(iter(strange), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Observations of one model that say something of the same kinds of things.

    `line` is where the first of them stands. What is None was not told. `key` stands for the batch
    wherever it comes from; with none it is counted each time.
    """

    line: int
    model: str
    environment: str
    length: int
    features: Features | None = None
    scores: Values | None = None
    predicted: Values | None = None
    embeddings: Features | None = None
    ids: Values | None = None
    times_s: Sequence[float | None] | None = None
    sampling: float | None = None
    key: str = ""


class Part(Protocol):
    """Something else that is done with observations, such as joining labels, or embeddings.

    All is called under the ledger's lock, and should be quick. What `state` returns is kept with
    the counts, at the same moment.
    """

    @property
    def name(self) -> str:
        """Short and constant: its key in the kept state."""

    def taken(self, watched: Watched, baseline: Baseline) -> None:
        """A baseline is in use from now on."""

    def observed(self, watched: Watched, batch: Batch) -> Mapping[str, int]:
        """Take a batch that is counted; returns how many of its values are refused, by reason."""

    def families(self) -> Iterable[Family]:
        """What it has for the page."""

    def state(self) -> object:
        """What must outlive the process, as JSON can write it."""

    def restore(self, state: object) -> None:
        """Go on from what `state` returned before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binned:
    """Counts that were made elsewhere, in the bins of a baseline: by feature and class."""

    line: int
    model: str
    environment: str
    baseline: str
    key: str
    bins: Mapping[tuple[str, str], Mapping[str, object]]
    sampling: float | None = None
