"""Whether a file is a baseline, and if not, every reason with its place.

JSON is YAML, so the loader of inventories reads it: places, duplicate keys and limits are its work.
"""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema

from modelwatch.loading import load
from modelwatch.problems import Place, Report
from modelwatch.tree import Block, Items, Number, Value

_AGAIN = "build it again with `modelwatch baseline build`"
_NAMES = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text in quotes",
    "array": "a list",
    "object": "keys and values in braces",
    "null": "null",
}
_SCHEMA = Path(__file__).with_name("baseline.schema.json")


def checked(path: str, content: bytes) -> dict[str, Any]:
    """The file as plain values that follow the schema and agree with each other.

    Raises:
        InventoryError: it is no baseline.
    """
    document = load(path, content, what="baseline")
    root, report = document.root, document.report
    found: dict[str, Any] = _plain(root)
    if found.get("schema_version", 1) != 1:
        report.add(
            root.at("schema_version"),
            "the file is of a version that is not known here",
            f"update modelwatch, or {_AGAIN}",
        )
        report.raise_if_any()
    for error in validator().iter_errors(found):
        _tell(report, root, error)
    report.raise_if_any()
    _agreement(report, root.items_of("features"))
    report.raise_if_any()
    return found


@cache
def validator() -> jsonschema.Draft202012Validator:
    """What knows the schema."""
    return jsonschema.Draft202012Validator(json.loads(_SCHEMA.read_text("utf-8")))


def _plain(value: Value) -> Any:
    if isinstance(value, Block):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, Items):
        return [_plain(entry) for entry in value]
    if isinstance(value, Number):
        return float(value.text) if set(value.text) & set(".eE") else int(value.text)
    return value


def _tell(report: Report, root: Block, error: jsonschema.ValidationError) -> None:
    steps = list(error.absolute_path)
    place, where = _found(root, steps), _where(steps)
    schema: Any = error.schema
    value = _at(root, steps)
    if error.validator == "required" and isinstance(value, Block):
        for key in schema["required"]:
            if key not in value:
                report.add(place, f"'{key}' is missing in {where}", _AGAIN)
    elif error.validator == "additionalProperties" and isinstance(value, Block):
        for key in value.keys() - schema["properties"].keys():
            report.add(value.key_at(key), f"unknown key '{key}' in {where}", "remove it")
    else:
        report.add(place, f"{where} {_rule(error)}", _AGAIN)


def _rule(error: jsonschema.ValidationError) -> str:
    wanted: Any = error.validator_value
    if error.validator == "type":
        names = [wanted] if isinstance(wanted, str) else wanted
        return f"must be {' or '.join(_NAMES[name] for name in names)}"
    if error.validator in ("enum", "const"):
        names = wanted if isinstance(wanted, list) else [wanted]
        return f"must be one of {', '.join(map(str, names))}"
    if error.validator == "pattern":
        return "must be a moment in UTC such as 2026-05-01T12:00:00Z"
    said = {
        "minimum": f"must be at least {wanted}",
        "maximum": f"must be at most {wanted}",
        "minItems": f"must have {wanted} entry or more",
        "maxItems": f"must have {wanted} entries at the most",
        "minLength": "must not be empty",
        "uniqueItems": "has an entry twice",
    }
    return said[str(error.validator)]


def _agreement(report: Report, features: Items) -> None:
    """What a schema cannot say: numbers of entries, rising boundaries, names that differ."""
    names: dict[str, int] = {}
    for feature in features:
        assert isinstance(feature, Block)  # noqa: S101 - the schema has looked
        name = feature.text("name")
        if name in names:
            report.add(
                feature.at("name"),
                f"the feature '{name}' is already in line {names[name]}",
                "keep one of the two",
            )
        names[name] = feature.at("name")[0]
        for where, block, wanted in _lengths(feature):
            for key, entries in wanted.items():
                if len(block.items_of(key)) != entries:
                    report.add(
                        block.at(key),
                        f"'{key}' of {where} has {len(block.items_of(key))} entries, "
                        f"and must have {entries}",
                        _AGAIN,
                    )
        edges = _plain(feature.items_of("edges"))
        if any(after <= before for before, after in pairwise(edges)):
            report.add(feature.at("edges"), f"the edges of '{name}' do not rise", _AGAIN)


def _lengths(feature: Block) -> Iterator[tuple[str, Block, dict[str, int]]]:
    """How many entries each list of a feature must have."""
    name, kind = f"'{feature.text('name')}'", feature.text("kind")
    bins = len(feature.items_of("edges")) + 1
    if kind == "numeric":
        yield name, feature, {"counts": bins, "centres": bins}
    elif kind == "categorical":
        yield name, feature, {"counts": len(feature.items_of("values"))}
    elif kind == "score":
        for known in feature.items_of("classes"):
            if isinstance(known, Block):
                lists = dict.fromkeys(("counts", "correct"), bins)
                yield f"class '{known.text('predicted')}'", known, lists
    else:
        dimensions = len(feature.items_of("mean"))
        lists = dict.fromkeys(("variance", "direction"), dimensions)
        yield name, feature, {**lists, "fourier_mean": feature.whole("features")}


def _at(root: Block, steps: Sequence[str | int]) -> Value:
    value: Value = root
    for step in steps:
        value = value[step]  # type: ignore[index]  # the path is from the file
    return value


def _found(root: Block, steps: Sequence[str | int]) -> Place:
    """Where the value at the end of the steps is."""
    if not steps:
        return root.place
    owner, last = _at(root, steps[:-1]), steps[-1]
    if isinstance(owner, Items) and isinstance(last, int):
        return owner.values_at[last]
    assert isinstance(owner, Block)  # noqa: S101 - a step leads into one of the two
    return owner.at(str(last))


def _where(steps: Sequence[str | int]) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return text.removeprefix(".") or "the baseline"
