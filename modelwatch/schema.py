"""Checks a parsed file against `inventory.schema.json` and says in words what does not fit.

The schema is JSON Schema 2020-12; this is a reader of the part of it that we use, compiled once.
A general validator takes seconds for a thousand models and reports in its own words; the tests
hold the two against each other. An unknown keyword in the schema is an error, never ignored.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

from modelwatch.problems import DefinitionError, Place, Report
from modelwatch.schema_words import (
    Path,
    bad_key,
    missing,
    not_a_choice,
    out_of_range,
    too_few,
    unknown_key,
    wrong_text,
    wrong_type,
)
from modelwatch.tree import Block, Items, Number, Value

_ANNOTATIONS = frozenset({"$schema", "$defs", "title", "description", "examples", "errorMessage"})
_CHECKED = {
    "type": "types",
    "enum": "choices",
    "pattern": "pattern",
    "minLength": "shortest",
    "maxLength": "longest",
    "minimum": "least",
    "maximum": "most",
    "items": "entries",
    "minItems": "fewest",
    "uniqueItems": "unique",
    "properties": "properties",
    "required": "required",
    "additionalProperties": "others",
    "propertyNames": "names",
    "minProperties": "fewest_keys",
    "maxProperties": "most_keys",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One compiled subschema."""

    types: frozenset[str] = frozenset()
    choices: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None
    shortest: int = 0
    longest: int | None = None
    least: int | None = None
    most: int | None = None
    entries: "Rule | None" = None
    fewest: int = 0
    unique: bool = False
    properties: Mapping[str, "Rule"] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    others: "Rule | bool" = True
    names: "Rule | None" = None
    fewest_keys: int = 0
    most_keys: int | None = None
    title: str = ""
    words: str = ""
    examples: tuple[Any, ...] = ()


@cache
def inventory_schema() -> Mapping[str, Any]:
    """The schema of an inventory, as written."""
    text = resources.files("modelwatch").joinpath("inventory.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


@cache
def inventory_rule() -> Rule:
    """The schema of an inventory, compiled."""
    schema = inventory_schema()
    return compiled(schema, schema.get("$defs", {}))


def compiled(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Rule:
    """The subschema as a rule.

    Raises:
        DefinitionError: it uses a keyword that is not read here.
    """
    if "$ref" in schema:
        beside = set(schema) - _ANNOTATIONS - {"$ref"}
        if beside:
            raise DefinitionError(f"the schema has {sorted(beside)} beside a reference")
        target = definitions[schema["$ref"].removeprefix("#/$defs/")]
        return compiled({**target, **schema_without(schema, "$ref")}, definitions)
    unknown = set(schema) - _ANNOTATIONS - set(_CHECKED)
    if unknown:
        raise DefinitionError(f"the schema uses {sorted(unknown)}, which is not read here")
    facts = {
        _CHECKED[key]: _fact(key, schema[key], definitions) for key in schema if key in _CHECKED
    }
    return Rule(
        **facts,
        title=schema.get("title", ""),
        words=schema.get("errorMessage", ""),
        examples=tuple(schema.get("examples", ())),
    )


def schema_without(schema: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The schema without one keyword."""
    return {name: value for name, value in schema.items() if name != key}


def _fact(key: str, value: Any, definitions: Mapping[str, Any]) -> Any:
    fact = value
    match key:
        case "type":
            fact = frozenset([value] if isinstance(value, str) else value)
        case "enum" | "required":
            fact = tuple(value)
        case "pattern":
            fact = re.compile(value, re.ASCII)
        case "properties":
            fact = {name: compiled(rule, definitions) for name, rule in value.items()}
        case "items" | "propertyNames" | "additionalProperties" if isinstance(value, dict):
            fact = compiled(value, definitions)
    return fact


@dataclass(slots=True, kw_only=True)
class Check:
    """One walk over a file: reports what does not fit and takes it out, so that the rest is sound.

    `damaged` names the top-level keys in which something was taken out, with the level of the
    outermost piece that is gone: 1 the whole key, 2 one of its entries, and so on.
    """

    report: Report
    damaged: dict[str, int] = field(default_factory=dict)

    def run(self, root: Block, rule: Rule) -> None:
        """Check the whole file."""
        self._fits(root, rule, root.place, ())

    def _fits(self, value: Value, rule: Rule, place: Place, path: Path) -> bool:
        """Whether the value, less what was taken out of it, can be used."""
        kind = _kind(value)
        if kind not in rule.types and not (kind == "integer" and "number" in rule.types):
            self.report.add(place, *wrong_type(value, kind, rule, path))
            return False
        if isinstance(value, Block):
            return self._block_fits(value, rule, place, path)
        if isinstance(value, Items):
            return self._items_fit(value, rule, place, path)
        if isinstance(value, str):
            return self._text_fits(value, rule, place, path)
        if isinstance(value, Number) and not _in_range(value, rule):
            self.report.add(place, *out_of_range(value, rule, path))
            return False
        return True

    def _text_fits(self, value: str, rule: Rule, place: Place, path: Path) -> bool:
        if rule.choices and value not in rule.choices:
            self.report.add(place, *not_a_choice(value, rule.choices, path))
            return False
        length = len(value)
        too_long = rule.longest is not None and length > rule.longest
        if (
            too_long
            or length < rule.shortest
            or (rule.pattern and not rule.pattern.fullmatch(value))
        ):
            self.report.add(place, *wrong_text(value, rule, path), secret=_secret(path))
            return False
        return True

    def _items_fit(self, items: Items, rule: Rule, place: Place, path: Path) -> bool:
        if len(items) < rule.fewest:
            self.report.add(place, *too_few(rule, path))
            return False
        entries = rule.entries
        if entries is None:
            return True
        good = [
            (value, at)
            for index, (value, at) in enumerate(items.placed())
            if self._fits(value, entries, at, (*path, index))
        ]
        if rule.unique:
            good = self._once(good, path)
        if len(good) != len(items):
            self._note(path, 1)
            items[:] = [value for value, _ in good]
            items.values_at[:] = [at for _, at in good]
        return len(items) >= rule.fewest

    def _once(self, entries: list[tuple[Value, Place]], path: Path) -> list[tuple[Value, Place]]:
        seen: set[Value] = set()
        good = []
        for value, at in entries:
            if value in seen:
                name = path[-1] if path else "list"
                self.report.add(at, f"'{value}' is twice in '{name}'", "keep one of the two")
                continue
            seen.add(value)
            good.append((value, at))
        return good

    def _block_fits(self, block: Block, rule: Rule, place: Place, path: Path) -> bool:
        if not self._sized(block, rule, place, path):
            return False
        for key in list(block):
            inner = self._rule_of(key, block, rule, path)
            if inner is None or not self._fits(block[key], inner, block.at(key), (*path, key)):
                self._note((*path, key), 0)
                del block[key]
        absent = [key for key in rule.required if key not in block]
        for key in absent:
            if not {key, key.removesuffix("_file")} & set(block.keys_at):
                self.report.add(block.place, *missing(key, rule.properties[key], path))
        return not absent

    def _sized(self, block: Block, rule: Rule, place: Place, path: Path) -> bool:
        if len(block) < rule.fewest_keys:
            self.report.add(place, *too_few(rule, path))
            return False
        if rule.most_keys is not None and len(block) > rule.most_keys:
            second = list(block)[rule.most_keys]
            names = ", ".join(f"'{key}'" for key in block)
            only = "one" if rule.most_keys == 1 else str(rule.most_keys)
            self.report.add(
                block.key_at(second),
                f"only {only} of {names} can be given here",
                "remove the others",
            )
            return False
        return True

    def _rule_of(self, key: str, block: Block, rule: Rule, path: Path) -> Rule | None:
        """What the value of the key must be; None, and a report, when the key cannot be here."""
        if inner := rule.properties.get(key):
            return inner
        if isinstance(rule.others, Rule):
            if rule.names and rule.names.pattern and not rule.names.pattern.fullmatch(key):
                self.report.add(block.key_at(key), *bad_key(key, rule.names, path))
                return None
            return rule.others
        message, advice, is_secret = unknown_key(key, rule, path)
        self.report.add(block.key_at(key), message, advice, secret=is_secret)
        return None

    def _note(self, path: Path, deeper: int) -> None:
        if path:
            section = str(path[0])
            level = len(path) + deeper
            self.damaged[section] = min(level, self.damaged.get(section, level))


def _kind(value: Value) -> str:
    match value:
        case bool():
            return "boolean"
        case None:
            return "null"
        case str():
            return "string"
        case Number():
            return "integer" if value == value.to_integral_value() else "number"
        case Block():
            return "object"
    return "array"


def _in_range(value: Decimal, rule: Rule) -> bool:
    low = rule.least is None or value >= rule.least
    return low and (rule.most is None or value <= rule.most)


def _secret(path: Path) -> bool:
    return bool(path) and str(path[-1]).endswith("_file")
