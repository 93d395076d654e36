"""The column of scores of a baseline in the making."""

from bisect import bisect_left

from exporters.drift.baseline import Score, ScoreOfClass
from exporters.drift.bins import Values, number, word

EDGES = tuple(step / 20 for step in range(1, 21))
MOST_CLASSES = 10
_MOST_KEPT = 1_000


class Scores:
    """The score with the class that it is of, and whether the class was right."""

    def __init__(self, name: str = "score") -> None:
        self.name = name
        self._classes: dict[str, tuple[list[int], list[int], list[int]]] = {}
        self._missing = self.refused = 0

    def add(self, scores: Values, predicted: Values | None, labels: Values | None) -> None:
        """Count a batch. Without classes all scores are of one; labels say which were right."""
        nothing = [None] * len(scores)
        rows = zip(scores, predicted or nothing, labels or nothing, strict=True)
        for score, said, label in rows:
            try:
                value = number(score)
                name = word(said) or ""
                truth = word(label)
            except ValueError:
                self.refused += 1
                continue
            if value is None or (predicted is not None and not name):
                self._missing += 1
            elif not 0 <= value <= 1 or not self._room(name):
                self.refused += 1
            else:
                self._count(name, bisect_left(EDGES, value), truth)

    def feature(self) -> Score | None:
        """The distribution of each of the most frequent classes."""
        if not self._classes:
            return None
        ranked = sorted(self._classes.items(), key=lambda entry: (-sum(entry[1][0]), entry[0]))
        return Score(
            name=self.name,
            edges=EDGES,
            classes=tuple(
                ScoreOfClass(
                    predicted=name,
                    counts=tuple(counts),
                    correct=tuple(
                        round(good / known, 6) if known else None
                        for good, known in zip(right, labelled, strict=True)
                    ),
                )
                for name, (counts, right, labelled) in ranked[:MOST_CLASSES]
            ),
            missing=self._missing,
        )

    def _room(self, name: str) -> bool:
        return name in self._classes or len(self._classes) < _MOST_KEPT

    def _count(self, name: str, place: int, truth: str | None) -> None:
        size = len(EDGES) + 1
        counts, right, labelled = self._classes.setdefault(
            name, ([0] * size, [0] * size, [0] * size)
        )
        counts[place] += 1
        if truth is not None:
            labelled[place] += 1
            right[place] += same(name, truth)


def same(predicted: str, label: str) -> bool:
    """Whether both are one class: the same text, or the same number as `1` and `1.0` are."""
    if predicted == label:
        return True
    try:
        return float(predicted) == float(label)
    except ValueError:
        return False
