"""The part of the drift exporter that watches embeddings; without numpy it says what is missing."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping

from exporters.base.families import Family
from exporters.drift.baseline import Baseline, Embedding
from exporters.drift.embeddings import NEEDS, available
from exporters.drift.observations import Batch, Part, Watched

_LOG = logging.getLogger(__name__)

NO_NUMPY = "no_numpy"
"""Why a vector is not counted where numpy is missing."""


def part(clock: Callable[[], float] = time.time) -> Part:
    """What watches embeddings, by a clock of seconds since 1970."""
    if not available():
        return WithoutNumpy()
    from exporters.drift.embeddings.watching import Embeddings  # noqa: PLC0415  # needs numpy

    return Embeddings(clock)


class WithoutNumpy:
    """Refuses vectors, and tells once per baseline with embeddings what they need."""

    name = "embeddings"

    def __init__(self) -> None:
        self._told: set[str] = set()

    def taken(self, watched: Watched, baseline: Baseline) -> None:
        """Say what is missing, where it matters."""
        names = [one.name for one in embeddings(watched, baseline)]
        if names and baseline.identity not in self._told:
            self._told.add(baseline.identity)
            _LOG.error("%s of %s: %s", ", ".join(names), watched.model, NEEDS)

    def observed(self, watched: Watched, batch: Batch) -> Mapping[str, int]:
        """Everything is refused; scalar features of the same batch are counted."""
        del watched
        return {NO_NUMPY: batch.length} if batch.embeddings is not None else {}

    def families(self) -> Iterable[Family]:
        """Nothing."""
        return ()

    def state(self) -> object:
        """Nothing."""
        return None

    def restore(self, state: object) -> None:
        """Nothing to go on from."""


def embeddings(watched: Watched, baseline: Baseline) -> list[Embedding]:
    """The embeddings of a baseline that are watched."""
    return [
        one
        for one in baseline.features
        if isinstance(one, Embedding) and one.name in watched.features
    ]
