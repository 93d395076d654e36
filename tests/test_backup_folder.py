"""A folder of data at every moment at which a backup or restore of it can be killed."""

import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from compose.backup import folder as backup_folder
from compose.backup.folder import FROZEN, STAGED

OLD = {"wal/1": "old", "wal/2": "old", "index": "old"}
NEW = {"wal/1": "new", "block/chunks/1": "new"}


class Killed(BaseException):
    """What a command that is killed does next: nothing."""


def tree(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def fill(folder: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def roots(tmp_path: Path) -> list[Path]:
    """Three parts with old data, of which the last has none, and new data staged."""
    found = [tmp_path / "prometheus", tmp_path / "state" / "quality", tmp_path / "alertmanager"]
    for root in found:
        fill(root / STAGED / "new", NEW)
    for root in found[:2]:
        fill(root, OLD)
    return found


@contextmanager
def killed_at(number: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Ends at this rename, before it is made."""
    count = itertools.count()
    rename = Path.rename

    def counted(path: Path, target: Path) -> Path:
        if next(count) == number:
            raise Killed
        return rename(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", counted)
        yield


def test_a_swap_that_is_killed_anywhere_is_finished_by_the_next_start(
    roots: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = False
    for number in range(100):
        fresh = tmp_path / str(number)
        again = [fresh / root.relative_to(tmp_path) for root in roots]
        for root, source in zip(again, roots, strict=True):
            fill(root, tree(source))
        try:
            with killed_at(number, monkeypatch):
                backup_folder.swap_all(fresh, again)
            ended = True
        except Killed:
            backup_folder.finish(fresh)
        for root in again:
            backup_folder.forget(root)
            assert tree(root) == NEW, number
        assert not (fresh / backup_folder.BEGUN).exists()
        if ended:
            break
    assert ended
    assert number > 10


def test_a_swap_that_fails_anywhere_can_be_undone(
    roots: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [tree(root) for root in roots]
    for number in range(100):
        try:
            with killed_at(number, monkeypatch):
                backup_folder.swap_all(tmp_path, roots)
        except Killed:
            for root, texts in zip(roots, before, strict=True):
                backup_folder.undo(root)
                assert tree(root) == {k: v for k, v in texts.items() if STAGED not in k}, number
                fill(root, texts)
        else:
            break
    assert number > 10


def test_what_the_new_servers_wrote_goes_when_the_old_data_comes_back(roots: list[Path]) -> None:
    for root in roots:
        backup_folder.swap(root)
        assert {name: text for name, text in tree(root).items() if name in NEW} == NEW
        fill(root, {"lock": "", "wal/3": "later", "snapshot": "later"})
        backup_folder.undo(root)
    assert [tree(root) for root in roots] == [OLD, OLD, {}]


def test_the_secret_of_this_machine_stays_and_is_not_copied(tmp_path: Path) -> None:
    fill(tmp_path, {"grafana.db": "old", "admin-password": "mine"})
    backup_folder.freeze(tmp_path, tmp_path / FROZEN)
    assert tree(tmp_path / FROZEN) == {"grafana.db": "old"}
    fill(tmp_path / STAGED / "new", {"grafana.db": "new"})
    backup_folder.swap(tmp_path)
    backup_folder.forget(tmp_path)
    assert tree(tmp_path) == {"grafana.db": "new", "admin-password": "mine"}


def test_a_frozen_copy_has_what_matters_and_does_not_change(tmp_path: Path) -> None:
    block = "01J00000000000000000000000"
    kept = {
        f"{block}/chunks/000001": "samples",
        f"{block}/index": "index",
        f"{block}/meta.json": "meta",
        f"{block}/tombstones": "",
        "chunks_head/000001": "head",
        "wal/00000003": "log",
        "wal/checkpoint.00000002/00000000": "checkpoint",
        "silences": "silences",
        "journal-0000000000000001": "counts",
        "snapshot": "counts",
    }
    passing = {
        "lock": "",
        "queries.active": "x",
        f"{block}.tmp-for-deletion/index": "x",
        "wal/checkpoint.00000003.tmp/00000000": "x",
        "snapshot.new": "half",
    }
    fill(tmp_path, {**kept, **passing})
    (tmp_path / "wal" / "link").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe")
    backup_folder.freeze(tmp_path, tmp_path / FROZEN)
    assert tree(tmp_path / FROZEN) == kept
    linked = {name for name in kept if (tmp_path / FROZEN / name).stat().st_nlink == 2}
    assert linked == {name for name in kept if "/" in name} - {
        f"{block}/meta.json",
        f"{block}/tombstones",
    }
    # What stays open for writing is a file of its own, however it is written.
    with (tmp_path / "journal-0000000000000001").open("a") as journal:
        journal.write("later")
    (tmp_path / "wal" / "00000003").unlink()
    assert tree(tmp_path / FROZEN) == kept


def test_a_file_system_without_links_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    fill(tmp_path, OLD)
    monkeypatch.setattr(os, "link", refuse)
    backup_folder.freeze(tmp_path, tmp_path / FROZEN)
    assert tree(tmp_path / FROZEN) == OLD


def test_a_file_that_goes_while_it_is_copied_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, {"journal-1": "counts", "snapshot": "counts"})
    copy = shutil.copyfile

    def gone(source: Path, target: Path) -> object:
        if source.name == "journal-1":
            source.unlink()
        return copy(source, target)

    monkeypatch.setattr(shutil, "copyfile", gone)
    backup_folder.freeze(tmp_path, tmp_path / FROZEN)
    assert tree(tmp_path / FROZEN) == {"snapshot": "counts"}
