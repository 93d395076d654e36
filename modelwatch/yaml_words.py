"""What the YAML parser says, in words that help somebody who does not know YAML by heart."""

from collections.abc import Sequence

import yaml

from modelwatch.problems import Place

MAX_DEPTH = 40
"""Levels of blocks and lists that are read; an inventory has about ten."""
TOO_DEEP = (
    f"this is nested more than {MAX_DEPTH} levels deep",
    "no part of an inventory needs that: check the brackets and the indentation",
)

_INDENT = "check that keys of one block begin in the same column"
_WORDS = (
    (
        "mapping values are not allowed",
        "a ':' is not expected here",
        "put the text in quotes when it contains ': ', or check the indentation",
    ),
    ("could not find expected ':'", "this key has no ':'", "write `key: value`"),
    ("did not find expected key", "this does not fit the block that it is in", _INDENT),
    (
        "did not find expected '-' indicator",
        "this is no entry of the list above",
        "begin each entry with '- ', all in the same column",
    ),
    (
        "did not find expected ',' or '}'",
        "a ',' or '}' is missing before this",
        "close the '{' that was opened, and separate its keys with ','",
    ),
    (
        "did not find expected ',' or ']'",
        "a ',' or ']' is missing before this",
        "close the '[' that was opened, and separate its entries with ','",
    ),
    (
        "found unexpected end of stream",
        "the text in quotes that begins here never ends",
        "add the closing quote",
    ),
    (
        "found unexpected document indicator",
        "the text in quotes that begins here never ends",
        "add the closing quote",
    ),
    (
        "found unknown escape character",
        "this '\\' means nothing in double quotes",
        "use single quotes, or write '\\\\'",
    ),
    (
        "found character that cannot start any token",
        "no value can begin with this character",
        "put the text in quotes",
    ),
    (
        "block sequence entries are not allowed",
        "a list cannot begin here",
        "begin the list on a line of its own",
    ),
    ("found undefined tag handle", "'!' begins a tag, which is not used here", "use quotes"),
    (
        "did not find expected <document start>",
        "this does not belong to what comes before",
        _INDENT,
    ),
    ("did not find expected node content", "a value is missing here", "write one or use quotes"),
    (
        "did not find expected alphabetic or numeric character",
        "'*' and '&' begin a name",
        "put the text in quotes",
    ),
    (
        "did not find expected hexdecimal number",
        "this '\\' is followed by too few digits",
        "use single quotes, or write '\\\\'",
    ),
    ("exceeded maximum nesting depth", *TOO_DEEP),
)
_BEGINS = ("never ends",)


def explained(error: yaml.MarkedYAMLError, lines: Sequence[str]) -> tuple[Place, str, str]:
    """Place, message and advice for what the parser could not read."""
    said = error.problem or error.context or ""
    mark = error.problem_mark or error.context_mark
    place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    if tab := _tab(place, lines):
        return tab, "a tab is used for indentation", "indent with spaces"
    for words, message, advice in _WORDS:
        if words in said:
            if message.endswith(_BEGINS) and error.context_mark:
                begin = error.context_mark
                place = (begin.line + 1, begin.column + 1)
            return _inside(place, lines), message, advice
    return _inside(place, lines), "this is not valid YAML", "check indentation, brackets and quotes"


def _tab(place: Place, lines: Sequence[str]) -> Place | None:
    """A tab in the indentation of the line, which is what the parser stumbled over."""
    line = lines[place[0] - 1] if place[0] <= len(lines) else ""
    indent = line[: len(line) - len(line.lstrip())]
    return (place[0], indent.index("\t") + 1) if "\t" in indent else None


def _inside(place: Place, lines: Sequence[str]) -> Place:
    """The place, moved to the end of the last line with text when it is behind the file."""
    line, column = place
    if line <= len(lines) and (lines[line - 1].strip() or column > 1):
        return place
    last = min(line, len(lines))
    while last > 1 and not lines[last - 1].strip():
        last -= 1
    return last, len(lines[last - 1].rstrip()) + 1
