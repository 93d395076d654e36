"""Rows of CSV: a line of names, then values parted by commas, semicolons or tabs, as names are."""

import csv
from collections.abc import Iterator, Sequence
from itertools import chain

from exporters.drift.rows.batch import ROWS, Batch, Mistakes, short
from exporters.drift.rows.lines import Line
from modelwatch.problems import Place

_DELIMITERS = ",;\t"


def read(lines: Iterator[Line], mistakes: Mistakes) -> Iterator[Batch]:
    """Batches of text; empty fields are missing.

    Raises:
        InventoryError: names are there twice, or lines are no CSV.
    """
    records = _records(lines, mistakes)
    first = next(records, None)
    if first is None:
        raise mistakes.stop((1, 1), "the file is empty", "check that it is the right one")
    names = _names(first, mistakes)
    rows: list[_Record] = []
    for record in records:
        if len(record.fields) != len(names):
            mistakes.add(
                record.at(0),
                f"the row has {len(record.fields)} fields, and {len(names)} names are given",
                "check its quotes and commas",
            )
            continue
        rows.append(record)
        if len(rows) == ROWS:
            yield _batch(names, rows)
            rows = []
    if rows:
        yield _batch(names, rows)


class _Record:
    """The fields of a row, and the lines that it was read from."""

    __slots__ = ("delimiter", "fields", "line", "raw")

    def __init__(self, fields: list[str], line: int, raw: str, delimiter: str) -> None:
        self.fields, self.line, self.raw, self.delimiter = fields, line, raw, delimiter

    def at(self, index: int) -> Place:
        """Where a field begins."""
        fields, quoted, begin = 0, False, 0
        while fields < index:
            quoted ^= self.raw[begin] == '"'
            fields += self.raw[begin] == self.delimiter and not quoted
            begin += 1
        before = self.raw[:begin].split("\n")
        return self.line + len(before) - 1, len(before[-1]) + 1


def _records(lines: Iterator[Line], mistakes: Mistakes) -> Iterator[_Record]:
    """Every row that is not empty; a field in quotes may go on over several lines."""
    begun = next((line for line in lines if line.text.strip()), None)
    if begun is None:
        return
    delimiter = max(_DELIMITERS, key=begun.text.count)
    taken: list[Line] = []

    def texts() -> Iterator[str]:
        for line in chain((begun,), lines):
            taken.append(line)
            yield line.text

    reader = csv.reader(texts(), delimiter=delimiter, strict=True)
    while True:
        taken.clear()
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error:
            line = taken[0].number if taken else begun.number
            raise mistakes.stop(
                (line, 1), "the row that begins here is no CSV", "check its quotes and line ends"
            ) from None
        if fields:
            raw = "".join(line.text for line in taken)
            yield _Record(fields, taken[0].number, raw, delimiter)


def _names(record: _Record, mistakes: Mistakes) -> Sequence[str]:
    names = [name.strip() for name in record.fields]
    for index, name in enumerate(names):
        if name and name in names[:index]:
            mistakes.add(
                record.at(index), f"the column '{short(name)}' is there twice", "rename one of both"
            )
    mistakes.report.raise_if_any()
    return names


def _batch(names: Sequence[str], rows: Sequence[_Record]) -> Batch:
    columns = zip(*(row.fields for row in rows), strict=True)
    return Batch(
        columns={
            name: [text or None for text in column]
            for name, column in zip(names, columns, strict=True)
            if name
        },
        rows=len(rows),
        typed=False,
        place=lambda row, name: rows[row].at(names.index(name)),
    )
