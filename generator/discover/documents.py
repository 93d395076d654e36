"""YAML that others wrote: every document of a file or folder, and what could not be read."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from modelwatch.loading import load_all
from modelwatch.problems import InventoryError, ModelwatchError
from modelwatch.tree import Block

_ENDINGS = (".yaml", ".yml", ".json")
_MOST = 2000
"""Files of a folder that are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """The documents, each with the path of its file."""

    blocks: tuple[tuple[str, Block], ...]
    remarks: tuple[str, ...]
    files: int


def documents_at(where: str) -> Read:
    """Every document under the path.

    Raises:
        ModelwatchError: there is no such file.
    """
    blocks: list[tuple[str, Block]] = []
    remarks: list[str] = []
    files = list(_files(Path(where)))
    for path in files:
        try:
            read = load_all(str(path), path.read_bytes())
        except InventoryError as failure:
            # Without the line itself, which may hold a secret.
            remarks += [str(problem) for problem in failure.problems]
            if b"{{" in path.read_bytes():
                remarks.append(f"{path} looks like a template: write it with `helm template` first")
            continue
        except OSError as failure:
            remarks.append(f"{path}: cannot be read: {failure.strerror}")
            continue
        remarks += [str(problem) for problem in read.report.found]
        blocks += [(str(path), block) for block in read.roots]
    return Read(blocks=tuple(blocks), remarks=tuple(remarks), files=len(files))


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    if not path.is_dir():
        raise ModelwatchError(f"there is no file or folder {path}")
    found = sorted(file for file in path.rglob("*") if file.suffix in _ENDINGS and file.is_file())
    if len(found) > _MOST:
        raise ModelwatchError(f"{path} has {len(found)} files of YAML; name a smaller folder")
    yield from found
