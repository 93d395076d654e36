"""The schema is the one description of the syntax: any reader of JSON Schema can check a file."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from alerts.recorded.slo import WINDOW_DAYS
from generator.inventory_reference import reference
from modelwatch import defaults
from modelwatch.custom import UNITS
from modelwatch.loading import load
from modelwatch.problems import InventoryError
from modelwatch.schema import (
    CHECKED,
    TOLD,
    Check,
    inventory_schema,
    inventory_syntax,
    inventory_validator,
)
from modelwatch.supply import SIGNALS_OF
from modelwatch.tree import Block, Items, Number, Value
from tests.inventory_texts import BAD, GOOD, ROOT, TOP

_VALIDATOR = jsonschema.Draft202012Validator(inventory_schema())


def _plain(value: Value) -> Any:
    match value:
        case Block():
            return {key: _plain(inner) for key, inner in value.items()}
        case Items():
            return [_plain(inner) for inner in value]
        case Number():
            return int(value) if value == value.to_integral_value() else float(value)
    return value


def _root(path: Path) -> Block | None:
    """The file as values; nothing when it is no YAML, so that no schema ever sees it."""
    try:
        return load("models.yaml", path.read_bytes()).root
    except InventoryError:
        return None


# Python's `$` lets a newline pass at the end of a name; that of JSON Schema and ours do not.
_STRICTER = ("name-with-newline",)
_PARSED = [path for path in (*BAD, *GOOD) if path.stem not in _STRICTER and _root(path)]


@pytest.mark.parametrize("path", _PARSED, ids=lambda path: path.stem)
def test_a_file_fits_the_schema_as_written_when_it_fits_the_one_that_is_used(path: Path) -> None:
    root = _root(path)
    assert root is not None
    assert _VALIDATOR.is_valid(_plain(root)) == inventory_validator().is_valid(root)


def _changed(value: Any) -> Iterator[Any]:
    """The value with one thing in it broken, in every place in turn."""
    wrongs: tuple[Any, ...] = (None, -1, 1e9, "", "?", True, [], {}, {"unknown": 1})
    if isinstance(value, dict):
        for key, inner in value.items():
            yield {name: other for name, other in value.items() if name != key}
            yield {**value, f"{key} ?": inner}
            yield from ({**value, key: wrong} for wrong in wrongs)
            yield from ({**value, key: changed} for changed in _changed(inner))
    if isinstance(value, list):
        for index, inner in enumerate(value):
            for changed in _changed(inner):
                yield [*value[:index], changed, *value[index + 1 :]]


def _text(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    "section",
    [
        pytest.param(name, marks=pytest.mark.slow if name == "models" else ())
        for name in inventory_schema()["properties"]
    ],
)
def test_every_single_mistake_in_a_full_inventory_is_told_and_taken_out(section: str) -> None:
    everything = _plain(load("x", (ROOT / "examples/everything.yaml").read_bytes()).root)
    written = _VALIDATOR.evolve(schema={"$ref": f"#/properties/{section}"})
    used = inventory_validator().evolve(schema=inventory_syntax()["properties"][section])
    broken = 0
    for changed in _changed(everything[section]):
        document = load("x", _text({section: changed}))
        fits = written.is_valid(_plain(document.root)[section])
        check = Check(report=document.report)
        check.run(document.root)
        told = [
            p for p in document.report.found if not p.message.startswith("the inventory has no")
        ]
        assert (not told, section not in check.damaged) == (fits, fits), changed
        left = used.iter_errors(document.root[section]) if section in document.root else ()
        # A block that became empty stays: everything in it was told.
        assert {error.validator for error in left} <= {"minProperties"}, changed
        broken += not fits
    assert broken > 5


@pytest.mark.parametrize(
    ("tokens", "left", "level"),
    [
        ("[{counter: a}, {counter: b, unit: furlong}]", 2, 6),
        ("[{counter: a, values: {x: y}}, 7, {counter: b}]", 2, 5),
        ("[7]", None, 4),
    ],
    ids=["one-key-of-an-entry", "one-entry", "the-only-entry"],
)
def test_a_mistake_takes_out_no_more_than_its_own_piece(
    tokens: str, left: int | None, level: int
) -> None:
    text = f"engines: {{own: {{signals: {{requests: {{counter: r}}, tokens: {tokens}}}}}}}\n"
    document = load("x", text.encode())
    check = Check(report=document.report)
    check.run(document.root)
    signals = document.root.block("engines").block("own").block("signals")
    assert check.damaged == {"engines": level}
    assert "requests" in signals
    assert ("tokens" in signals) == (left is not None)
    assert len(signals.items_of("tokens")) == (left or 0)


def test_the_schema_is_a_valid_one() -> None:
    jsonschema.Draft202012Validator.check_schema(inventory_schema())


def _properties(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Every key that the schema knows, with its resolved schema."""
    schema = _resolved(schema)
    for key, inner in schema.get("properties", {}).items():
        yield f"{path}.{key}".lstrip("."), {**_resolved(inner)}
        yield from _properties(inner, f"{path}.{key}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from _properties(schema[key], f"{path}.*")


def _resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in schema:
        return schema
    target = inventory_schema()["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    return {**_resolved(target), **{key: value for key, value in schema.items() if key != "$ref"}}


def test_every_key_says_what_it_means() -> None:
    silent = [
        path for path, schema in _properties(inventory_schema()) if not schema.get("description")
    ]
    assert not silent


def test_every_example_of_the_schema_fits_it() -> None:
    definitions = inventory_schema()["$defs"]
    examples = 0
    for path, schema in _properties(inventory_schema()):
        validator = jsonschema.Draft202012Validator({**schema, "$defs": definitions})
        for example in schema.get("examples", ()):
            assert validator.is_valid(example), (path, example)
            examples += 1
    assert examples > 100


def _block(schema: Mapping[str, Any], name: str) -> str:
    """What a block is called; a list of signals has the keys of one signal."""
    return str(schema.get("$ref", name)).replace("/signals", "/signal")


def _used(schema: Mapping[str, Any], value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Block and key of every key in the value; blocks that share a definition are one."""
    name, schema = _block(schema, name), _resolved(schema)
    for key, inner in value.items() if isinstance(value, dict) else ():
        if key in schema.get("properties", {}):
            yield name, key
            yield from _used(schema["properties"][key], inner, f"{name}.{key}")
        elif isinstance(schema.get("additionalProperties"), dict):
            yield from _used(schema["additionalProperties"], inner, f"{name}.*")
    for inner in value if isinstance(value, list) else ():
        yield from _used(schema.get("items", {}), inner, f"{name}.*")


def _wanted(schema: Mapping[str, Any], name: str) -> Iterator[tuple[str, str]]:
    name, schema = _block(schema, name), _resolved(schema)
    for key, inner in schema.get("properties", {}).items():
        yield name, key
        yield from _wanted(inner, f"{name}.{key}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from _wanted(schema[key], f"{name}.*")


def test_the_full_example_uses_every_key_of_the_inventory() -> None:
    root = load("x", (ROOT / "examples/everything.yaml").read_bytes()).root
    used = set(_used(inventory_schema(), _plain(root), ""))
    assert set(_wanted(inventory_schema(), "")) - used == set()


def test_limits_and_floors_of_the_schema_are_those_that_have_a_meaning() -> None:
    definitions = inventory_schema()["$defs"]
    assert set(definitions["limits"]["properties"]) == set(defaults.LIMITS)
    assert set(definitions["floors"]["properties"]) == set(defaults.FLOORS)
    pools = inventory_schema()["properties"]["gpus"]["items"]["properties"]
    assert set(pools["limits"]["properties"]) == set(defaults.POOL_LIMITS)


def test_windows_of_the_schema_are_those_that_rules_are_recorded_for() -> None:
    windows = tuple(f"{days}d" for days in WINDOW_DAYS)
    assert windows == defaults.SLO_WINDOWS
    assert tuple(inventory_schema()["$defs"]["days"]["enum"]) == windows


def test_units_and_signals_of_the_schema_are_those_of_custom_engines() -> None:
    definitions = inventory_schema()["$defs"]
    assert set(definitions["signal"]["properties"]["unit"]["enum"]) == set(UNITS) - {""}
    engine = inventory_schema()["properties"]["engines"]["additionalProperties"]
    assert set(engine["properties"]["signals"]["properties"]) == set(SIGNALS_OF["model"])


def _subschemas(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield schema
    for key in ("properties", "$defs"):
        for inner in schema.get(key, {}).values():
            yield from _subschemas(inner)
    for key in ("items", "propertyNames", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from _subschemas(schema[key])


def test_every_keyword_of_the_schema_is_checked_or_is_for_people() -> None:
    known = {*CHECKED, *TOLD, "$ref", "$schema", "$defs", "description"}
    assert {key for schema in _subschemas(inventory_schema()) for key in schema} <= known


def test_beside_a_reference_there_is_nothing_that_is_checked() -> None:
    references = [schema for schema in _subschemas(inventory_schema()) if "$ref" in schema]
    assert len(references) > 50
    assert not [schema for schema in references if set(schema) & set(CHECKED)]


def test_digits_are_plain_ones_and_nothing_follows_the_end() -> None:
    names = inventory_syntax()["properties"]["settings"]["properties"]
    version = inventory_validator().evolve(schema=names["alertmanager_version"])
    assert version.is_valid("0.28")
    assert not version.is_valid("0.28\n")
    assert not version.is_valid("0.٢٨")


def test_the_reference_page_names_every_key_once_per_block() -> None:
    page = reference(inventory_schema())
    for path, _ in _properties(inventory_schema()):
        assert f"`{path.rpartition('.')[2]}`" in page, path
    headings = [line for line in page.splitlines() if line.startswith("#")]
    assert len(headings) == len(set(headings))
    assert "### `models[].slo.latency`" in headings


def test_the_reference_page_has_no_row_that_breaks_its_table() -> None:
    rows = [line for line in reference(inventory_schema()).splitlines() if line.startswith("|")]
    assert rows
    assert all(row.replace("\\|", "").count("|") == 4 for row in rows)


def test_top_of_the_tests_is_what_an_inventory_begins_with() -> None:
    assert set(load("x", TOP.encode()).root) < set(inventory_schema()["properties"])
