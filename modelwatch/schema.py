"""Checks a parsed file against `inventory.schema.json` and says in words what does not fit.

`jsonschema` does the checking, on the values as they were parsed. It is given the schema without
references: it would look each of them up anew for every value, which nearly doubles the time.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from modelwatch.problems import Report
from modelwatch.schema_words import WORDS, Schema, about_key
from modelwatch.tree import Block, Items, Number

CHECKED = (
    "type",
    "enum",
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
    "minItems",
    "minProperties",
    "maxProperties",
    "propertyNames",
    "required",
    "additionalProperties",
    "properties",
    "items",
    "uniqueItems",
)
"""Keywords in the order in which they are checked: a whole value before what is in it."""
TOLD = ("title", "errorMessage", "examples")
"""Keywords that messages are made of."""


@cache
def inventory_schema() -> Schema:
    """The schema of an inventory, as written."""
    text = resources.files("modelwatch").joinpath("inventory.schema.json").read_text("utf-8")
    schema: Schema = json.loads(text)
    return schema


@cache
def inventory_syntax() -> Schema:
    """The schema of an inventory as it is checked."""
    return inlined(inventory_schema(), inventory_schema()["$defs"])


@cache
def inventory_validator() -> Draft202012Validator:
    """The validator of an inventory, for values as they are parsed."""
    kinds = Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_whole)
    validator: type[Draft202012Validator] = extend(  # type: ignore[no-untyped-call]
        Draft202012Validator, {"uniqueItems": _once}, type_checker=kinds
    )
    return validator(inventory_syntax())


def inlined(schema: Schema, definitions: Schema) -> dict[str, Any]:
    """The same schema without references, its keywords in the order of `CHECKED`."""
    if "$ref" in schema:
        beside = dict(schema)
        target = definitions[beside.pop("$ref").removeprefix("#/$defs/")]
        return inlined({**target, **beside}, definitions)
    made: dict[str, Any] = {}
    for key in (*CHECKED, *TOLD):
        if key not in schema:
            continue
        value = schema[key]
        if key == "pattern":
            # As JSON Schema means it: in Python `\d` is any digit, and `$` lets a newline pass.
            made[key] = rf"(?a:{value})\Z"
        elif key == "properties":
            made[key] = {name: inlined(inner, definitions) for name, inner in value.items()}
        elif key == "additionalProperties" and value:
            # The library goes through these in the order of the file, through others in any.
            made["patternProperties"] = {"": inlined(value, definitions)}
        else:
            made[key] = inlined(value, definitions) if key in ("items", "propertyNames") else value
    return made


def _is_whole(_: object, value: object) -> bool:
    return isinstance(value, Number) and value == value.to_integral_value()


def _once(_: object, wanted: bool, entries: object, __: object) -> Iterator[ValidationError]:
    """Every text that was there before; the library would compare each entry with each other."""
    seen: set[str] = set()
    for index, entry in enumerate(entries if wanted and isinstance(entries, list) else ()):
        if isinstance(entry, str):
            if entry in seen:
                yield ValidationError("twice", path=(index,))
            seen.add(entry)


class Step(NamedTuple):
    """One step down the tree: a block or list, the key in it, and the schema of the holder."""

    holder: Any
    key: Any
    schema: Schema

    def down(self) -> tuple[Any, Schema]:
        """The value under the key, and its schema."""
        if isinstance(self.holder, Items):
            return self.holder[self.key], self.schema["items"]
        known = self.schema.get("properties", {}).get(self.key)
        return self.holder[self.key], known or self.schema["patternProperties"][""]


@dataclass(slots=True, kw_only=True)
class Check:
    """One walk over a file: reports what does not fit and takes it out, so that the rest is sound.

    `damaged` names the top-level keys in which something was taken out, with the level of the
    outermost piece that is gone: 1 the whole key, 2 one of its entries, and so on.
    """

    report: Report
    damaged: dict[str, int] = field(default_factory=dict)
    told: set[tuple[int, str | int]] = field(default_factory=set)
    """Holder and key of each piece that was reported: nothing more is said of what is in it."""
    gone: dict[int, tuple[Block | Items, set[str | int]]] = field(default_factory=dict)
    """Holders, and what is to be taken out of each."""

    def run(self, root: Block) -> None:
        """Check the whole file."""
        for error in inventory_validator().iter_errors(root):
            self._tell(error, root, inventory_syntax())
        for holder, keys in self.gone.values():
            _take_out(holder, keys)

    def _tell(self, error: ValidationError, value: Any, schema: Schema) -> None:
        path = tuple(error.path)
        steps: list[Step] = []
        for key in path:
            steps.append(Step(value, key, schema))
            value, schema = steps[-1].down()
        words = WORDS.get(str(error.validator))
        if words is None or "propertyNames" in error.schema_path:
            for name in _keys_of(error, value, schema):
                if self._is_new(*steps, Step(value, name, schema)):
                    secret = f"{name}_file" in schema.get("properties", ())
                    told = about_key(name, value, schema, path)
                    self.report.add(value.key_at(name), *told, secret=secret)
        elif self._is_new(*steps):
            place = steps[-1].holder.values_at[path[-1]]
            if error.validator == "maxProperties":
                place = value.key_at(list(value)[schema["maxProperties"]])
            secret = str(path[-1]).endswith("_file")
            self.report.add(place, *words(value, schema, path), secret=secret)

    def _is_new(self, *steps: Step) -> bool:
        """Mark a piece as gone; whether it is the first time, for it and all that it is in."""
        for level, step in enumerate(steps, 1):
            if (id(step.holder), step.key) in self.told:
                self._lose(steps[:level])
                return False
        self.told.add((id(steps[-1].holder), steps[-1].key))
        self._lose(steps)
        return True

    def _lose(self, steps: Sequence[Step]) -> None:
        """Mark a piece as gone, and with it every holder that cannot be without it."""
        section = str(steps[0].key)
        for level in range(len(steps), 0, -1):
            holder, key, schema = steps[level - 1]
            lost = self.gone.setdefault(id(holder), (holder, set()))[1]
            if isinstance(holder, Items) or key in holder:
                lost.add(key)
                self.damaged[section] = min(level, self.damaged.get(section, level))
            if _can_be_used(holder, lost, schema):
                return


def _can_be_used(holder: Block | Items, lost: set[str | int], schema: Schema) -> bool:
    """Whether a block or list is worth something without what is lost of it."""
    if isinstance(holder, Items):
        fewest: int = schema.get("minItems", 0)
        return len(holder) - len(lost) >= fewest
    return all(name in holder and name not in lost for name in schema.get("required", ()))


def _keys_of(error: ValidationError, block: Block, schema: Schema) -> Sequence[str]:
    """The keys that an error about a block means: some that cannot be there, or that are not."""
    if error.validator not in ("additionalProperties", "required"):
        return [str(error.instance)]
    unknown = [name for name in block if name not in schema["properties"]]
    if error.validator == "additionalProperties":
        return unknown
    absent = (name for name in schema["required"] if name not in block)
    return [name for name in absent if name.removesuffix("_file") not in unknown]


def _take_out(holder: Block | Items, keys: set[str | int]) -> None:
    if isinstance(holder, Block):
        for key in keys:
            del holder[str(key)]
        return
    kept = [placed for index, placed in enumerate(holder.placed()) if index not in keys]
    holder[:] = [value for value, _ in kept]
    holder.values_at[:] = [place for _, place in kept]
