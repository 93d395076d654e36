"""YAML as we write it: long lines unbroken, multi-line text as blocks, no anchors."""

import itertools
import json
import math
from collections.abc import Mapping
from typing import Any

import yaml

_analysed: dict[str, yaml.emitter.ScalarAnalysis] = {}


class _Dumper(yaml.SafeDumper):
    def analyze_scalar(self, scalar: str) -> yaml.emitter.ScalarAnalysis:
        """Once per text: labels and keys stand in these files thousands of times."""
        if scalar not in _analysed:
            _analysed[scalar] = super().analyze_scalar(scalar)
        return _analysed[scalar]

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # no anchors, ever
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, indentless=False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    if "\n" in value and all(line == line.rstrip() for line in value.split("\n")):
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|")
    return dumper.represent_scalar("tag:yaml.org,2002:str", value)


_Dumper.add_representer(str, _text)


def dump(document: Any, *, header: str = "") -> str:
    """The document as YAML, under a comment."""
    body = yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, width=10**6, allow_unicode=True, indent=2
    )
    return comment(header) + body


def comment(text: str) -> str:
    """The text as comment lines."""
    return "".join(f"# {line}\n".replace("# \n", "#\n") for line in text.splitlines())


def comments_of(text: str) -> str:
    """What stands in the comment above a document that `dump` wrote."""
    lines = text.splitlines()
    above = itertools.takewhile(lambda line: line.startswith("#"), lines)
    return "".join(f"{line.removeprefix('#').removeprefix(' ')}\n" for line in above)


def flow(mapping: Mapping[str, str]) -> str:
    """A mapping of strings on one line."""
    return "{" + ", ".join(f"{key}: {quoted(value)}" for key, value in mapping.items()) + "}"


def quoted(text: str) -> str:
    """In double quotes. JSON writes some characters as halves, which is no YAML."""
    if text.isascii() and text.isprintable():
        return json.dumps(text)
    return yaml.dump(
        text, Dumper=yaml.SafeDumper, default_style='"', allow_unicode=True, width=math.inf
    ).rstrip("\n")
