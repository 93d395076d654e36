"""What outlives the exporter: counts, how far files were read, which batches were counted.

It is one file, replaced as a whole. What a scrape has seen is in it, so that no counter on the page
ever falls; what came after the last time it was written is lost when the process is killed.
"""

import json
import logging
import os
from array import array
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from exporters.base import own_folder
from exporters.drift.bins import Counts
from exporters.drift.counting import Shape, Tally

_LOG = logging.getLogger(__name__)

FORMAT = 1
_NAME = "counts.json"
_ASIDE = "counts.json.unreadable"


@dataclass(slots=True, kw_only=True)
class Kept:
    """What is kept of one model: tallies, the baseline in use last; the sampling ratio."""

    tallies: list[Tally] = field(default_factory=list)
    sampling: float | None = None
    learning: Any = None


@dataclass(slots=True, kw_only=True)
class State:
    """Everything that is kept. `ids` stand for batches; `parts` are by name."""

    models: dict[tuple[str, str], Kept] = field(default_factory=dict)
    rejected: dict[tuple[str, str, str], int] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=dict)
    ids: Sequence[int] = field(default_factory=lambda: array("Q"))
    parts: dict[str, object] = field(default_factory=dict)


class StateFile:
    """The file in a folder that is ours alone.

    Raises:
        OSError: the folder cannot be read or made.
        InUse: another exporter has it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = own_folder.take(folder)

    def read(self) -> State:
        """What was written last; a file that cannot be read is put aside, and all begins anew.

        Raises:
            OSError: the disk does not give it.
        """
        path = self._folder / _NAME
        try:
            return _read(path.read_bytes())
        except FileNotFoundError:
            return State()
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as problem:
            path.replace(self._folder / _ASIDE)
            _LOG.error(  # where in our code it was found tells nobody anything
                "%s is damaged or of another version (%s): it is %s now, and counting begins anew",
                path,
                problem,
                _ASIDE,
            )
            return State()

    def write(self, text: bytes) -> None:
        """Replace the file.

        Raises:
            OSError: it could not be written; the old one is still there.
        """
        new = self._folder / f"{_NAME}.new"
        with new.open("wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._folder / _NAME)
        os.fsync(self._lock)

    def close(self) -> None:
        """Let go of the folder."""
        os.close(self._lock)


def written(state: State) -> bytes:
    """The state as JSON."""
    models = [
        [*key, kept.sampling, list(map(_tally, kept.tallies)), kept.learning]
        for key, kept in state.models.items()
    ]
    return json.dumps(
        {
            "format": FORMAT,
            "models": models,
            "rejected": [[*key, number] for key, number in state.rejected.items()],
            "marks": state.marks,
            "ids": b64encode(array("Q", state.ids)).decode(),
            "parts": state.parts,
        },
        separators=(",", ":"),
    ).encode()


def _tally(tally: Tally) -> list[Any]:
    features = []
    for key, counts in tally.counts.items():
        shape = tally.shapes[key]
        beside = [counts.missing, counts.unseen, counts.out_of_range]
        features.append([*key, shape.edges, shape.words, counts.bins, beside])
    return [tally.identity, tally.retired_s, features]


def _read(text: bytes) -> State:
    found = json.loads(text)
    if found["format"] != FORMAT:
        raise ValueError(f"format {found['format']}")
    return State(
        models={
            (model, environment): Kept(
                tallies=[_tally_of(*one) for one in tallies], sampling=sampling, learning=learning
            )
            for model, environment, sampling, tallies, learning in found["models"]
        },
        rejected={(model, env, reason): n for model, env, reason, n in found["rejected"]},
        marks=found["marks"],
        ids=array("Q", b64decode(found["ids"])),
        parts=found["parts"],
    )


def _tally_of(identity: str, retired_s: float | None, features: Sequence[Any]) -> Tally:
    shapes: dict[tuple[str, str], Shape] = {}
    counts: dict[tuple[str, str], Counts] = {}
    for name, predicted, edges, words, bins, (missing, unseen, out_of_range) in features:
        shape = Shape(edges=None if edges is None else tuple(edges), words=tuple(words))
        if len(bins) != shape.bins:
            raise ValueError(f"bins of {name}")
        shapes[name, predicted] = shape
        counts[name, predicted] = Counts(
            bins=bins, missing=missing, unseen=unseen, out_of_range=out_of_range
        )
    return Tally(identity=identity, shapes=shapes, counts=counts, retired_s=retired_s)
