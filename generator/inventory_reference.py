"""The reference page of the inventory, written from its schema."""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

_KINDS = {
    "object": "block",
    "array": "list",
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
}
_INTRO = """\
Durations are written `200ms`, `5s`, `10m`, `1h`, `30d`; percentages with their sign, `99.9%`;
money in USD, `12 USD`, `0.15 USD per million tokens`. Numbers are exact. `no` is text and
`12:30` is text: only `true` and `false` are truths. Keys in **bold** must be given.

For completion in an editor, begin the file with
`# yaml-language-server: $schema=` and the path of `inventory.schema.json`.
"""


def reference(schema: Schema) -> str:
    """Markdown for every key: what it means, what it may be, an example."""
    reader = _Reader(schema.get("$defs", {}))
    parts = [f"# The inventory\n\n{schema['description']}\n", _INTRO]
    parts += [reader.section((key,), inner) for key, inner in schema["properties"].items()]
    return "\n".join(parts)


class _Reader:
    """Follows references; writes one section per block of keys."""

    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self.definitions = definitions
        self.described: dict[str, str] = {}

    def resolved(self, schema: Schema) -> Schema:
        """The schema with its reference followed; what stands beside it wins."""
        if "$ref" not in schema:
            return schema
        target = self.definitions[schema["$ref"].removeprefix("#/$defs/")]
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return {**self.resolved(target), **beside}

    def section(self, path: tuple[str, ...], schema: Schema) -> str:
        """The section of one key, and after it those of the blocks inside."""
        schema = self.resolved(schema)
        heading = "##" if len(path) == 1 else "###"
        lines = [f"{heading} `{_title(path)}`", "", schema.get("description", "")]
        inner = self.inner(path, schema)
        if not inner:
            return "\n".join([*lines, "", self.alone(schema), ""])
        blocks = []
        for inner_path, block in inner:
            about = block.get("description", "")
            if inner_path != path and about:
                lines += ["", f"Each of `{_title(inner_path)}`: {about}"]
            lines += ["", *self.table(inner_path, block)]
            blocks += list(self.nested(inner_path, block))
        return "\n".join([*lines, "", *blocks])

    def inner(self, path: tuple[str, ...], schema: Schema) -> list[tuple[tuple[str, ...], Schema]]:
        """The block of keys that the schema is, or is a list or mapping of."""
        if schema.get("properties"):
            return [(path, schema)]
        found = []
        for key, suffix in (("items", "[]"), ("additionalProperties", "NAME")):
            inner = schema.get(key)
            if isinstance(inner, dict) and (block := self.resolved(inner)).get("properties"):
                last = f"{path[-1]}[]" if suffix == "[]" else f"{path[-1]}.NAME"
                found.append(((*path[:-1], last), block))
        return found

    def nested(self, path: tuple[str, ...], schema: Schema) -> Iterator[str]:
        """Sections of the blocks that are values in this one, unless others share them."""
        for key, inner in schema["properties"].items():
            if self.is_new((*path, key), inner):
                yield self.section((*path, key), inner)

    def is_new(self, path: tuple[str, ...], schema: Schema) -> bool:
        """Whether the value has keys that no section describes yet; notes who does."""
        if not self.inner(path, self.resolved(schema)):
            return False
        reference = schema.get("$ref", _title(path))
        return self.described.setdefault(reference, _title(path)) == _title(path)

    def table(self, path: tuple[str, ...], schema: Schema) -> Iterator[str]:
        """One row per key."""
        yield "| key | what | written as |"
        yield "|---|---|---|"
        required = schema.get("required", ())
        for key, inner in schema["properties"].items():
            resolved = self.resolved(inner)
            name = f"**`{key}`**" if key in required else f"`{key}`"
            about = resolved.get("description", "")
            self.is_new((*path, key), inner)
            described = self.described.get(inner.get("$ref", ""), _title((*path, key)))
            if described != _title((*path, key)):
                about += f" Its keys are those of `{described}`."
            yield f"| {name} | {_cell(about.strip())} | {_cell(self.written(resolved))} |"

    def written(self, schema: Schema) -> str:
        """Kind, choices, bounds and examples in a few words."""
        parts = [self.kind(schema)]
        if examples := schema.get("examples"):
            parts.append(", ".join(f"`{_flow(example)}`" for example in examples))
        return ": ".join(parts)

    def alone(self, schema: Schema) -> str:
        """What a key without keys of its own may be."""
        return f"Written as {self.written(schema)}."

    def kind(self, schema: Schema) -> str:
        """What it may be, in words."""
        if "enum" in schema:
            return "one of " + ", ".join(f"`{choice}`" for choice in schema["enum"])
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        title = schema.get("title", "")
        kinds = [
            title if kind == "string" and title else _KINDS[kind]
            for kind in types
            if not (kind == "number" and title)
        ]
        return " or ".join(dict.fromkeys(kinds)) + _bounds(schema)


def _bounds(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is None or high is None or high >= 1_000_000:
        return ""
    return f" from {low} to {high}"


def _title(path: tuple[str, ...]) -> str:
    return ".".join(path)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _flow(value: Any) -> str:
    """A value in the short form of YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(inner) for inner in value) + "]"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f'"{text}"' if isinstance(value, str) and text[:1] in tuple("#@%&*!|>`\"'") else text
