"""The embeddings of all models: vectors in, distances and noise floors on the page."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from exporters.base.families import Family
from exporters.drift.baseline import Baseline
from exporters.drift.embeddings import vectors
from exporters.drift.embeddings.part import embeddings
from exporters.drift.embeddings.watched import Watched as Embedded
from exporters.drift.observations import Batch, Watched
from modelwatch.catalogue.drift import (
    DRIFT_NOISE_FLOOR,
    DRIFT_SAMPLES_BEHIND,
    DRIFT_STATISTIC,
    WINDOWS,
)


@dataclass(slots=True, kw_only=True)
class _Model:
    """What is watched of a model against one baseline."""

    identity: str
    embedded: dict[str, Embedded] = field(default_factory=dict)
    known: frozenset[str] = frozenset()


class Embeddings:
    """Keeps sums of the vectors of the last day. Called by one thread at a time."""

    name = "embeddings"

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._models: dict[tuple[str, str], _Model] = {}

    def taken(self, watched: Watched, baseline: Baseline) -> None:
        """Compare with this baseline from now on; what was seen before another one is forgotten."""
        wanted = {one.name: one for one in embeddings(watched, baseline)}
        before = self._models.get(watched.key)
        same = before is not None and before.identity == baseline.identity
        kept = before.embedded if before and same else {}
        self._models[watched.key] = _Model(
            identity=baseline.identity,
            embedded={name: kept.get(name) or Embedded(one) for name, one in wanted.items()},
            known=frozenset(one.name for one in baseline.features),
        )

    def observed(self, watched: Watched, batch: Batch) -> Mapping[str, int]:
        """Take the vectors of a batch; returns how many are refused, by reason."""
        refused: Counter[str] = Counter()
        model = self._models.get(watched.key)
        if batch.embeddings is None or model is None:
            return refused
        for name, embedded in model.embedded.items():
            found = vectors.read(batch.embeddings.column(name), embedded.length)
            embedded.add(found.vectors, self._clock())
            refused += found.refused
        strange, _ = batch.embeddings.beside(model.known)
        return refused + Counter({"unknown_feature": strange})

    def families(self) -> Iterable[Family]:
        """Distances, noise floors and how many vectors are behind them, of each window."""
        statistics, floors = Family(DRIFT_STATISTIC), Family(DRIFT_NOISE_FLOOR)
        samples = Family(DRIFT_SAMPLES_BEHIND)
        now = self._clock()
        for key, model in self._models.items():
            for name, embedded in model.embedded.items():
                labels = (*key, name, "", model.identity)
                for window in WINDOWS:
                    found = embedded.distances(window, now)
                    samples.add(found.count, *labels, window)
                    for method, value in found.values.items():
                        statistics.add(value, *labels, method, window)
                        floors.add(found.floors[method], *labels, method, window)
        return statistics, floors, samples

    def state(self) -> object:
        """Nothing: after a restart the windows fill again, and the samples tell how far."""
        return None

    def restore(self, state: object) -> None:
        """Nothing to go on from."""
