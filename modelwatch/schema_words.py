"""The words for a value that does not fit the schema: each is (message, advice)."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from modelwatch.tree import Number, Value, as_text

if TYPE_CHECKING:
    from modelwatch.schema import Rule

Path = tuple[str | int, ...]
Words = tuple[str, str]

_KINDS = {
    "object": "a block of keys",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "empty",
}
_ORDER = ("string", "integer", "number", "boolean", "array", "object")
_LONGEST = 60
_MANY = 200
"""Names that are compared letter by letter: of more, those that begin or end alike."""


def where(path: Path) -> str:
    """The place in words: ` in models[1].slo`, nothing at the top."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return f" in {text}" if text else ""


def short(value: Value) -> str:
    """A value as it was written, cut where it is long."""
    text = as_text(value).replace("\n", "\\n").replace("\t", "\\t")
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def close(name: str, known: Iterable[str]) -> str:
    """A question about the closest known name, or nothing."""
    likely = list(known)
    if len(likely) > _MANY:
        likely = [other for other in likely if other[:2] == name[:2] or other[-3:] == name[-3:]]
    found = get_close_matches(name[:100], likely[:_MANY], n=1, cutoff=0.6)
    return f"did you mean '{found[0]}'?" if found else ""


def choices(names: Iterable[str], limit: int = 12) -> str:
    """Names with commas, the rest only counted."""
    listed = list(names)
    more = f" and {len(listed) - limit} more" if len(listed) > limit else ""
    return ", ".join(listed[:limit]) + more


def unknown_key(key: str, rule: "Rule", path: Path) -> tuple[str, str, bool]:
    """A key that does not exist here; true when it holds a secret that belongs into a file."""
    if f"{key}_file" in rule.properties:
        return (
            f"'{short(key)}'{where(path)} would be a secret in the inventory",
            f"put it into a file of its own and write the path as '{key}_file'",
            True,
        )
    advice = close(key, rule.properties) or f"known here: {choices(rule.properties)}"
    return f"unknown key '{short(key)}'{where(path)}", advice, False


def bad_key(key: str, names: "Rule", path: Path) -> Words:
    """A name that is written with other characters than it may have."""
    return f"'{short(key)}'{where(path)} cannot be a name", _name_advice(key, names)


def _name_advice(name: str, rule: "Rule") -> str:
    better = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    fits = len(better) > 1 and rule.pattern and rule.pattern.fullmatch(better)
    return f"{rule.words}, such as '{better}'" if fits else rule.words


def missing(key: str, rule: "Rule", path: Path) -> Words:
    """A key that must be there."""
    at = f"{where(path).removeprefix(' in ')} has" if path else "the inventory has"
    example = _example(rule)
    return f"{at} no '{key}'", f"add `{key}: {example}`" if example else f"add '{key}:'"


def wrong_type(value: Value, kind: str, rule: "Rule", path: Path) -> Words:
    """Text instead of a list, and the like."""
    wanted = _wanted(rule)
    example = _example(rule)
    name = _name(path)
    if rule.words and "string" in rule.types and kind in ("integer", "number", "boolean"):
        return wrong_text(as_text(value), rule, path)
    if kind == "null":
        message = f"{name} is empty"
    elif kind in ("object", "array"):
        message = f"{name} is {_KINDS[kind]}, which it cannot be"
    else:
        message = f"{name} is '{short(value)}', which is not {wanted}"
    return message, f"write {wanted}" + (f", such as {example}" if example else "")


def _name(path: Path) -> str:
    if not path:
        return "the inventory"
    last = path[-1]
    if isinstance(last, int):
        return f"entry {last + 1}{where(path[:-1])}"
    return f"'{last}'{where(path[:-1])}"


def _wanted(rule: "Rule") -> str:
    kinds = [kind for kind in _ORDER if kind in rule.types]
    if "string" in kinds and rule.title and "object" not in kinds:
        return f"a {rule.title}" if rule.title[0] not in "aeiou" else f"an {rule.title}"
    return " or ".join(_KINDS[kind] for kind in kinds)


def not_a_choice(value: str, known: tuple[str, ...], path: Path) -> Words:
    """None of a fixed set of words."""
    listed = ", ".join(known[:-1]) + f" or {known[-1]}" if len(known) > 1 else known[0]
    message = f"'{short(value)}' is not known as {_name(path)}"
    return message, close(value, known) or f"write {listed}"


def wrong_text(value: str, rule: "Rule", path: Path) -> Words:
    """Text of the wrong form."""
    if not value:
        return f"{_name(path)} is empty", rule.words or f"write text, such as {_example(rule)}"
    if rule.longest is not None and len(value) > rule.longest:
        return f"{_name(path)} is too long", f"use at most {rule.longest} characters"
    title = rule.title or "value"
    advice = _name_advice(value, rule) if title == "name" else rule.words
    return f"'{short(value)}' is no {title}{where(path)}", advice


def out_of_range(value: Number, rule: "Rule", path: Path) -> Words:
    """A number that is too small or too large."""
    if rule.least is not None and rule.most is not None:
        advice = f"write a number from {rule.least} to {rule.most}"
    elif rule.least is not None:
        advice = f"write a number of at least {rule.least}"
    else:
        advice = f"write a number of at most {rule.most}"
    return f"{_name(path)} is {value.text}", advice


def too_few(rule: "Rule", path: Path) -> Words:
    """An empty list or block where something must be."""
    example = _example(rule)
    if rule.properties and not example:
        return f"{_name(path)} is empty", f"write one of {choices(rule.properties)}"
    return f"{_name(path)} is empty", f"write something like {example}" if example else "fill it in"


def _example(rule: "Rule") -> str:
    return _flow(rule.examples[0]) if rule.examples else ""


def _flow(value: Any) -> str:
    """An example in the short form of YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(inner) for inner in value) + "]"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f'"{text}"' if text[0] in "#@%&*!|>`\"'" or ": " in text else text
