"""Keeps counts on disk: a snapshot, and a journal of every batch since.

A record is its length, a checksum, a number that rises by one, the ids of its events, and its
counts. What is written survives the end of this process at once, and a power failure once it is
synchronised, which happens within a second. A record that was cut short ends its file: it was never
answered. A new snapshot is complete before the journal it replaces is deleted; what both hold is
told by the number.
"""

import logging
import os
import struct
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from zlib import crc32

from exporters.base import own_folder

_LOG = logging.getLogger(__name__)
_HEADER = struct.Struct("<IIQI")  # length of what follows, checksum, number, ids
_SNAPSHOT = "snapshot"
_JOURNAL = "journal-"

_JOINED_BYTES = 1 << 20
"""Up to here a record is written at once."""

MOST_JOURNAL_BYTES = 32 << 20
"""When the journal is longer, a snapshot is made and it begins anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One batch, or everything so far: its number, the ids counted, the counts as written."""

    number: int
    ids: Sequence[int]
    counts: bytes


class Journal:
    """The files of one folder, of which this process is the only user.

    Raises:
        OSError: the folder cannot be read or made.
        InUse: another process has it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = own_folder.take(folder)
        self._file: int | None = None
        self._end = 0
        self._number = 0
        self.bytes = 0

    def close(self) -> None:
        """Let go of the folder."""
        self._close_file()
        os.close(self._lock)

    def entries(self) -> Iterator[Entry]:
        """The snapshot and all batches after it, in order."""
        for path in (self._folder / _SNAPSHOT, *self._journals()):
            if not path.exists():
                continue
            for entry in _entries(path):
                if entry.number > self._number:
                    self._number = entry.number
                    yield entry
        self.bytes = sum(path.stat().st_size for path in self._journals())

    @property
    def snapshot_bytes(self) -> int:
        """Size of the snapshot, 0 before the first."""
        path = self._folder / _SNAPSHOT
        return path.stat().st_size if path.exists() else 0

    def append(self, ids: Sequence[int], counts: bytes) -> None:
        """Add a batch; it survives the end of the process from now on.

        Raises:
            OSError: it could not be written, and is not in the journal.
        """
        file = self._begun() if self._file is None else self._file
        try:
            length = _write(file, Entry(number=self._number + 1, ids=ids, counts=counts))
        except OSError:
            self._cut_off(file)
            raise
        self._number += 1
        self._end += length
        self.bytes += length

    def unsynced(self) -> int | None:
        """A descriptor of the file, for the caller to synchronise and close; None without one.

        It is another one, so that this can take long while batches are appended.
        """
        return None if self._file is None else os.dup(self._file)

    def rotate(self) -> int:
        """Go on in a new file; returns the number of the last batch before it."""
        self._close_file()
        self.bytes = 0
        return self._number

    def replace(self, entry: Entry) -> None:
        """Make `entry` the snapshot, and delete the batches it holds.

        Raises:
            OSError: it could not be written; the old one and all batches are still there.
        """
        new = self._folder / f"{_SNAPSHOT}.new"
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            _write(file, entry)
            os.fsync(file)
        except OSError:
            new.unlink()
            raise
        finally:
            os.close(file)
        new.replace(self._folder / _SNAPSHOT)
        os.fsync(self._lock)
        for path in self._journals():
            if _first_number(path) <= entry.number:
                path.unlink()

    def _journals(self) -> list[Path]:
        return sorted(self._folder.glob(f"{_JOURNAL}*"))

    def _begun(self) -> int:
        # Named after its first batch: files sort in order. One of that name holds no whole batch.
        path = self._folder / f"{_JOURNAL}{self._number + 1:016d}"
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        self._file, self._end = file, 0
        os.fsync(self._lock)
        return file

    def _cut_off(self, file: int) -> None:
        """Take back half a record; where that fails the rest goes to another file."""
        try:
            os.ftruncate(file, self._end)
        except OSError:
            self._close_file()

    def _close_file(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _write(file: int, entry: Entry) -> int:
    """Write a record; returns its length."""
    ids = entry.ids if isinstance(entry.ids, array) else array("Q", entry.ids)
    parts = (memoryview(ids).cast("B"), memoryview(entry.counts))  # not joined: ids can be many
    length = sum(map(len, parts))
    head = _HEADER.pack(length, 0, entry.number, len(ids))
    checksum = reduce(lambda sum_, part: crc32(part, sum_), parts, crc32(head))
    head = _HEADER.pack(length, checksum, entry.number, len(ids))
    small = length < _JOINED_BYTES
    for part in (b"".join((head, *parts)),) if small else (head, *parts):
        rest = memoryview(part)
        while rest:
            rest = rest[os.write(file, rest) :]
    return len(head) + length


def _entries(path: Path) -> Iterator[Entry]:
    with path.open("rb") as file:
        while head := file.read(_HEADER.size):
            if len(head) < _HEADER.size:
                break
            length, checksum, number, amount = _HEADER.unpack(head)
            body = file.read(length)
            if crc32(body, crc32(_HEADER.pack(length, 0, number, amount))) != checksum:
                break
            ids = array("Q", body[: 8 * amount])
            yield Entry(number=number, ids=ids, counts=body[8 * amount :])
        else:
            return
    _LOG.warning("%s ends in half a record, which was never answered: it is left out", path.name)


def _first_number(path: Path) -> int:
    return int(path.name.removeprefix(_JOURNAL))
