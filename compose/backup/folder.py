"""What a backup does with one folder of data: freeze a copy, list it, put other data in its place.

Run as `python -m compose.backup.folder` inside a container that has the volume of a server.
"""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

CHUNK = 1 << 20
OURS = ".modelwatch-"
FROZEN = f"{OURS}backup"
STAGED = f"{OURS}restore"
SWAPPING = f"{OURS}restoring"
"""Staged data goes by this name once it is complete: from then on a swap is finished."""

BEGUN = "restoring.json"
"""In the data folder: the roots that are being swapped."""

_NEVER_REWRITTEN = {"chunks", "wal", "wbl", "chunks_head"}
"""Folders of a stopped Prometheus; after a start it only adds files to them and deletes some."""

_OF_THE_PROCESS = {"lock", "queries.active", "lost+found", "log"}
_STAYS = {"admin-password"}
"""Secrets of this machine: they go into no backup, and stay where they are."""
_UNFINISHED = (".tmp", ".new", ".tmp-for-creation", ".tmp-for-deletion")


def freeze(source: Path, into: Path) -> None:
    """A copy that does not change any more, made of hard links where files are never rewritten.

    In the order of names, which is right for the journal of a quality exporter that goes on
    meanwhile: what a snapshot has replaced is copied before the snapshot.
    """
    for path in sorted(_files(source)):
        relative = path.relative_to(source)
        target = into / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            _link_or_copy(path, target, _is_final(relative))
        except FileNotFoundError:  # deleted meanwhile: what replaces it comes later
            target.unlink(missing_ok=True)


def listing(folder: Path) -> Iterator[tuple[str, int, str]]:
    """Path, size and SHA-256 of every file."""
    for path in sorted(_files(folder)):
        sum_, size = hashlib.sha256(), 0
        with path.open("rb") as file:
            while piece := file.read(CHUNK):
                sum_.update(piece)
                size += len(piece)
        yield path.relative_to(folder).as_posix(), size, sum_.hexdigest()


def has_data(folder: Path) -> bool:
    """Whether there is anything to lose."""
    return next(_files(folder), None) is not None


def _files(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = [one for one in folders if not _passing(one)]
        for name in names:
            path = Path(root, name)
            if not _passing(name) and path.is_file() and not path.is_symlink():
                yield path


def _passing(name: str) -> bool:
    passing = name in _OF_THE_PROCESS or name in _STAYS or name.startswith(OURS)
    return passing or name.endswith(_UNFINISHED)


def _is_final(relative: Path) -> bool:
    return bool(_NEVER_REWRITTEN & set(relative.parts[:-1])) or relative.name == "index"


def _link_or_copy(path: Path, target: Path, final: bool) -> None:
    if final:
        try:
            os.link(path, target)
        except FileNotFoundError:
            raise
        except OSError:  # another file system, or one without links
            pass
        else:
            return
    shutil.copyfile(path, target)


def swap(root: Path) -> None:
    """Put what is staged in the place of what is there; finishes what was interrupted.

    What was there is kept until `forget`, or until `undo` puts it back.
    """
    staged, swapping = root / STAGED, root / SWAPPING
    if staged.is_dir():
        _settle(root)
        shutil.rmtree(swapping, ignore_errors=True)
        (staged / "old").mkdir(exist_ok=True)
        staged.rename(swapping)
    _settle(root)


def _settle(root: Path) -> None:
    swapping = root / SWAPPING
    if (swapping / "new").is_dir():
        _move(root, swapping / "old")
        (swapping / "new").rename(swapping / "rest")
    if (swapping / "rest").is_dir():
        _move(swapping / "rest", root)


def undo(root: Path) -> None:
    """What was there before `swap`, as it was."""
    swapping = root / SWAPPING
    if (swapping / "new").is_dir():
        (swapping / "new").rename(swapping / "dropped")
    if (swapping / "rest").is_dir():
        _move(root, swapping / "rest")
        (swapping / "rest").rename(swapping / "dropped")
    if (swapping / "old").is_dir():
        _move(swapping / "old", root)
    forget(root)


def swap_all(data_dir: Path, roots: Sequence[Path]) -> None:
    """Swap them all; once begun, `finish` ends it in the next command if this one is killed.

    Raises:
        OSError: one could not be swapped; `undo` all.
    """
    begun = data_dir / BEGUN
    new = begun.with_suffix(".new")
    new.write_text(json.dumps([str(root) for root in roots]))
    new.replace(begun)
    for root in roots:
        swap(root)
    begun.unlink()


def finish(data_dir: Path) -> None:
    """End a restore that was killed between the first part and the last."""
    begun = data_dir / BEGUN
    if begun.exists():
        for root in json.loads(begun.read_text()):
            swap(Path(root))
            forget(Path(root))
        begun.unlink()


def forget(root: Path) -> None:
    """Nothing of a backup or restore is left beside the data; a swap that had begun is finished."""
    _settle(root)
    for name in (FROZEN, STAGED, SWAPPING):
        shutil.rmtree(root / name, ignore_errors=True)


def _move(source: Path, target: Path) -> None:
    for child in sorted(source.iterdir()):
        if not child.name.startswith(OURS) and child.name not in _STAYS:
            child.rename(target / child.name)


def main(what: str, root: Path, inside: str) -> None:
    """One step on a volume; `inside` is the folder of it that has the data, or a dot."""
    if what == "freeze":
        forget(root)
        freeze(root / inside, root / FROZEN)
    elif what == "list":
        for row in listing(root / FROZEN):
            sys.stdout.write(f"{json.dumps(row)}\n")
    elif what == "has-data":
        sys.stdout.write(json.dumps(has_data(root / inside)))
    else:
        {"swap": swap, "undo": undo, "forget": forget}[what](root)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
