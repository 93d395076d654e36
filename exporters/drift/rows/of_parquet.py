"""Rows of Parquet, with pyarrow, which is an extra."""

import io
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any, BinaryIO

from exporters.drift.rows.batch import ROWS, Batch, Mistakes, short
from modelwatch.problems import ModelwatchError, Place


def read(path: str, stream: BinaryIO, mistakes: Mistakes) -> Iterator[Batch]:
    """Batches of values.

    Raises:
        ModelwatchError: pyarrow is not there, or cannot read the file.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415  # an extra
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise ModelwatchError(
            f"{path} is Parquet, which needs pyarrow: pip install 'modelwatch[parquet]'"
        ) from None
    source = stream if stream.seekable() else io.BytesIO(stream.read())
    try:
        file = parquet.ParquetFile(source)
        names = file.schema_arrow.names
        for index, name in enumerate(names):
            if name in names[:index]:
                message = f"the column '{short(name)}' is there twice"
                mistakes.add((1, index + 1), message, "rename one of both")
        mistakes.report.raise_if_any()
        yield from _batches(file.iter_batches(batch_size=ROWS), names)
    except pa.ArrowException as error:
        reason = str(error).splitlines()[0]
        raise ModelwatchError(f"{path} cannot be read as Parquet: {reason}") from error


def _batches(found: Iterator[Any], names: list[str]) -> Iterator[Batch]:
    before = 1
    for batch in found:
        columns = {
            name: [_plain(value) for value in column] for name, column in batch.to_pydict().items()
        }
        yield Batch(
            columns=columns,
            rows=batch.num_rows,
            typed=True,
            place=partial(_place, names, before),
        )
        before += batch.num_rows


def _place(names: list[str], before: int, row: int, name: str) -> Place:
    return before + row, names.index(name) + 1


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date | datetime) else value
