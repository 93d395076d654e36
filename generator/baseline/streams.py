"""Files of rows that a user names, or standard input."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from modelwatch.problems import ModelwatchError


@contextmanager
def opened(path: str) -> Iterator[tuple[str, io.BufferedReader]]:
    """What problems call the file, and its bytes.

    Raises:
        ModelwatchError: it cannot be read.
    """
    if path == "-":
        stream = sys.stdin.buffer
        if not isinstance(stream, io.BufferedReader):  # a test's
            stream = io.BufferedReader(cast("io.RawIOBase", stream))
        yield "<stdin>", stream
        return
    try:
        with Path(path).open("rb") as stream:
            yield path, stream
    except OSError as failure:
        raise ModelwatchError(f"cannot read {path}: {failure.strerror}") from failure
