"""What was counted: of one batch, or of all of them so far. The one is added to the other."""

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from heapq import nlargest
from operator import itemgetter
from typing import Any

from modelwatch.catalogue import quality
from modelwatch.catalogue.metric import Metric
from modelwatch.problems import ModelwatchError

SLOTS = 12
"""The last evaluation is kept in so many parts; the oldest is dropped when a new one begins."""

MOST_EVALUATORS = 4
"""Evaluators kept per score, those that judged last."""

_TENTHS = tuple(step / 10 for step in range(1, 11))
_TWENTIETHS = tuple(step / 20 for step in range(1, 21))
SCORE_BOUNDS = _TENTHS
BOUNDS: Mapping[Metric, tuple[float, ...]] = {
    quality.FEEDBACK_RATING: (0.0, 0.25, 0.5, 0.75, 1.0),
    quality.FEEDBACK_TEXT: (10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0),
    quality.RETRIEVAL_DOCUMENTS: (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0),
    quality.RETRIEVAL_RECIPROCAL_RANK: (0.0, 0.1, 0.2, 0.25, 0.34, 0.5, 1.0),
    quality.RETRIEVAL_TOP_SCORE: _TWENTIETHS,
    quality.RERANKER_SCORE: _TWENTIETHS,
    quality.RETRIEVAL_DURATION: (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
}
"""Upper bounds of the histograms that are not about scores."""

COUNTED = {
    metric.name: metric
    for metric in vars(quality).values()
    if isinstance(metric, Metric) and metric.kind in ("counter", "histogram")
}

Key = tuple[str, ...]
"""Name of a metric and its label values."""

ScoreKey = tuple[str, str, str, str]
"""Model, environment, score, version."""


@dataclass(slots=True)
class Bins:
    """A histogram: counts per bucket, the last for everything above, and the sum."""

    counts: list[int]
    sum: float = 0.0


@dataclass(slots=True)
class Scored:
    """One score of one version.

    `bins` are places in the declared range; `recent` are sum and number of the values themselves by
    slot of time, each `width_s` long; `exemplars` are trace, place and time by bucket.
    """

    width_s: float
    good: int = 0
    bad: int = 0
    bins: Bins = field(default_factory=lambda: Bins([0] * (len(SCORE_BOUNDS) + 1)))
    newest_s: float = 0.0
    sampled: float | None = None
    recent: dict[int, list[float]] = field(default_factory=dict)
    evaluators: dict[tuple[str, str], float] = field(default_factory=dict)
    exemplars: dict[int, tuple[str, float, float]] = field(default_factory=dict)

    def add(self, other: "Scored") -> None:
        """Count what the other one has counted as well."""
        self.good += other.good
        self.bad += other.bad
        _add_bins(self.bins, other.bins)
        self.newest_s = max(self.newest_s, other.newest_s)
        self.sampled = self.sampled if other.sampled is None else other.sampled
        if other.width_s != self.width_s:  # another interval was declared: slots do not compare
            self.width_s, self.recent = other.width_s, {}
        for slot, (total, number) in other.recent.items():
            here = self.recent.setdefault(slot, [0.0, 0.0])
            here[0] += total
            here[1] += number
        self.forget_before(self.newest_s)
        for evaluator, judged_s in other.evaluators.items():
            self.evaluators[evaluator] = max(judged_s, self.evaluators.get(evaluator, 0.0))
        newest = nlargest(MOST_EVALUATORS, self.evaluators.items(), key=itemgetter(1))
        self.evaluators = dict(newest)
        self.exemplars |= other.exemplars

    @property
    def every_s(self) -> float:
        """How often there is an evaluation."""
        return self.width_s * SLOTS

    def forget_before(self, newest_s: float) -> None:
        """Drop the slots that are no part of the evaluation that ends there."""
        first = int(newest_s / self.width_s) - SLOTS + 1
        for slot in [slot for slot in self.recent if slot < first]:
            del self.recent[slot]

    def mean(self, newest_s: float) -> tuple[float, int]:
        """Mean and number of the values in the evaluation that ends there; 0 of none."""
        first = int(newest_s / self.width_s) - SLOTS + 1
        within = [part for slot, part in self.recent.items() if slot >= first]
        number = int(sum(part[1] for part in within))
        return (math.fsum(part[0] for part in within) / number if number else 0.0), number


@dataclass(slots=True)
class Counts:
    """Everything that is counted.

    `marks` say how far something was read, such as a file; `forgotten` are names that are no label
    values any more: label, model, environment, name.
    """

    scores: dict[ScoreKey, Scored] = field(default_factory=dict)
    counters: defaultdict[Key, float] = field(default_factory=lambda: defaultdict(float))
    bins: dict[Key, Bins] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=dict)
    forgotten: list[tuple[str, str, str, str]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.scores or self.counters or self.bins or self.marks or self.forgotten)

    def add(self, other: "Counts") -> None:
        """Count what the other one has counted as well."""
        for name in other.forgotten:
            self._forget(*name)
        for key, scored in other.scores.items():
            if key in self.scores:
                self.scores[key].add(scored)
            else:
                self.scores[key] = scored
                scored.forget_before(scored.newest_s)
        for counter, number in other.counters.items():
            self.counters[counter] += number
        for histogram, bins in other.bins.items():
            if histogram in self.bins:
                _add_bins(self.bins[histogram], bins)
            else:
                self.bins[histogram] = bins
        self.marks |= other.marks

    def series(self) -> Iterator[Key]:
        """Of every counter and histogram; those of a score begin with the score's histogram."""
        yield from self.counters
        yield from self.bins
        yield from ((quality.QUALITY_DISTRIBUTION.name, *key) for key in self.scores)

    def __contains__(self, key: Key) -> bool:
        return key in self.counters or key in self.bins or key[1:] in self.scores

    def _forget(self, label: str, model: str, environment: str, name: str) -> None:
        wanted = {"model": model, "environment": environment, label: name}.items()

        def has(key: Key) -> bool:
            return wanted <= dict(zip(COUNTED[key[0]].labels, key[1:], strict=True)).items()

        for counter in [key for key in self.counters if has(key)]:
            del self.counters[counter]
        for histogram in [key for key in self.bins if has(key)]:
            del self.bins[histogram]
        if label == "version":
            for score in [key for key in self.scores if key[:2] == (model, environment)]:
                if score[3] == name:
                    del self.scores[score]


def _add_bins(bins: Bins, more: Bins) -> None:
    bins.counts = [ours + theirs for ours, theirs in zip(bins.counts, more.counts, strict=True)]
    bins.sum += more.sum


# On disk.

FORMAT = 1


class OtherFormat(ModelwatchError):  # noqa: N818  # reads as what it is
    """The counts were written by a version that counts otherwise."""


def written(counts: Counts) -> bytes:
    """The counts as JSON; exemplars are not kept."""
    return json.dumps(
        {
            "format": FORMAT,
            "scores": [
                [
                    *key,
                    [one.width_s, one.good, one.bad, one.bins.counts, one.bins.sum, one.newest_s],
                    one.sampled,
                    [[slot, *part] for slot, part in one.recent.items()],
                    [[*evaluator, judged_s] for evaluator, judged_s in one.evaluators.items()],
                ]
                for key, one in counts.scores.items()
            ],
            "counters": [[*key, number] for key, number in counts.counters.items()],
            "bins": [[*key, bins.counts, bins.sum] for key, bins in counts.bins.items()],
            "marks": counts.marks,
            "forgotten": counts.forgotten,
        },
        separators=(",", ":"),
    ).encode()


def read(text: bytes) -> Counts:
    """What `written` wrote; what this version does not count any more is left out.

    Raises:
        OtherFormat: it is of another version.
    """
    found = json.loads(text)
    if found.get("format") != FORMAT:
        raise OtherFormat(
            "the state was written by another version of modelwatch; "
            "go back to that one, or begin with an empty folder"
        )
    counts = Counts(marks=found["marks"], forgotten=[tuple(one) for one in found["forgotten"]])
    for *key, main, sampled, recent, evaluators in found["scores"]:
        scored = _scored(main, sampled, recent, evaluators)
        if len(scored.bins.counts) == len(SCORE_BOUNDS) + 1:
            counts.scores[tuple(key)] = scored
    for *key, number in found["counters"]:
        if _is_known(tuple(key)):
            counts.counters[tuple(key)] = number
    for *key, numbers, total in found["bins"]:
        if _is_known(tuple(key)) and len(numbers) == len(BOUNDS[COUNTED[key[0]]]) + 1:
            counts.bins[tuple(key)] = Bins(numbers, total)
    return counts


def _scored(main: Any, sampled: Any, recent: Any, evaluators: Any) -> Scored:
    width_s, good, bad, numbers, total, newest_s = main
    return Scored(
        width_s,
        good,
        bad,
        Bins(numbers, total),
        newest_s,
        sampled,
        {slot: [part, number] for slot, part, number in recent},
        {(name, version): judged_s for name, version, judged_s in evaluators},
    )


def _is_known(key: Key) -> bool:
    return key[0] in COUNTED and len(key) - 1 == len(COUNTED[key[0]].labels)
