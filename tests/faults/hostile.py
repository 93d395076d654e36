"""An inventory whose every free text is as bad as the schema lets it be.

The schema is walked, so that a field which is added to it must be added to `hostile.yaml` too.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from modelwatch.schema import inventory_syntax

HERE = "HERE"
WORST = (
    "a\"b'c`d\\e\\n\\ {{ .x }} {{ $labels.y | nosuch }} ${HOME} $1 %s %(s)s | || "
    "<script>alert(1)</script> <b>x</b> &lt; [x](http://evil.example) ![i](http://evil.example) "
    "**b** __b__ ~~s~~ [5m] offset 5m seconds(5m) # h\x7f\u00a0\u2028\U0001f600é"
)
LINES = f"{WORST} \n## heading\n\n- item \n> quote\n```\n| a | b |\n---\n  tail\t"
PRINTABLE = re.sub(r"[^ -~]", "", WORST)
DENSE = re.sub(r"\s", "_", WORST)[:90]
ADDRESS = "http://localhost/" + re.sub(r'["<>\\^`{|}%]', "", DENSE)
TARGETS = re.sub(r"[*\x7f]", "", WORST)
CHOICES = (
    *(LINES, WORST, DENSE, f"/{DENSE}", ADDRESS, PRINTABLE, TARGETS),
    *(DENSE.replace(".", "_"), DENSE.replace("$", "")),
)
ENDINGS = ("", ".json")

KEPT = {
    # They name something else of the inventory, or must be an address, a number or a zone.
    *("page", "ticket", "targets", "features", "critical", "production", "alertmanagers"),
    # PromQL of the user's own, which stands in the rules as it is.
    "promql",
}

Schema = Mapping[str, Any]


def worst(schema: Schema) -> str | None:
    """The worst text that the schema lets pass, if any that is bad."""
    kinds = schema.get("type", ())
    if "enum" in schema or "string" not in ([kinds] if isinstance(kinds, str) else kinds):
        return None
    fits = re.compile(schema.get("pattern", ""))
    longest = schema.get("maxLength", 10**6)
    every = (f"{one}{ending}" for one in CHOICES for ending in ENDINGS)
    return next((one for one in every if fits.search(one) and len(one) <= longest), None)


def below(schema: Schema, key: str) -> Schema:
    """The schema of what stands under a key."""
    found: Schema = schema.get("properties", {}).get(key) or schema["patternProperties"][""]
    return found


def free_texts(schema: Schema, path: str = "") -> Iterator[str]:
    """Where a user may write what he likes; names that users choose are `*`."""
    if path.rpartition(".")[2].removesuffix("[]") in KEPT:
        return
    if worst(schema):
        yield path
    for key, inner in schema.get("properties", {}).items():
        yield from free_texts(inner, f"{path}.{key}")
    for inner in schema.get("patternProperties", {}).values():
        yield from free_texts(inner, f"{path}.*")
    if "items" in schema:
        yield from free_texts(schema["items"], f"{path}[]")


def field(path: str) -> str:
    """All signals of an engine are written in the same words, and one text is as good as a list."""
    return re.sub(r"signals\.\w+(\[\])?", "signals.*", path).removesuffix("[]")


def filled(value: Any, schema: Schema, path: str, reached: list[str]) -> Any:
    """The value with every `HERE` as bad as may be; `reached` learns where they were."""
    if isinstance(value, dict):
        known = schema.get("properties", {})
        return {
            key: filled(one, below(schema, key), f"{path}.{key if key in known else '*'}", reached)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [filled(one, schema["items"], f"{path}[]", reached) for one in value]
    if value != HERE:
        return value
    text = worst(schema)
    assert text, f"{path} takes no text like this"
    reached.append(field(path))
    stem, dot, ending = text.partition(".json")
    text = f"{stem}{len(reached)}{dot}{ending}"  # no two are the same
    if path.endswith(".regex") or ".values." in path:
        return re.escape(text)
    return json.dumps({"text": text}) if path.endswith(".body") else text


def inventory() -> tuple[dict[str, Any], set[str]]:
    """The inventory, and the fields that were filled."""
    text = (Path(__file__).parent / "hostile.yaml").read_text()
    reached: list[str] = []
    made: dict[str, Any] = filled(yaml.safe_load(text), inventory_syntax(), "", reached)
    return made, set(reached)


def as_text(document: Any) -> str:
    """As a file: JSON is YAML, but for characters that must not stand in one as they are."""
    text = json.dumps(document, ensure_ascii=False)
    return text.replace("\x7f", "\\u007f").replace("\u2028", "\\u2028")
