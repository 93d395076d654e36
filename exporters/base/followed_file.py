"""A file that grows by one line per event, read to its end again and again.

How far it was read is kept together with what was counted, so that no line is lost or counted
twice, whenever this process ends. It may be rotated by renaming it or by copying and truncating
it: what was not read yet is then found beside it.
"""

import hashlib
import json
import logging
import os
import re
import stat
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

_LOG = logging.getLogger(__name__)

MOST_LINE_BYTES = 64 << 10
"""A longer line is skipped and counted as refused."""

CHUNK_BYTES = 256 << 10
"""Read and counted at once: a few thousand events, a tenth of a second."""

HEAD_BYTES = 1024
"""So much of its beginning tells a file from another one that took its place."""

QUIET_S = 2.0
"""A file that was renamed is written for a moment longer, until its writer opens the new one."""

_NUMBER = r"[.-]\d[\dT.:_-]*"
"""What rotation adds to a name: a number or a date. Compressed files cannot be gone on with."""


class Lines(Protocol):
    """Who counts the lines of a file, and keeps with its counts how far the file was read."""

    @property
    def writable(self) -> bool:
        """Whether anything can be kept now; until it can, nothing is read."""

    def mark(self, name: str) -> str:
        """The mark of this name that was kept last, or nothing."""

    def take(self, lines: Sequence[bytes | None], marks: Mapping[str, str]) -> tuple[int, str]:
        """Count lines, None for one that is too long, and keep the marks exactly when they count.

        Returns how many were refused, and why the first of them was.

        Raises:
            NotWritable: nothing can be kept now.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far a file was read. `head` stands for its first `head_bytes` bytes.

    `skipping` is true in the middle of a line that is too long.
    """

    inode: int = 0
    offset: int = 0
    head_bytes: int = 0
    head: str = ""
    skipping: bool = False


class FollowedFile:
    """One file, and those it was rotated to."""

    def __init__(
        self,
        path: Path,
        lines: Lines,
        *,
        quiet_s: float = QUIET_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path.absolute()
        self._lines, self._quiet_s, self._clock = lines, quiet_s, clock
        self._mark = f"file {self.path}"
        self._file: int | None = None
        self._at = Position()
        self._head = b""
        self._grown_s = 0.0
        self._told = ""

    def poll(self) -> bool:
        """Count the lines of one chunk.

        A file is read as soon as it is opened: it is told from another by what was read of it.
        """
        file = self._file
        if file is None:
            return self._begin() and self.poll()
        chunk = os.pread(file, CHUNK_BYTES, self._at.offset)
        if not _is_at(file, self._at):  # asked last: so the chunk is what it was thought to be
            _LOG.info("%s was cut short or written anew", self.path)
            self.close()
            return self._go_on(self._at) and self.poll()
        if self._take(file, chunk, final=False):
            self._grown_s = self._clock()
            return True
        if self._is_in_place(file) or self._clock() - self._grown_s < self._quiet_s:
            return False
        self._take(file, chunk, final=True)
        return self._next(os.fstat(file)) and self.poll()

    def close(self) -> None:
        """Let go of the file; the next `poll` begins where the counts say."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _begin(self) -> bool:
        if not self._lines.writable:  # what was read so far is not known either
            return False
        kept = self._lines.mark(self._mark)
        return self._go_on(Position(**json.loads(kept)) if kept else Position())

    def _take(self, file: int, chunk: bytes, *, final: bool) -> bool:
        """Count the lines; false where there is no whole one, and it is not `final`."""
        lines, length, skipping = split(chunk, skipping=self._at.skipping, final=final)
        if not length:
            return False
        whole = [line for line in lines if line is None or line.strip()]
        head = (self._head + chunk[:length])[:HEAD_BYTES]
        reached = Position(
            inode=os.fstat(file).st_ino,
            offset=self._at.offset + length,
            head_bytes=len(head),
            head=_digest(head),
            skipping=skipping,
        )
        refused, told = self._lines.take(whole, {self._mark: json.dumps(asdict(reached))})
        self._at, self._head = reached, head
        if refused and told != self._told:  # the same once, not each second
            self._told = told
            _LOG.warning("%s: %d lines refused: %s", self.path, refused, told)
        return True

    # Which file it is.

    def _is_in_place(self, file: int) -> bool:
        """Whether the path still leads to the open file, or to none."""
        ours = os.fstat(file)
        found = _stat(self.path)
        return found is None or (found.st_dev, found.st_ino) == (ours.st_dev, ours.st_ino)

    def _go_on(self, at: Position) -> bool:
        """Open the file that was read so far, whatever its name is now; or begin with the path."""
        found = [self.path, *self._rotated()]
        same = [path for path in found if _inode(path) == at.inode]
        for path in dict.fromkeys((*same, *found)) if at.offset else ():
            if self._open(path, at):
                return True
        if at.offset and _stat(self.path):
            _LOG.warning("%s is another file now; what was not read before is lost", self.path)
        return self._open(self.path, Position())

    def _next(self, ours: os.stat_result) -> bool:
        """Open what was written after the open file: one rotated meanwhile, or the path."""
        later = [
            path
            for path in self._rotated()
            if (other := _stat(path))
            and other.st_mtime_ns > ours.st_mtime_ns
            and other.st_ino != ours.st_ino
            and not _has_head(path, self._at)
        ]
        self.close()
        return self._open(later[0] if later else self.path, Position())

    def _rotated(self) -> list[Path]:
        """Files beside it that it was rotated to, oldest first."""
        stem, suffix = re.escape(self.path.stem), re.escape(self.path.suffix)
        pattern = re.compile(f"{stem}{suffix}{_NUMBER}|{stem}{_NUMBER}{suffix}")
        found = [
            (state.st_mtime_ns, path)
            for path in self.path.parent.iterdir()
            if pattern.fullmatch(path.name) and (state := _stat(path))
        ]
        return [path for _, path in sorted(found)]

    def _open(self, path: Path, at: Position) -> bool:
        """Go on with a file at a position; false where it is not the file, or none."""
        try:
            file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        if not stat.S_ISREG(os.fstat(file).st_mode) or not _is_at(file, at):
            os.close(file)
            return False
        self._file, self._at, self._grown_s = file, at, self._clock()
        self._head = os.pread(file, at.head_bytes, 0)
        return True


def split(chunk: bytes, *, skipping: bool, final: bool) -> tuple[list[bytes | None], int, bool]:
    """The whole lines of a chunk, None for one that is too long.

    Also how many bytes they took, and whether the chunk ends within a line that is too long; with
    `skipping` it begins in one. The last line needs no end when it is `final`.
    """
    begin = 0
    if skipping:
        begin = chunk.find(b"\n") + 1
        if not begin:
            return [], len(chunk), not final
    end = chunk.rfind(b"\n", begin) + 1 or begin
    whole = chunk[begin:end].split(b"\n")[:-1]
    lines = [line if len(line) <= MOST_LINE_BYTES else None for line in whole]
    if len(chunk) - end > MOST_LINE_BYTES:
        return [*lines, None], len(chunk), not final
    if final and end < len(chunk):
        return [*lines, chunk[end:]], len(chunk), False
    return list(lines), end, False


def _is_at(file: int, at: Position) -> bool:
    """Whether the file is as long as was read of it, and begins as it did."""
    if not at.offset:
        return True
    head = os.pread(file, at.head_bytes, 0)
    return os.fstat(file).st_size >= at.offset and _digest(head) == at.head


def _digest(head: bytes) -> str:
    return hashlib.blake2b(head, digest_size=16).hexdigest()


def _has_head(path: Path, at: Position) -> bool:
    with path.open("rb") as file:
        return _digest(file.read(at.head_bytes)) == at.head


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None  # it is not there, or just being renamed


def _inode(path: Path) -> int:
    found = _stat(path)
    return found.st_ino if found else 0
