"""Server-sent events: the `data` of each, from bytes that arrive in any cut.

Source: the section "Server-sent events" of the HTML standard. Two things differ from it: text that
is no UTF-8 is an error rather than a replacement character, because a probe should notice, and an
event whose lines are complete counts at the end of the stream also without the empty line.
"""

import re
from collections.abc import Iterable, Iterator

# A carriage return at the end of what is there may be half of a line end.
_LINE_END = re.compile(rb"\r\n|\n|\r(?=[\s\S])")


def events(pieces: Iterable[bytes]) -> Iterator[str]:
    """The data of each event as soon as its last byte is there.

    Raises:
        ValueError: a line is no UTF-8.
    """
    collected: list[str] = []
    for line in _lines(pieces):
        name, _, value = line.partition(":")
        if line and name == "data":
            collected.append(value.removeprefix(" "))
        elif not line and collected:
            yield "\n".join(collected)
            collected = []
    if collected:
        yield "\n".join(collected)


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    """Complete lines; what follows the last line end is dropped."""
    buffer = bytearray()
    searched = 0  # no line ends before here, so that a long line is not searched again and again
    first = True
    for piece in pieces:
        buffer += piece
        while ending := _LINE_END.search(buffer, searched):
            line = buffer[: ending.start()].decode("utf-8")
            del buffer[: ending.end()]
            searched = 0
            yield line.removeprefix("\ufeff") if first else line
            first = False
        searched = max(0, len(buffer) - 1)
    if buffer.endswith(b"\r"):
        yield buffer[:-1].decode("utf-8")
