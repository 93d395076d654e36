"""The words for a value that does not fit the schema: each is (message, advice)."""

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, TypeAlias

from modelwatch.tree import Block, Items, Number, Value, as_text

Path: TypeAlias = tuple[str | int, ...]
Words: TypeAlias = tuple[str, str]
Schema: TypeAlias = Mapping[str, Any]

_KINDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a block of keys",
}
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


def about_key(key: str, block: Block, schema: Schema, path: Path) -> Words:
    """A key that must be there, has a name that cannot be, or is not known."""
    if key not in block:
        return _missing(key, schema["properties"][key], path)
    if "propertyNames" in schema:
        message = f"'{short(key)}'{where(path)} cannot be a name"
        return message, _name_advice(key, schema["propertyNames"])
    known = schema["properties"]
    if f"{key}_file" in known:
        return (
            f"'{short(key)}'{where(path)} would be a secret in the inventory",
            f"put it into a file of its own and write the path as '{key}_file'",
        )
    advice = close(key, known) or f"known here: {choices(known)}"
    return f"unknown key '{short(key)}'{where(path)}", advice


def _name_advice(name: str, schema: Schema) -> str:
    better = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    fits = len(better) > 1 and re.search(schema["pattern"], better)
    return f"{_advice(schema)}, such as '{better}'" if fits else _advice(schema)


def _missing(key: str, schema: Schema, path: Path) -> Words:
    at = f"{where(path).removeprefix(' in ')} has" if path else "the inventory has"
    example = _example(schema)
    return f"{at} no '{key}'", f"add `{key}: {example}`" if example else f"add '{key}:'"


def wrong_type(value: Value, schema: Schema, path: Path) -> Words:
    """Text instead of a list, and the like."""
    wanted = _wanted(schema)
    example = _example(schema)
    name = _name(path)
    if value is None:
        message = f"{name} is empty"
    elif isinstance(value, Block | Items):
        kind = _KINDS["object" if isinstance(value, Block) else "array"]
        message = f"{name} is {kind}, which it cannot be"
    elif _advice(schema) and "string" in _types(schema):
        return wrong_text(as_text(value), schema, path)
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


def _types(schema: Schema) -> list[str]:
    types = schema["type"]
    return [types] if isinstance(types, str) else types


def _wanted(schema: Schema) -> str:
    kinds = [kind for kind in _KINDS if kind in _types(schema)]
    title = schema.get("title", "")
    if "string" in kinds and title and "object" not in kinds:
        return f"a {title}" if title[0] not in "aeiou" else f"an {title}"
    return " or ".join(_KINDS[kind] for kind in kinds)


def not_a_choice(value: str, schema: Schema, path: Path) -> Words:
    """None of a fixed set of words."""
    known = schema["enum"]
    listed = ", ".join(known[:-1]) + f" or {known[-1]}" if len(known) > 1 else known[0]
    message = f"'{short(value)}' is not known as {_name(path)}"
    return message, close(value, known) or f"write {listed}"


def wrong_text(value: str, schema: Schema, path: Path) -> Words:
    """Text of the wrong form."""
    advice = _advice(schema)
    if not value:
        return f"{_name(path)} is empty", advice or f"write text, such as {_example(schema)}"
    longest = schema.get("maxLength", len(value))
    if len(value) > longest:
        return f"{_name(path)} is too long", f"use at most {longest} characters"
    title = schema.get("title", "value")
    advice = _name_advice(value, schema) if title == "name" else advice
    return f"'{short(value)}' is no {title}{where(path)}", advice


def out_of_range(value: Number, schema: Schema, path: Path) -> Words:
    """A number that is too small or too large."""
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        advice = f"write a number from {least} to {most}"
    elif least is not None:
        advice = f"write a number of at least {least}"
    else:
        advice = f"write a number of at most {most}"
    return f"{_name(path)} is {value.text}", advice


def too_few(_: Block | Items, schema: Schema, path: Path) -> Words:
    """An empty list or block where something must be."""
    example = _example(schema)
    if "properties" in schema and not example:
        return f"{_name(path)} is empty", f"write one of {choices(schema['properties'])}"
    return f"{_name(path)} is empty", f"write something like {example}" if example else "fill it in"


def too_many(value: Block, schema: Schema, _: Path) -> Words:
    """More keys than there can be, mostly two of which one is enough."""
    most = schema["maxProperties"]
    names = ", ".join(f"'{key}'" for key in value)
    only = "one" if most == 1 else str(most)
    return f"only {only} of {names} can be given here", "remove the others"


def twice(value: Value, _: Schema, path: Path) -> Words:
    """An entry that was in the list before."""
    return f"'{value}' is twice in '{path[-2]}'", "keep one of the two"


def _advice(schema: Schema) -> str:
    return str(schema.get("errorMessage", ""))


def _example(schema: Schema) -> str:
    return _flow(schema["examples"][0]) if schema.get("examples") else ""


def _flow(value: Any) -> str:
    """An example in the short form of YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(inner) for inner in value) + "]"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f'"{text}"' if text[0] in "#@%&*!|>`\"'" or ": " in text else text


WORDS: Mapping[str, Callable[[Any, Schema, Path], Words]] = {
    "type": wrong_type,
    "enum": not_a_choice,
    "minLength": wrong_text,
    "maxLength": wrong_text,
    "pattern": wrong_text,
    "minimum": out_of_range,
    "maximum": out_of_range,
    "minItems": too_few,
    "minProperties": too_few,
    "maxProperties": too_many,
    "uniqueItems": twice,
}
"""By the keyword that a value does not fit."""
