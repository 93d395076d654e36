"""Lines of a stream as text."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from exporters.drift.rows.batch import Mistakes

_LONGEST = 4_000_000


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its end, and which it is, from 1."""

    number: int
    text: str


def lines(stream: BinaryIO, mistakes: Mistakes) -> Iterator[Line]:
    """Every line that is text.

    Raises:
        InventoryError: the stream has no lines, or is in another encoding altogether.
    """
    for number, content in enumerate(iter(lambda: stream.readline(_LONGEST), b""), 1):
        line = content
        if number == 1:
            if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                raise mistakes.stop((1, 1), "the file is written in UTF-16", "save it as UTF-8")
            line = content.removeprefix(codecs.BOM_UTF8)
        if len(content) == _LONGEST and not content.endswith(b"\n"):
            raise mistakes.stop(
                (number, 1),
                f"the line has more than {_LONGEST // 1_000_000} MB",
                "check that it is CSV, NDJSON or Parquet",
            )
        try:
            yield Line(number, line.decode())
        except UnicodeDecodeError as error:
            column = len(line[: error.start].decode()) + 1
            mistakes.add(
                (number, column),
                "this byte is not part of any UTF-8 text",
                "save the file as UTF-8",
            )
