"""Files of rows that a user names, or standard input."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from modelwatch.problems import ModelwatchError


@contextmanager
def opened(path: str) -> Iterator[tuple[str, BinaryIO]]:
    """What problems call the file, and its bytes.

    Raises:
        ModelwatchError: it cannot be read.
    """
    if path == "-":
        yield "<stdin>", sys.stdin.buffer
        return
    try:
        with Path(path).open("rb") as stream:
            yield path, stream
    except OSError as failure:
        raise ModelwatchError(f"cannot read {path}: {failure.strerror}") from failure
