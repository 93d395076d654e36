"""Rows of NDJSON: an object per line, or an observation as the exporter is sent it."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from exporters.drift.rows.batch import ROWS, Batch, Mistakes, short
from exporters.drift.rows.lines import Line
from modelwatch.problems import Place

_OF_AN_OBSERVATION = ("score", "predicted", "label", "time")
"""What is read beside the features of an observation."""


def read(lines: Iterator[Line], mistakes: Mistakes) -> Iterator[Batch]:
    """Batches of values; a key that a row does not have is missing there."""
    rows: list[tuple[Line, dict[str, Any]]] = []
    for line in lines:
        if not line.text.strip():
            continue
        row = _row(line, mistakes)
        if row is None:
            continue
        rows.append((line, row))
        if len(rows) == ROWS:
            yield _batch(rows)
            rows = []
    if rows:
        yield _batch(rows)


def _row(line: Line, mistakes: Mistakes) -> dict[str, Any] | None:
    advice = "write an object with a value per column on each line"
    try:
        row = json.loads(line.text)
    except json.JSONDecodeError as error:
        mistakes.add((line.number, error.pos + 1), "this is no JSON", advice)
        return None
    except (ValueError, RecursionError):  # a number of thousands of digits, or thousands of lists
        mistakes.add((line.number, 1), "this is too large to be a value", advice)
        return None
    if not isinstance(row, dict):
        mistakes.add((line.number, 1), "the line is no object", advice)
        return None
    features = row.get("features")
    if isinstance(features, dict):
        row = {**features, **{key: row[key] for key in _OF_AN_OBSERVATION if key in row}}
    for name in row:
        if not name.strip() or not name.isprintable():
            mistakes.add(
                _place(line, name), f"'{short(ascii(name))}' is no name of a column", "rename it"
            )
            return None
    return row


def _batch(rows: Sequence[tuple[Line, dict[str, Any]]]) -> Batch:
    names = dict.fromkeys(name for _, row in rows for name in row)
    return Batch(
        columns={name: [row.get(name) for _, row in rows] for name in names},
        rows=len(rows),
        typed=True,
        place=lambda row, name: _place(rows[row][0], name),
    )


def _place(line: Line, name: str) -> Place:
    at = line.text.find(json.dumps(name, ensure_ascii=False))
    return line.number, max(at, 0) + 1
