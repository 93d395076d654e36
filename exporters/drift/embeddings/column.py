"""A column of vectors, for the baseline that is being built."""

from collections import Counter

from exporters.drift.baseline import Embedding
from exporters.drift.bins import Values
from exporters.drift.embeddings.building import Building
from exporters.drift.embeddings.vectors import read


class Vectors:
    """Takes vectors. They are as long as most of the first batch are."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._building: Building | None = None
        self._missing = 0
        self.refused = 0

    def add(self, values: Values) -> None:
        """Count a batch."""
        building = self._building or self._begun(values)
        found = read(values, building.length if building else 0)
        self._missing += found.missing
        self.refused += found.refused.total()
        if building:
            building.add(found.vectors)

    def feature(self) -> Embedding | None:
        """The vectors so far; None when there were none.

        Raises:
            ModelwatchError: they are too few, or all the same.
        """
        if not self._building or not self._building.count:
            return None
        return self._building.embedding(self._missing)

    def _begun(self, values: Values) -> Building | None:
        lengths = Counter(len(value) for value in values if isinstance(value, list))
        if lengths:
            self._building = Building(self._name, lengths.most_common(1)[0][0])
        return self._building
