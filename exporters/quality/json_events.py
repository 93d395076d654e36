"""Reads events from JSON: the right fields of the right types, whatever else is in there."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any

from exporters.base.moments import moment
from exporters.quality.events import (
    AgentRun,
    Event,
    Feedback,
    Flag,
    FormatCheck,
    Guardrail,
    Refused,
    Retrieval,
    Score,
    ToolCall,
)

KINDS: Mapping[str, type[Event]] = {
    "score": Score,
    "flag": Flag,
    "guardrail": Guardrail,
    "format": FormatCheck,
    "retrieval": Retrieval,
    "tool_call": ToolCall,
    "agent_run": AgentRun,
    "feedback": Feedback,
}
"""Values of the field `kind`; an event without one is a score."""


def from_json(found: object) -> Event:
    """The event that a JSON value describes.

    Raises:
        Refused: a field is missing or of the wrong type, or there is no such kind.
    """
    if type(found) is not dict:
        raise Refused("wrong_type", "an event is an object, such as " + _EXAMPLE)
    try:
        return _event(found)
    except Refused as refused:
        model, environment = found.get("model"), found.get("environment")
        refused.model = model if type(model) is str else ""
        refused.environment = environment if type(environment) is str else ""
        raise


def _event(found: Mapping[str, object]) -> Event:
    kind = found.get("kind", "score")
    if type(kind) is not str or kind not in KINDS:
        raise Refused("unknown_kind", f"`kind` is one of {', '.join(KINDS)}")
    shape = _SHAPES[kind]
    values: dict[str, Any] = {}
    for key, value in found.items():
        known = shape.get(key)
        if known is None or value is None:
            continue
        name, exact, converted = known
        values[name] = value if type(value) is exact else converted(key, value)
    try:
        return KINDS[kind](**values)
    except TypeError:
        missing = next(key for key, (name, *_) in _REQUIRED[kind] if name not in values)
        raise Refused("missing_field", f"`{missing}` is missing") from None


_EXAMPLE = '{"model": "chat", "score": "groundedness", "value": 0.83}'


def _text(key: str, _value: object) -> object:
    raise Refused("wrong_type", f"`{key}` is text")


def _id(key: str, value: object) -> str:
    if type(value) is int:
        return str(value)
    raise Refused("wrong_type", f"`{key}` is text or a whole number")


def _number(key: str, value: object) -> float:
    if type(value) is not int:
        raise Refused("wrong_type", f"`{key}` is a number")
    try:
        return float(value)
    except OverflowError:
        raise Refused("out_of_range", f"`{key}` is too large") from None


def _whole(key: str, value: object) -> int:
    if type(value) is float and value.is_integer():
        return int(value)
    raise Refused("wrong_type", f"`{key}` is a whole number")


def _yes_or_no(key: str, _value: object) -> object:
    raise Refused("wrong_type", f"`{key}` is true or false")


_Field = tuple[str, type, Callable[[str, object], object]]

_KEYS = {"time_s": "time", "duration_s": "duration"}
"""Fields that are called otherwise in JSON."""

_TYPES: Mapping[str, tuple[type, Callable[[str, object], object]]] = {
    "id": (str, _id),
    "time_s": (float, moment),
    "value": (float, _number),
    "sampled": (float, _number),
    "reciprocal_rank": (float, _number),
    "top_score": (float, _number),
    "reranker_score": (float, _number),
    "duration_s": (float, _number),
    "rating": (float, _number),
    "best": (int, _whole),
    "hits": (int, _whole),
    "steps": (int, _whole),
    "text_length": (int, _whole),
    "valid": (bool, _yes_or_no),
}
"""Of the fields that are no text: the type that is taken as it is, and what makes one of others."""


def _shape(kind: type[Event]) -> dict[str, _Field]:
    return {
        _KEYS.get(field.name, field.name): (field.name, *_TYPES.get(field.name, (str, _text)))
        for field in fields(kind)
    }


_SHAPES = {name: _shape(kind) for name, kind in KINDS.items()}
_REQUIRED = {
    name: [
        (key, field)
        for (key, field), declared in zip(_shape(kind).items(), fields(kind), strict=True)
        if declared.default is MISSING
    ]
    for name, kind in KINDS.items()
}
