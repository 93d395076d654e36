"""Which kind of file it is, told by how it begins."""

import gzip
import io
import zlib
from collections.abc import Iterator
from typing import cast

from exporters.drift.rows import of_csv, of_json, of_parquet
from exporters.drift.rows.batch import Batch, Mistakes
from exporters.drift.rows.lines import lines
from modelwatch.problems import ModelwatchError

_GZIP = b"\x1f\x8b"


def batches(path: str, stream: io.BufferedReader, mistakes: Mistakes) -> Iterator[Batch]:
    """The rows of CSV, NDJSON or Parquet, gzipped or not; `path` is what problems call it.

    Raises:
        InventoryError: something is wrong that there is no reading around.
        ModelwatchError: it is cut short, or pyarrow is needed.
    """
    source = stream
    if source.peek(2).startswith(_GZIP):
        unpacked = gzip.GzipFile(fileobj=source)
        source = io.BufferedReader(cast("io.RawIOBase", unpacked))
    try:
        begin = source.peek(8)
        if begin.startswith(b"PAR1"):
            yield from of_parquet.read(path, source, mistakes)
        elif begin.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"{", b"[")):
            yield from of_json.read(lines(source, mistakes), mistakes)
        else:
            yield from of_csv.read(lines(source, mistakes), mistakes)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ModelwatchError(f"{path} is damaged or cut short: it is no whole gzip") from error
