"""Samples of one metric, made afresh for each scrape."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from modelwatch.catalogue.metric import Metric

OTHER = "other"
"""Label value that stands for every value beyond what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemplar:
    """One event behind a sample, such as the trace of a slow request; `time_s` since 1970."""

    labels: Mapping[str, str]
    value: float
    time_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """A histogram: `counts` per bucket, not cumulative, the last one for everything above.

    `sum` is None where values were only counted. `exemplars` are by position of the bucket.
    """

    bounds: Sequence[float]
    counts: Sequence[float]
    sum: float | None
    exemplars: Mapping[int, Exemplar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Written:
    """Samples as they stand on a page: each line up to its number, and its number.

    Of a histogram: the lines of a sample with a `%s` for each of its numbers, and these.
    """

    starts: Sequence[str]
    numbers: Sequence[str] | Sequence[tuple[str, ...]]


@dataclass(slots=True)
class Family:
    """All samples of one metric on one page: label values in the catalogue's order, to number.

    A value is a number, or a `Distribution` where the metric is a histogram. Nothing is carried
    over from one scrape to the next, so what is not there any more disappears.

    Many samples cost least when they are handed over together: `Family(METRIC, counts)`, where
    `counts` may be a dictionary that goes on changing, because it is copied before it is written.
    `written` is filled in on the way to the page.
    """

    metric: Metric
    samples: dict[tuple[str, ...], float | Distribution] = field(default_factory=dict)
    exemplars: dict[tuple[str, ...], Exemplar] = field(default_factory=dict)
    written: Written | None = field(default=None, repr=False, compare=False)

    def add(self, value: float | Distribution, *labels: str) -> None:
        """One more sample.

        Raises:
            ValueError: the number of label values is not the metric's, or the sample is there.
        """
        if len(labels) != len(self.metric.labels):
            raise ValueError(f"{self.metric} has the labels {self.metric.labels}, not {labels}")
        if labels in self.samples:
            raise ValueError(f"{self.metric} has two samples with {labels}")
        self.samples[labels] = value
