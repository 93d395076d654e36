"""A folder in which one process keeps what must outlive it."""

import fcntl
import os
from pathlib import Path

from modelwatch.problems import ModelwatchError


class InUse(ModelwatchError):  # noqa: N818  # reads as what happened
    """Another process keeps its counts in the same folder."""


def take(folder: Path) -> int:
    """A descriptor of the folder, made where it is not there; it is ours until that is closed.

    Raises:
        OSError: the folder cannot be read or made.
        InUse: another process has it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    taken = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(taken, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(taken)
        raise InUse(f"{folder} is in use by another exporter") from None
    return taken
