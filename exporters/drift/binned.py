"""Reads counts that were made elsewhere, such as by a stream engine, in the bins of a baseline.

    {"model": "fraud", "environment": "production", "id": "2027-01-31T12:00/7",
     "baseline": "3f2a90c1d2e4", "from": "2027-01-31T12:00:00Z", "to": "2027-01-31T12:01:00Z",
     "features": {"amount": {"bins": [3, 0, 9], "missing": 1, "out_of_range": 0},
                  "score": {"classes": {"fraud": {"bins": [...]}, "fine": {"bins": [...]}}}}}

`bins` are in the order of the baseline file, the last one for everything else. With the same `id`
they are counted once.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from exporters.base.moments import moment, recent
from exporters.base.receipts import Refused
from exporters.drift.gathering import MOST_KEY_CHARACTERS, is_key, ratio
from exporters.drift.observations import Binned


def binned(line: int, found: object, key: str, now: float) -> Binned:
    """The counts that a JSON value describes; `key` names them where they do not themselves.

    Raises:
        Refused: it is not what it must be.
    """
    if not isinstance(found, dict):
        raise Refused("wrong_type", "counts are an object with `model`, `baseline` and `features`")
    words = {name: _text(found, name) for name in ("model", "environment", "baseline", "id")}
    try:
        return _binned(line, found, words, words["id"] or key, now)
    except Refused as refused:
        refused.model, refused.environment = words["model"], words["environment"]
        raise


def _binned(
    line: int, found: Mapping[str, Any], words: Mapping[str, str], key: str, now: float
) -> Binned:
    for name in ("model", "baseline"):
        if not words[name]:
            raise Refused("missing_field", f"`{name}` is missing")
    if not key:
        raise Refused("missing_field", "`id` is missing: it keeps counts from counting twice")
    if "to" in found:
        recent("to", moment("to", found["to"]), now)
    sampling = found.get("sampling")
    return Binned(
        line=line,
        model=words["model"],
        environment=words["environment"],
        baseline=words["baseline"],
        key=key,
        bins=dict(_bins(found.get("features"))),
        sampling=None if sampling is None else ratio(sampling),
    )


def _bins(features: object) -> Iterator[tuple[tuple[str, str], Mapping[str, Any]]]:
    for name, found in _object(features).items():
        classes = _object(found).get("classes")
        if classes is None:
            yield (name, ""), found
        else:
            yield from (((name, word), _object(one)) for word, one in _object(classes).items())


def _object(found: object) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        raise Refused("wrong_type", "`features` has an object with `bins` for each feature")
    return found


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    if value is None:
        return ""
    if type(value) is not str or not is_key(value):
        raise Refused("wrong_type", f"`{name}` is text of up to {MOST_KEY_CHARACTERS} characters")
    return value
