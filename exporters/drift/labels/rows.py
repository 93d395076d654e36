"""Labels as they are sent: with all that is needed to count them, or by the id of a prediction."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from exporters.base.moments import moment
from exporters.base.receipts import Refused
from exporters.drift.bins import word

MOST_ID_CHARACTERS = 200
MOST_CLASS_CHARACTERS = 64
"""A longer class is free text, and no class."""

_OF_A_BATCH = ("model", "environment")
_EXAMPLE = (
    '{"id": "tx-1", "label": "fraud"} or {"model": "fraud", "predicted": "ok", "label": "fraud", '
    '"predicted_at": "2027-01-31T12:00:00Z"}'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a prediction should have been.

    One without `predicted` names a prediction that was observed, by its `id`. Times are in seconds
    since 1970.
    """

    label: str
    model: str = ""
    environment: str = ""
    id: str = ""
    predicted: str = ""
    predicted_s: float = 0.0
    labelled_s: float | None = None
    score: float | None = None


def rows(found: object) -> Iterator[tuple[int, Label | Refused]]:
    """The labels of a JSON value, numbered from 1: one, a list, or a batch under `labels`."""
    common: Mapping[str, Any] = {}
    if isinstance(found, dict) and isinstance(found.get("labels"), list):
        common = {key: found[key] for key in _OF_A_BATCH if key in found}
        found = found["labels"]
    for number, one in enumerate(found if isinstance(found, list) else [found], 1):
        yield number, row({**common, **one} if isinstance(one, dict) else one)


def row(found: object) -> Label | Refused:
    """The label that a JSON value describes, or why it is none."""
    if not isinstance(found, dict):
        return Refused("wrong_type", f"a label is an object, such as {_EXAMPLE}")
    try:
        return _label(found)
    except Refused as refused:
        refused.model, refused.environment = (
            name if isinstance(name := found.get(key), str) else "" for key in _OF_A_BATCH
        )
        return refused


def _label(found: Mapping[str, Any]) -> Label:
    label = _class("label", found.get("label"))
    if not label:
        raise Refused("missing_field", "`label` is missing")
    predicted = _class("predicted", found.get("predicted"))
    identity = _id(found.get("id"))
    predicted_s = _moment("predicted_at", found.get("predicted_at"))
    model = _text("model", found.get("model"))
    if not predicted and not identity:
        raise Refused("missing_field", f"`id` or `predicted` is missing: send {_EXAMPLE}")
    if predicted and not model:
        raise Refused("missing_field", "`model` is missing beside `predicted`")
    if predicted and predicted_s is None:
        raise Refused("missing_field", "`predicted_at` is missing: labels count for that day")
    return Label(
        label=label,
        model=model,
        environment=_text("environment", found.get("environment")),
        id=identity,
        predicted=predicted,
        predicted_s=predicted_s or 0.0,
        labelled_s=_moment("labelled_at", found.get("labelled_at")),
        score=_score(found.get("score")),
    )


def _class(key: str, value: object) -> str:
    try:
        text = word(value) or ""
    except ValueError:
        raise Refused("wrong_type", f"`{key}` is text, a number, true or false") from None
    if len(text) > MOST_CLASS_CHARACTERS:
        raise Refused("too_long", f"`{key}` is a class, of up to {MOST_CLASS_CHARACTERS} letters")
    return _writable(key, text)


def _id(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    text = _text("id", value)
    if len(text) > MOST_ID_CHARACTERS:
        raise Refused("too_long", f"`id` has up to {MOST_ID_CHARACTERS} characters")
    return text


def _text(key: str, value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refused("wrong_type", f"`{key}` is text")
    return _writable(key, value)


def _writable(key: str, text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Refused("utf8", f"`{key}` has half a character in it") from None
    return text


def _score(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise Refused("out_of_range", "`score` is a number from 0 to 1")
    return float(value)


def _moment(key: str, value: object) -> float | None:
    if value is None:
        return None
    found = moment(key, value)
    if not 0 <= found < _FOREVER_S:
        raise Refused("out_of_range", f"`{key}` is in seconds since 1970, and these are too many")
    return found


_FOREVER_S = 1e11
"""In the year 5138: more are milliseconds."""
