"""A baseline: what a model saw and said when it was well, as counts in bins that never change.

It holds no rows. Ranges are closed above, as buckets of Prometheus are: a value falls into the
first bin whose boundary it does not exceed. Another baseline has another `identity`, so that
counts of one are never compared with the shares of another.
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from exporters.drift.checking import checked
from modelwatch.problems import ModelwatchError


@dataclass(frozen=True, slots=True, kw_only=True)
class Numeric:
    """A feature that is a number.

    `edges` are the finite boundaries, rising, at most 20; `counts` has one entry more, for what is
    above the last. `centres` are the means of each bin's values; of an empty bin, its boundary.
    `low`, `high`, `mean` and `deviation` are of the rows behind it; `missing` are rows without a
    value, which are in no bin.
    """

    name: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    centres: tuple[float, ...]
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
    """Scores, from 0 to 1, of the rows that were predicted to be of one class, "" for all rows.

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


SCHEMA_VERSION = 1
_HIDDEN = re.compile("[\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]")
"""What YAML takes for a line break, or nobody sees."""
KINDS: dict[str, type[Feature]] = {
    "numeric": Numeric,
    "categorical": Categorical,
    "score": Score,
    "embedding": Embedding,
}


def text(baseline: Baseline) -> str:
    """The file: JSON, a line per field, the same for the same baseline."""
    names = ("model", "version", "created", "newest", "rows")
    lines = [f'  "{name}": {_json(getattr(baseline, name))},' for name in names]
    features = ",\n".join(_feature_text(feature) for feature in baseline.features)
    first = f'  "schema_version": {SCHEMA_VERSION},'
    return "\n".join(("{", first, *lines, f'  "features": [\n{features}\n  ]', "}", ""))


def identity(baseline: Baseline) -> str:
    """The first 12 digits of what `sha256sum` says of the file as it is written here."""
    return hashlib.sha256(text(baseline).encode()).hexdigest()[:12]


def identified(baseline: Baseline) -> Baseline:
    """The baseline with its identity."""
    return replace(baseline, identity=identity(baseline))


def read(path: Path) -> Baseline:
    """The baseline in a file.

    Raises:
        ModelwatchError: it cannot be read, or is no baseline: every reason, with its place.
    """
    try:
        content = path.read_bytes()
    except OSError as failure:
        raise ModelwatchError(f"cannot read {path}: {failure.strerror}") from failure
    return parsed(str(path), content)


def parsed(path: str, content: bytes) -> Baseline:
    """The baseline in the content of a file; `path` is what problems call it.

    Raises:
        InventoryError: it is no baseline: every reason, with its place.
    """
    found = checked(path, content)
    del found["schema_version"]
    features = tuple(_feature(entry) for entry in found.pop("features"))
    return identified(Baseline(**found, features=features))


def _feature(entry: dict[str, Any]) -> Feature:
    kind = KINDS[entry.pop("kind")]
    if kind is Score:
        entry["classes"] = [ScoreOfClass(**_frozen(known)) for known in entry["classes"]]
    return kind(**_frozen(entry))


def _frozen(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(got) if isinstance(got, list) else got for key, got in entry.items()}


def _feature_text(feature: Feature) -> str:
    kind = next(name for name, known in KINDS.items() if isinstance(feature, known))
    names = [field.name for field in fields(feature)]
    named = {name: getattr(feature, name) for name in names}
    rows = [f'      "name": {_json(named.pop("name"))}', f'      "kind": {_json(kind)}']
    for name, value in named.items():
        if isinstance(feature, Score) and name == "classes":
            classes = ",\n".join(f"        {_json(asdict(known))}" for known in feature.classes)
            rows.append(f'      "classes": [\n{classes}\n      ]')
        else:
            rows.append(f'      "{name}": {_json(value)}')
    return "    {\n" + ",\n".join(rows) + "\n    }"


def _json(value: object) -> str:
    written = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return _HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", written)
