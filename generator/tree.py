"""Writing a generated tree: whole or not at all, ours only, and comparing without writing."""

import contextlib
import difflib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from modelwatch.problems import ModelwatchError

MANIFEST = ".modelwatch-files.json"
"""Lists what the last run wrote, so that the next one removes what is gone and nothing else."""

DIFF_LINES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How a tree on disk differs from what would be written, by path."""

    created: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.created or self.changed or self.removed)


def change(root: Path, files: Mapping[str, str]) -> Change:
    """What writing the files would do."""
    old = {path: _text(root / path) for path in {*_written(root), *files}}
    return Change(
        created=tuple(path for path in files if old[path] is None),
        changed=tuple(path for path, text in files.items() if old[path] not in {None, text}),
        removed=tuple(
            path for path in sorted(_written(root)) if path not in files and old[path] is not None
        ),
    )


def write(root: Path, files: Mapping[str, str]) -> Change:
    """Write the files below `root`. On any failure the old tree is left as it was.

    Raises:
        ModelwatchError: a file that we did not write is in the way, or the disk refused.
    """
    planned = change(root, files)
    manifest = json.dumps(sorted(files), indent=1) + "\n"
    if not planned and _text(root / MANIFEST) == manifest:
        return planned
    if foreign := _foreign(root, planned):
        raise ModelwatchError(
            f"{foreign} is in the way and was not written by modelwatch; "
            "move it or choose another output directory"
        )
    updates = {path: files[path] for path in (*planned.created, *planned.changed)}
    updates[MANIFEST] = manifest
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _staging(root) as staging:
            _write_all(staging / "new", updates)
            _swap(root, staging, tuple(updates), planned.removed)
    except OSError as failure:
        raise ModelwatchError(f"cannot write {root}: {failure.strerror}") from failure
    return planned


def difference(root: Path, files: Mapping[str, str]) -> str:
    """A readable unified diff between the disk and the files; empty when they are the same."""
    planned = change(root, files)
    lines = [
        line
        for path in sorted((*planned.created, *planned.changed, *planned.removed))
        for line in _diff(path, _text(root / path) or "", files.get(path, ""))
    ]
    if len(lines) > DIFF_LINES:
        hidden = len(lines) - DIFF_LINES
        lines = [*lines[:DIFF_LINES], f"... and {hidden} more lines"]
    return "\n".join(lines)


def _diff(path: str, old: str, new: str) -> Iterator[str]:
    return difflib.unified_diff(
        old.splitlines(), new.splitlines(), f"{path} (on disk)", f"{path} (new)", "", "", 2, ""
    )


def _foreign(root: Path, planned: Change) -> Path | None:
    """What is not ours and would be overwritten, or led through to a place outside the tree."""
    for path in sorted(set(planned.changed) - _written(root)):
        return root / path
    for path in (*planned.created, *planned.changed, *planned.removed, MANIFEST):
        for step in (root / path, *(root / path).parents):
            if step == root:
                break
            if step.is_symlink():
                return step
    return None


def _written(root: Path) -> set[str]:
    text = _text(root / MANIFEST)
    if text is None:
        return set()
    try:
        paths = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        paths = None
    if not isinstance(paths, list) or not all(map(_inside, paths)):
        raise ModelwatchError(
            f"{root / MANIFEST} is damaged; generate into another directory, or restore it"
        )
    return set(paths)


def _inside(path: object) -> bool:
    """Whether this can be the path of a file below the tree, whoever wrote it."""
    if not isinstance(path, str) or not path.isprintable():
        return False
    parts = PurePosixPath(path)
    return bool(parts.parts) and not parts.is_absolute() and ".." not in parts.parts


def _text(path: Path) -> str | None:
    """What the file says; None where there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError as failure:
        raise ModelwatchError(f"cannot read {path}: {failure.strerror}") from failure
    except UnicodeDecodeError:
        raise ModelwatchError(f"cannot read {path}: it is no text in UTF-8") from None


@contextlib.contextmanager
def _staging(root: Path) -> Iterator[Path]:
    """A directory beside the files, on the same disk, so that a rename is enough."""
    path = Path(tempfile.mkdtemp(prefix=".modelwatch-", dir=root))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _write_all(directory: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _swap(root: Path, staging: Path, updated: tuple[str, ...], removed: tuple[str, ...]) -> None:
    """Rename the new files over the old ones; put the old ones back if anything fails."""
    old = staging / "old"
    for name in (*updated, *removed):
        _keep(root / name, old / name)
    done: list[str] = []
    try:
        for name in removed:
            done.append(name)
            (root / name).unlink()
        for name in updated:
            done.append(name)
            _replace(staging / "new" / name, root / name)
    except BaseException:  # an interrupt must not leave half of each tree either
        for name in done:
            _restore(old / name, root / name)
            _remove_empty((root / name).parent, root)
        raise
    for name in removed:
        _remove_empty((root / name).parent, root)


def _keep(path: Path, copy: Path) -> None:
    if path.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)


def _replace(source: Path, destination: Path) -> None:
    destination.parent.mkdir(parents=True, exist_ok=True)
    source.replace(destination)


def _restore(kept: Path, path: Path) -> None:
    with contextlib.suppress(OSError):  # the others must be put back as well
        if kept.exists():
            _replace(kept, path)
        else:
            path.unlink(missing_ok=True)


def _remove_empty(directory: Path, root: Path) -> None:
    """Remove the directory and those above it that hold nothing; a file of anyone keeps them."""
    with contextlib.suppress(OSError):
        while directory != root:
            directory.rmdir()
            directory = directory.parent
