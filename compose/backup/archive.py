"""The file of a backup: a gzipped tar that begins with its manifest and holds nothing beyond it.

The manifest names every file with its size and SHA-256, so an archive is believed or refused before
anything is changed, and what unpacks to more than it says is refused at the first byte too many.
Only regular files with plain names are written and read: no links, devices or folders, and no
extended headers, which could fill the memory. Of a file of any size a megabyte is held at a time.
"""

import gzip
import hashlib
import json
import re
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from modelwatch.problems import ModelwatchError

FORMAT = 1
MANIFEST = "modelwatch-backup.json"
CHUNK = 1 << 20
LEVEL = 3
"""Prometheus' samples are compressed already: more effort saves little and takes long."""

_MOST_MANIFEST = 16 << 20
_MOST_NAME = 1024
_PART = re.compile(r"[a-z][a-z0-9_-]{0,60}")
_SEGMENT = re.compile(r"(?!\.\.?$)[^\x00-\x1f\x7f/\\]{1,255}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_KINDS = {
    tarfile.SYMTYPE: "link",
    tarfile.LNKTYPE: "link",
    tarfile.CHRTYPE: "device",
    tarfile.BLKTYPE: "device",
    tarfile.FIFOTYPE: "pipe",
    tarfile.DIRTYPE: "folder",
}


class BrokenArchive(ModelwatchError):  # noqa: N818  # reads as what happened
    """The file is no backup, or not a whole one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of a part, such as Prometheus' data; `path` is relative to the part."""

    part: str
    path: str
    size: int
    sha256: str

    @property
    def name(self) -> str:
        """Its name in the archive."""
        return f"{self.part}/{self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is in a backup, by whom and of what; `pause_s` is how long Prometheus stood still."""

    files: tuple[File, ...]
    stack: str
    made_by: str
    time: str
    pause_s: float = 0.0
    versions: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def parts(self) -> dict[str, int]:
        """Bytes by part."""
        found: dict[str, int] = {}
        for one in self.files:
            found[one.part] = found.get(one.part, 0) + one.size
        return found


Content = Iterable[tuple[File, Iterable[bytes]]]
"""Files with their bytes, in any order."""


def write(file: BinaryIO, manifest: Manifest, content: Content) -> None:
    """Write the archive; nothing is left out and nothing differs from the manifest.

    Raises:
        BrokenArchive: a file is not what the manifest says.
    """
    head = json.dumps(asdict(manifest), indent=1).encode()
    if len(head) > _MOST_MANIFEST:
        raise BrokenArchive(f"{len(manifest.files)} files are more than a backup can list")
    files = ((_header(one.name, one.size), data) for one, data in checked(manifest, content))
    with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=LEVEL, mtime=0, filename="") as gz:
        for piece in packed([(_header(MANIFEST, len(head)), [head])], end=False):
            gz.write(piece)
        for piece in packed(files):
            gz.write(piece)


def packed(
    members: Iterable[tuple[tarfile.TarInfo, Iterable[bytes]]], *, end: bool = True
) -> Iterator[bytes]:
    """The bytes of a tar; each member must have as many as its header says."""
    for header, content in members:
        yield header.tobuf(tarfile.GNU_FORMAT)
        yield from content
        yield bytes(-header.size % tarfile.BLOCKSIZE)
    if end:
        yield bytes(2 * tarfile.BLOCKSIZE)


def checked(manifest: Manifest, content: Content) -> Iterator[tuple[File, Iterator[bytes]]]:
    """The files as they come, until one is not what the manifest says; at the end none is missing.

    The bytes of each must be taken before the next.
    """
    missing = {one.name: one for one in manifest.files}
    for found, data in content:
        if missing.pop(found.name, None) != found:
            raise BrokenArchive(f"{found.name} is not what the manifest says, or comes twice")
        yield found, _checked(found, data)
    if missing:
        raise BrokenArchive(
            f"{len(missing)} of {len(manifest.files)} files are missing, such as {min(missing)}"
        )


def _checked(file: File, data: Iterable[bytes]) -> Iterator[bytes]:
    left, sum_ = file.size, hashlib.sha256()
    for piece in data:
        left -= len(piece)
        if left < 0:
            break
        sum_.update(piece)
        yield piece
    if left or sum_.hexdigest() != file.sha256:
        raise BrokenArchive(f"{file.name} has not the bytes that the manifest says")


@contextmanager
def opened(path: Path) -> Iterator[tuple[Manifest, Content]]:
    """The manifest, and the files as they are read and checked.

    Raises:
        BrokenArchive: at once or while reading: it is no backup, or damaged; says how.
        ModelwatchError: it cannot be read, or a newer modelwatch wrote it.
    """
    try:
        with path.open("rb") as file, gzip.GzipFile(fileobj=file, mode="rb") as plain:
            stream = cast("BinaryIO", plain)
            with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Member) as archive:
                manifest = _manifest(archive)
                yield manifest, checked(manifest, _files(archive, manifest, stream))
    except FileNotFoundError as failure:
        raise ModelwatchError(f"there is no {path}") from failure
    except BrokenArchive as failure:
        raise BrokenArchive(f"{path}: {failure}; nothing was changed") from failure
    except (gzip.BadGzipFile, EOFError, zlib.error, tarfile.TarError) as failure:
        raise BrokenArchive(
            f"{path} is damaged or no backup: {failure}; nothing was changed"
        ) from failure


def verify(path: Path, told: Callable[[int], object] = lambda _: None) -> Manifest:
    """Read all of it; returns the manifest when every byte is as it says.

    Raises:
        ModelwatchError: it is not; says why.
    """
    with opened(path) as (manifest, content):
        for _, data in content:
            for piece in data:
                told(len(piece))
        return manifest


def _files(
    archive: tarfile.TarFile, manifest: Manifest, stream: BinaryIO
) -> Iterator[tuple[File, Iterator[bytes]]]:
    known = {one.name: one for one in manifest.files}
    while member := archive.next():
        file = known.get(member.name)
        if file is None or member.size != file.size:
            raise BrokenArchive(f"'{member.name}' is not what the manifest says")
        yield file, _pieces(archive, member)
    _read_out(stream)


def _pieces(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[bytes]:
    data = archive.extractfile(member)
    while data and (piece := data.read(CHUNK)):
        yield piece


def _read_out(stream: BinaryIO) -> None:
    """To the checksum at the very end; there is nothing but padding before it."""
    padding = stream.read(CHUNK)
    if padding.strip(b"\0") or stream.read(1):
        raise BrokenArchive("more follows after its end")


def _manifest(archive: tarfile.TarFile) -> Manifest:
    first = archive.next()
    if first is None or first.name != MANIFEST or first.size > _MOST_MANIFEST:
        raise BrokenArchive("it is no backup of modelwatch: it does not begin with a manifest")
    text = b"".join(_pieces(archive, first))
    try:
        found: dict[str, Any] = json.loads(text)
        if (number := int(found["format"])) > FORMAT:
            raise ModelwatchError(
                f"it was written by a newer modelwatch ({found['made_by']}, format {number}; this "
                f"one reads {FORMAT}); install that release to restore it"
            )
        manifest = Manifest(**{**found, "files": tuple(File(**one) for one in found["files"])})
        _refuse_odd(manifest)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as failure:
        raise BrokenArchive(f"its manifest cannot be understood: {failure}") from failure
    return manifest


def _refuse_odd(manifest: Manifest) -> None:
    """Every field of a file has the type and shape that it was written with."""
    for one in manifest.files:
        if not (_PART.fullmatch(one.part) and all(map(_SEGMENT.fullmatch, one.path.split("/")))):
            raise BrokenArchive(f"'{one.name}' is no name of a file of a backup")
        if type(one.size) is not int or one.size < 0 or not _SHA256.fullmatch(one.sha256):
            raise BrokenArchive(f"'{one.name}' has no size or checksum")
    if len({one.name for one in manifest.files}) < len(manifest.files):
        raise BrokenArchive("its manifest names a file twice")
    float(manifest.pause_s)
    {str(name): str(version) for name, version in manifest.versions.items()}


def _header(name: str, size: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size, header.mode = size, 0o600
    return header


class _Member(tarfile.TarInfo):
    """A header as the library reads it, unless it is of a kind that we never write."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_Member":
        member = super().frombuf(buf, encoding, errors)
        long_name = member.type == tarfile.GNUTYPE_LONGNAME and 0 <= member.size <= _MOST_NAME
        if not (long_name or (member.type == tarfile.REGTYPE and member.size >= 0)):
            kind = _KINDS.get(member.type, "special header")
            raise BrokenArchive(f"no backup has a {kind} such as '{member.name}'")
        return member
