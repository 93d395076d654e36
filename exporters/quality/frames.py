"""Tables as libraries save them: CSV, JSON in each order that pandas writes, JSON lines."""

import csv
import io
from collections.abc import Container, Iterator
from typing import Any

from exporters.quality.events import Refused, Score
from exporters.quality.results import MOST_FILE_BYTES, loaded, scored

Row = dict[str, Any]

MOST_COLUMNS = 1000

_WORDS = {"true": True, "false": False, "pass": True, "fail": False, "none": None, "null": None}
"""Cells that are a verdict in words, or nothing."""

_ROW_NUMBERS = ("", "index", "Unnamed: 0")
"""Columns that pandas adds on its own."""


def rows(body: bytes) -> list[Row]:
    """The rows of a table.

    Raises:
        Refused: it is none.
    """
    begin = body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    found = _of_json(body) if begin in (b"{", b"[") else list(_of_csv(body))
    if not found:
        raise Refused("missing_field", "the table has no rows")
    names = set[str]()
    for row in found:
        names.update(row)
        if len(names) > MOST_COLUMNS:
            raise Refused("malformed", f"the table has more than {MOST_COLUMNS} columns")
    return found


def scores(
    table: list[Row], besides: Container[str], evaluator: str
) -> Iterator[tuple[int, Score | Refused]]:
    """A score for each number in the table; columns of texts, and those `besides`, are left out.

    A column of numbers has gaps where an evaluator failed: these are refused one by one.
    """
    names = dict.fromkeys(name for row in table for name in row)
    wanted = [
        name
        for name in names
        if name not in besides
        and name not in _ROW_NUMBERS
        and _is_of_numbers([row.get(name) for row in table])
    ]
    for place, row in enumerate(table, 1):
        for name in wanted:
            yield place, scored(name, number(row.get(name)), evaluator=evaluator)


def number(cell: object) -> object:
    """A number or a verdict that is written as text, as in CSV; anything else as it is."""
    if not isinstance(cell, str):
        return cell
    word = cell.strip().lower()
    if word in _WORDS:
        return _WORDS[word]
    try:
        return float(word)
    except ValueError:
        return cell


def _is_of_numbers(cells: list[object]) -> bool:
    """At least half of what is there: an answer may happen to be a number, a score is no text."""
    filled = [number(cell) for cell in cells if cell is not None]
    return 2 * sum(isinstance(cell, int | float) for cell in filled) >= len(filled)


def json_lines(body: bytes) -> list[Any]:
    """The values of a file with one JSON value per line."""
    return [loaded(line) for line in body.split(b"\n") if line.strip()]


def _of_json(body: bytes) -> list[Row]:
    try:
        found = loaded(body)
    except Refused:
        return [_row(one) for one in json_lines(body)]
    if isinstance(found, list):
        return [_row(one) for one in found]
    parts = found.get("data")
    names = found.get("columns")
    if isinstance(parts, list) and isinstance(names, list):  # orient="split"
        keys = [str(name) for name in names]
        return [_row(dict(zip(keys, one, strict=False))) for one in parts if isinstance(one, list)]
    if isinstance(parts, list):  # orient="table"
        return [_row(one) for one in parts]
    columns = {name: one for name, one in found.items() if isinstance(one, dict)}
    if not columns or len(columns) < len(found):  # one line
        return [_row(found)]
    places = dict.fromkeys(place for one in columns.values() for place in one)
    return [{name: one.get(place) for name, one in columns.items()} for place in places]


def _row(found: object) -> Row:
    if not isinstance(found, dict):
        raise Refused("wrong_type", "a row of a table is an object")
    return found


def _of_csv(body: bytes) -> Iterator[Row]:
    csv.field_size_limit(MOST_FILE_BYTES)  # cells hold whole prompts; the file is bounded
    try:
        lines = csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        for row in lines:
            yield {name: cell or None for name, cell in row.items() if name is not None}
    except (UnicodeDecodeError, csv.Error):
        raise Refused("malformed", "the file is no CSV, or no UTF-8") from None
