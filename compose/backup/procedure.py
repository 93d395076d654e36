"""Backup and restore of a stack, however it runs: what is copied, checked, replaced, and when.

How the data is reached is known to a `Side`: folders of this machine, or containers' volumes.
"""

import fcntl
import hashlib
import itertools
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from compose.backup import archive
from compose.backup.archive import Content, File, Manifest
from modelwatch import __version__
from modelwatch.problems import ModelwatchError

CONFIG = "config"
INVENTORY = "inventory-file"
STATE = "state-"
"""Begins the part of an exporter; servers are parts by their own names."""

_SPARE_BYTES = 64 << 20


class Side(Protocol):
    """A stack of which there can be a backup. Parts are named as in the archive."""

    @property
    def kind(self) -> str:
        """`native` or `containers`."""

    def versions(self) -> Mapping[str, str]:
        """Releases of the servers, by part."""

    def freeze(self) -> float:
        """Keep a copy of all data as it is now; returns how long Prometheus stood still."""

    def listing(self) -> Iterator[File]:
        """What the copy holds."""

    def content(self, files: Sequence[File]) -> Content:
        """The bytes of the copy."""

    def has_data(self, part: str) -> bool | None:
        """Whether restoring the part would overwrite something; None where it cannot be put."""

    def room(self) -> int | None:
        """Bytes that can be staged; None when nobody knows."""

    def stage(self, part: str, content: Content) -> None:
        """Write a part beside the data."""

    def replace(self, parts: Sequence[str]) -> bool:
        """Put what is staged in place, all or nothing; whether servers were started again."""

    def forget(self) -> None:
        """Remove every copy beside the data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """How slow work is told: sentences, and a bar of so many bytes, moved by what it gives."""

    say: Callable[[str], object]
    bar: Callable[[str, int], AbstractContextManager[Callable[[int], object]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What became of a backup: bytes by part, parts that found no place, and what to look at."""

    manifest: Manifest
    parts: Mapping[str, int]
    left_out: tuple[str, ...]
    started: bool


def make(
    side: Side, target: Path, *, data_dir: Path, inventory: Path, force: bool, voice: Voice
) -> Manifest:
    """Write everything into `target`, which is whole or not there.

    Raises:
        ModelwatchError: it exists, nothing is there to back up, or it could not be written.
    """
    if target.exists() and not force:
        raise ModelwatchError(f"{target} is already there; choose another name, or add --force")
    if not target.parent.is_dir():
        raise ModelwatchError(f"there is no folder {target.parent}")
    with _alone(data_dir):
        try:
            own = _own_files(data_dir, inventory)
            pause_s = side.freeze()
            if pause_s:
                voice.say(f"Prometheus stood still for {pause_s:.1f} s; it runs again")
            manifest = Manifest(
                files=(*_described(own), *side.listing()),
                stack=side.kind,
                made_by=f"modelwatch {__version__}",
                time=datetime.now(UTC).isoformat(timespec="seconds"),
                pause_s=round(pause_s, 3),
                versions=dict(side.versions()),
            )
            copies = manifest.files[len(own) :]
            if not copies:
                raise ModelwatchError(f"there is no data of {inventory} to back up")
            with voice.bar("writing", sum(manifest.parts.values())) as told:
                content = itertools.chain(
                    ((one, [own[one.name]]) for one in _described(own)), side.content(copies)
                )
                _write(target, manifest, _counted(content, told))
        except OSError as failure:
            raise ModelwatchError(
                f"cannot copy {failure.filename}: {failure.strerror}; nothing was written"
            ) from failure
        finally:
            side.forget()
    return manifest


def restore(side: Side, source: Path, *, data_dir: Path, force: bool, voice: Voice) -> Restored:
    """Put the data of a backup in the place of what is there.

    Nothing is changed before every byte of it is checked and written beside the data.

    Raises:
        ModelwatchError: it is not whole, or there is data and no `force`; nothing was changed. Or
            the servers did not start with it; the old data is back.
    """
    manifest = check(source, voice)
    found = {part: side.has_data(part) for part in manifest.parts}
    parts = [part for part, known in found.items() if known is not None]
    if not parts:
        raise ModelwatchError(f"nothing of {source} has a place in this stack")
    if (taken := [part for part in parts if found[part]]) and not force:
        raise ModelwatchError(
            f"there is data that would be overwritten: {', '.join(taken)}; "
            "back it up first, then add --force"
        )
    for line in newer(manifest, side.versions()):
        voice.say(f"note: {line}")
    with _alone(data_dir):
        size = sum(manifest.parts[part] for part in parts)
        room = side.room()
        if room is not None and room < size + _SPARE_BYTES:
            raise ModelwatchError(
                f"{amount(size)} are needed beside the data, and {amount(room)} are free"
            )
        try:
            side.forget()  # what a killed command has left
            _stage(side, source, manifest, parts, voice)
            started = side.replace(parts)
        except OSError as failure:
            raise ModelwatchError(
                f"cannot write beside the data: {failure.strerror}; nothing was replaced"
            ) from failure
        finally:
            side.forget()
    return Restored(
        manifest=manifest,
        parts={part: manifest.parts[part] for part in parts},
        left_out=tuple(part for part in manifest.parts if part not in {*parts, CONFIG, INVENTORY}),
        started=started,
    )


def check(source: Path, voice: Voice) -> Manifest:
    """The manifest of an archive of which every byte was compared with it.

    Raises:
        ModelwatchError: it is damaged, foreign or of a newer release.
    """
    with archive.opened(source) as (manifest, content):
        with voice.bar("checking", sum(manifest.parts.values())) as told:
            for _, data in content:
                for piece in data:
                    told(len(piece))
        return manifest


def inventory_in(source: Path) -> bytes:
    """The inventory that an archive, which was checked, was made of."""
    with archive.opened(source) as (_, content):
        return next(b"".join(data) for one, data in content if one.part == INVENTORY)


def newer(manifest: Manifest, versions: Mapping[str, str]) -> list[str]:
    """Parts that a newer release wrote than is here, in words."""
    return [
        f"{part} {theirs} wrote this, and {versions[part]} is here: an older release may not "
        "read what a newer one wrote"
        for part, theirs in manifest.versions.items()
        if part in versions and _number(theirs) > _number(versions[part]) > ()
    ]


def amount(size: int) -> str:
    """A size as people write it."""
    number = float(size)
    for unit in ("B", "KiB", "MiB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} GiB"


def _stage(
    side: Side, source: Path, manifest: Manifest, parts: Sequence[str], voice: Voice
) -> None:
    with archive.opened(source) as (again, content):
        if again != manifest:
            raise ModelwatchError(f"{source} was changed meanwhile; nothing was replaced")
        with voice.bar("unpacking", sum(manifest.parts.values())) as told:
            for part, files in itertools.groupby(content, key=lambda one: one[0].part):
                counted = _counted(files, told)
                if part in parts:
                    side.stage(part, counted)
                else:
                    for _, data in counted:
                        for _ in data:
                            """Every byte is read, so that the next file begins."""


def _own_files(data_dir: Path, inventory: Path) -> dict[str, bytes]:
    """The inventory and what was generated from it: small, and the same however the stack runs."""
    found = {f"{INVENTORY}/{inventory.name}": inventory.read_bytes()} if inventory.exists() else {}
    for path in sorted((data_dir / CONFIG).rglob("*")):
        if path.is_file():
            found[f"{CONFIG}/{path.relative_to(data_dir / CONFIG).as_posix()}"] = path.read_bytes()
    return found


def _described(own: Mapping[str, bytes]) -> tuple[File, ...]:
    return tuple(
        File(
            part=name.partition("/")[0],
            path=name.partition("/")[2],
            size=len(text),
            sha256=hashlib.sha256(text).hexdigest(),
        )
        for name, text in own.items()
    )


def _counted(content: Content, told: Callable[[int], object]) -> Content:
    for file, data in content:
        yield file, _told(data, told)


def _told(data: Iterable[bytes], told: Callable[[int], object]) -> Iterator[bytes]:
    for piece in data:
        told(len(piece))
        yield piece


def _write(target: Path, manifest: Manifest, content: Content) -> None:
    """Beside the target, for its owner only; it gets its name when it is whole and on disk."""
    beside = target.with_name(f".{target.name}.partial")
    try:
        beside.unlink(missing_ok=True)  # of a run that was killed
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            archive.write(file, manifest, content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    except OSError as failure:
        raise ModelwatchError(
            f"cannot write {target}: {failure.strerror}; nothing of it is left"
        ) from failure
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """One backup or restore of a stack at a time; `up` and `down` go on meanwhile."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "backup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ModelwatchError(
                f"another backup or restore is at work in {data_dir}; wait until it has ended"
            ) from None
        yield


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:2]))
