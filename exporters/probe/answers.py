"""Is the answer the expected one, and did the model that was asked for give it?

What is tolerated: white space around an answer and, for `contains`, its letter case; one code
fence around JSON; thousands separators in numbers. `number` looks at the first number, after the
last equals sign where there is one, so that "2 + 2 = 4" is 4. An expectation that cannot be
evaluated counts as not met, so that somebody looks at it.
"""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import jsonschema
import referencing
import referencing.exceptions
import regex

from modelwatch.inventory import Expectation, Probe

LONGEST_SEARCHED = 16 * 1024
"""Characters of an answer that a pattern is tried on; golden answers are short."""

PATIENCE_S = 0.5
"""Seconds for one pattern. Python's own `re` has no limit: `(a+)+$` would stop the exporter."""

_FENCED = re.compile(r"\s*```\w*\n(.*?)\n?```\s*", re.DOTALL)
_NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?|[-+]?\.\d+")
_SNAPSHOT = re.compile(r"[-@](?:\d{4}-\d\d-\d\d|\d{8}|\d{4}|\d{3})(?:-v\d+(?::\d+)?)?")


def correct(expected: Expectation, answer: str) -> bool:
    """Whether the answer is what the golden prompt expects."""
    match expected.kind:
        case "exact":
            return answer.strip() == expected.value.strip()
        case "contains":
            return expected.value.casefold() in answer.casefold()
        case "regex":
            return _found(expected.value, answer)
        case "json_schema":
            return _fits(expected.value, answer)
        case _:
            return _near(Decimal(expected.value), expected.tolerance, answer)


def _found(pattern: str, answer: str) -> bool:
    try:
        return bool(
            regex.search(pattern, answer[:LONGEST_SEARCHED], timeout=PATIENCE_S, concurrent=True)
        )
    except (TimeoutError, regex.error):
        return False


def _fits(schema: str, answer: str) -> bool:
    try:
        wanted = json.loads(schema)
        _Validator.check_schema(wanted)
        # An empty registry: a reference to another document is not fetched from the network.
        validator = _Validator(wanted, registry=referencing.Registry())
        return bool(validator.is_valid(json.loads(_unfenced(answer))))
    except (
        ValueError,
        RecursionError,
        jsonschema.SchemaError,
        referencing.exceptions.Unresolvable,
    ):
        return False


def _pattern(
    _validator: Any, pattern: str, instance: Any, _schema: Any
) -> Iterator[jsonschema.ValidationError]:
    if isinstance(instance, str) and not _found(pattern, instance):
        yield jsonschema.ValidationError("the text does not match the pattern")


_Validator = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]  # of jsonschema


def _unfenced(answer: str) -> str:
    """Chat models put JSON into a Markdown code block more often than not."""
    fenced = _FENCED.fullmatch(answer)
    return fenced[1] if fenced else answer


def _near(expected: Decimal, tolerance: Decimal, answer: str) -> bool:
    number = _number(answer)
    try:
        return number is not None and abs(number - expected) <= tolerance
    except ArithmeticError:  # not a number, or too large to subtract from
        return False


def _number(answer: str) -> Decimal | None:
    try:
        document = json.loads(_unfenced(answer), parse_float=Decimal, parse_int=Decimal)
        return next(_numbers(document), None)
    except (ValueError, RecursionError):  # prose
        said = answer[:LONGEST_SEARCHED].replace("\N{MINUS SIGN}", "-")
        found = _NUMBER.search(said.rpartition("=")[2]) or _NUMBER.search(said)
    return Decimal(found[0].replace(",", "")) if found else None


def _numbers(document: Any) -> Iterator[Decimal]:
    """Every number in the document, in the order written."""
    match document:
        case Decimal():
            yield document
        case dict():
            for value in document.values():
                yield from _numbers(value)
        case list():
            for value in document:
                yield from _numbers(value)
        case str():
            found = _NUMBER.search(document)
            if found:
                yield Decimal(found[0].replace(",", ""))


def served_as_asked(probe: Probe, served: str) -> bool | None:
    """Whether the model named in the answer is the one asked for; None when it names none.

    With `serves`, the name must match that pattern. Without, it must be the same name, where
    - letter case does not matter;
    - names of providers and folders in front, up to a slash, may be left out on either side:
      `gpt-4o` and `openai/gpt-4o`;
    - a snapshot may be added: `gpt-4o-mini` answers as `gpt-4o-mini-2024-07-18`, `gpt-4` as
      `gpt-4-0613`, `claude-sonnet-4-latest` as `claude-sonnet-4-20250514`. One or two digits are
      a version, not a snapshot: `claude-opus-4-1` is not `claude-opus-4`.
    """
    if not served:
        return None
    name = served.casefold()
    if probe.serves:
        return _matches(probe.serves.casefold(), name)
    asked = probe.asks_for.casefold()
    length = min(asked.count("/"), name.count("/")) + 1
    asked, name = ("/".join(text.split("/")[-length:]) for text in (asked, name))
    stem = asked.removesuffix("-latest")
    return name == asked or (
        name.startswith(stem) and _SNAPSHOT.fullmatch(name[len(stem) :]) is not None
    )


def _matches(pattern: str, name: str) -> bool:
    """Whether the name is the pattern with some text for each `*`."""
    first, *rest = pattern.split("*")
    if not rest:
        return name == pattern
    *middle, last = rest
    if not name.startswith(first):
        return False
    position = len(first)
    for part in middle:
        found = name.find(part, position)
        if found < 0:
            return False
        position = found + len(part)
    return name.endswith(last) and position <= len(name) - len(last)
