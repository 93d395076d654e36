"""A generated tree is written whole or not at all, and nothing of anybody else is touched."""

import errno
import json
import resource
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from generator import tree
from modelwatch.problems import ModelwatchError

OLD = {"rules/a.yml": "a: 1\n", "rules/b.yml": "b: 1\n", "boards/x/one.json": "{}\n"}
NEW = {"rules/a.yml": "a: 2\n", "rules/c.yml": "c: 1\n", "runbooks/new/A.md": "# A\n"}
"""Against `OLD`: one changed, two created (one in a folder of its own), two removed."""


def snapshot(root: Path) -> dict[str, str]:
    """Every file and folder below the root: folders end with a slash."""
    return {
        f"{path.relative_to(root)}{'/' if path.is_dir() else ''}": (
            "" if path.is_dir() else path.read_text(encoding="utf-8")
        )
        for path in sorted(root.rglob("*"))
    }


def files_in(root: Path) -> dict[str, str]:
    """What a reader of the tree sees, without our own list of files."""
    return {
        name: text
        for name, text in snapshot(root).items()
        if not name.endswith("/") and name != tree.MANIFEST
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree as an earlier run left it."""
    path = tmp_path / "out"
    tree.write(path, OLD)
    return path


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """The kernel refuses to write more, as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_tree_is_written_where_there_was_none(tmp_path: Path) -> None:
    done = tree.write(tmp_path / "deep/out", OLD)
    assert files_in(tmp_path / "deep/out") == OLD
    assert done == tree.Change(created=tuple(OLD), changed=(), removed=())


def test_a_second_run_writes_what_changed_and_removes_what_is_gone(root: Path) -> None:
    done = tree.write(root, NEW)
    assert files_in(root) == NEW
    assert done.created == ("rules/c.yml", "runbooks/new/A.md")
    assert done.changed == ("rules/a.yml",)
    assert done.removed == ("boards/x/one.json", "rules/b.yml")


def test_folders_that_become_empty_go_with_all_their_files(root: Path) -> None:
    tree.write(root, {**OLD, "boards/x/two.json": "{}\n", "boards/y/three.json": "{}\n"})
    tree.write(root, {"rules/a.yml": "a: 1\n"})
    assert set(snapshot(root)) == {tree.MANIFEST, "rules/", "rules/a.yml"}


def test_a_run_that_changes_nothing_writes_nothing(root: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (root, *root.rglob("*"))}
    assert not tree.write(root, OLD)
    assert {path: path.stat().st_mtime_ns for path in (root, *root.rglob("*"))} == before


def test_files_of_the_users_stay_and_keep_their_folder(root: Path) -> None:
    (root / "boards/x/mine.json").write_text("mine")
    (root / "notes.txt").write_text("notes")
    tree.write(root, {"rules/a.yml": "a: 1\n"})
    assert files_in(root) == {
        "rules/a.yml": "a: 1\n",
        "boards/x/mine.json": "mine",
        "notes.txt": "notes",
    }


def test_a_generated_file_that_the_user_deleted_comes_back(root: Path) -> None:
    (root / "rules/a.yml").unlink()
    assert tree.write(root, OLD).created == ("rules/a.yml",)
    assert files_in(root) == OLD


def test_a_generated_file_that_was_edited_by_hand_is_written_again(root: Path) -> None:
    (root / "rules/a.yml").write_text("edited")
    assert tree.write(root, OLD).changed == ("rules/a.yml",)
    assert files_in(root) == OLD


@pytest.mark.parametrize("with_manifest", [True, False], ids=["later", "at first"])
def test_a_foreign_file_in_the_way_is_refused_and_nothing_is_written(
    tmp_path: Path, with_manifest: bool
) -> None:
    root = tmp_path / "out"
    root.mkdir()
    if with_manifest:
        tree.write(root, OLD)
    (root / "rules").mkdir(exist_ok=True)
    (root / "rules/c.yml").write_text("mine")
    before = snapshot(root)
    with pytest.raises(ModelwatchError, match=r"out/rules/c\.yml is in the way"):
        tree.write(root, NEW)
    assert snapshot(root) == before


@pytest.mark.parametrize(
    ("path", "make"),
    [
        ("rules/c.yml", Path.mkdir),
        ("runbooks", Path.touch),
        ("rules/c.yml", lambda path: path.write_bytes(b"\xff\xfe\x00")),
    ],
    ids=["a folder", "a file instead of a folder", "a binary file"],
)
def test_what_is_no_text_file_in_the_way_is_told(
    root: Path, path: str, make: Callable[[Path], object]
) -> None:
    make(root / path)
    with pytest.raises(ModelwatchError, match=f"cannot read .*{path}.*: [A-Za-z]") as told:
        tree.write(root, NEW)
    assert "Errno" not in str(told.value)
    assert (root / "rules/a.yml").read_text() == "a: 1\n"


# Failures: the old tree stays whole.


def test_a_full_disk_leaves_the_old_tree_whole(root: Path) -> None:
    before = snapshot(root)
    with (
        no_file_larger_than(1000),
        pytest.raises(ModelwatchError, match=r"cannot write .*out: File too large"),
    ):
        tree.write(root, {**NEW, "rules/large.yml": "x" * 5000})
    assert snapshot(root) == before


def test_a_disk_too_full_to_keep_the_old_files_leaves_them_whole(tmp_path: Path) -> None:
    root = tmp_path / "out"
    large = {**OLD, "rules/b.yml": "x" * 5000}
    tree.write(root, large)
    before = snapshot(root)
    with no_file_larger_than(1000), pytest.raises(ModelwatchError, match="cannot write"):
        tree.write(root, {**large, "rules/a.yml": "a: 2\n", "rules/b.yml": "b: 2\n"})
    assert snapshot(root) == before


STEPS = range(1, 7)
"""Two files removed, three written and the manifest: each can be the one that fails."""


def failing_at(step: int, failure: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the file system refuse one change of the tree, counted over removals and renames."""
    count = 0
    unlink, replace = Path.unlink, Path.replace

    def counted() -> None:
        nonlocal count
        count += 1
        if count == step:
            raise failure

    def no_unlink(path: Path, missing_ok: bool = False) -> None:
        counted()
        unlink(path, missing_ok)

    def no_replace(path: Path, target: Path) -> Path:
        counted()
        return replace(path, target)

    monkeypatch.setattr(Path, "unlink", no_unlink)
    monkeypatch.setattr(Path, "replace", no_replace)


@pytest.mark.parametrize("step", STEPS)
def test_a_rename_that_fails_half_way_puts_everything_back(
    root: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = snapshot(root)
    failing_at(step, OSError(errno.EIO, "Input/output error"), monkeypatch)
    with pytest.raises(ModelwatchError, match=r"cannot write .*out: Input/output error"):
        tree.write(root, NEW)
    assert snapshot(root) == before


@pytest.mark.parametrize("step", STEPS)
def test_an_interrupt_half_way_puts_everything_back(
    root: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = snapshot(root)
    failing_at(step, KeyboardInterrupt(), monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        tree.write(root, NEW)
    assert snapshot(root) == before


def test_there_are_as_many_steps_as_are_tried(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing_at(STEPS.stop, OSError(errno.EIO, "not reached"), monkeypatch)
    assert tree.write(root, NEW)


@pytest.mark.parametrize("path", ["file/out", "file"])
def test_a_path_that_cannot_be_written_is_told(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelwatchError, match="Not a directory"):
        tree.write(tmp_path / path, NEW)
    assert (tmp_path / "file").read_text() == "in the way"


# The list of our files comes from the disk: it is believed only as far as it can do no harm.


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "5",
        "null",
        "{}",
        '"rules/a.yml"',
        "[1]",
        "[null]",
        '[["rules/a.yml"]]',
        "[" * 100_000,
        '[""]',
        '["."]',
        '["a\\u0000b"]',
        '["\\ud800"]',
        '["../precious.txt"]',
        '["rules/../../precious.txt"]',
        '["{tmp}/precious.txt"]',
        '["//{tmp}/precious.txt"]',
    ],
    ids=lambda text: text[:30],
)
@pytest.mark.parametrize("act", [tree.write, tree.change, tree.difference])
def test_a_damaged_list_of_files_is_told_and_nothing_is_removed(
    root: Path, text: str, act: Callable[[Path, Mapping[str, str]], object]
) -> None:
    precious = root.parent / "precious.txt"
    precious.write_text("precious")
    (root / tree.MANIFEST).write_text(text.replace("{tmp}", str(root.parent)))
    before = snapshot(root)
    with pytest.raises(ModelwatchError, match=r"\.modelwatch-files\.json is damaged; "):
        act(root, NEW)
    assert precious.read_text() == "precious"
    assert snapshot(root) == before


def test_a_list_that_is_no_text_is_told(root: Path) -> None:
    (root / tree.MANIFEST).write_bytes(b"\xff\xff")
    with pytest.raises(ModelwatchError, match="it is no text in UTF-8"):
        tree.change(root, NEW)


def test_a_list_that_names_itself_does_no_harm(root: Path) -> None:
    (root / tree.MANIFEST).write_text(json.dumps([*OLD, tree.MANIFEST]))
    tree.write(root, NEW)
    assert files_in(root) == NEW
    assert json.loads((root / tree.MANIFEST).read_text()) == sorted(NEW)


# Links: the tree itself may be one; nothing is written or removed through one below it.


@pytest.mark.parametrize("removed", [True, False], ids=["to remove", "to change"])
def test_nothing_is_changed_behind_a_folder_that_is_a_link(root: Path, removed: bool) -> None:
    elsewhere = root.parent / "elsewhere"
    (root / "rules").rename(elsewhere)
    (root / "rules").symlink_to(elsewhere)
    files = {"boards/x/one.json": "{}\n"} if removed else {**OLD, "rules/a.yml": "a: 2\n"}
    with pytest.raises(ModelwatchError, match="out/rules is in the way"):
        tree.write(root, files)
    assert snapshot(elsewhere) == {"a.yml": "a: 1\n", "b.yml": "b: 1\n"}


@pytest.mark.parametrize("target", ["precious.txt", "nothing.txt"], ids=["file", "dangling"])
@pytest.mark.parametrize("name", ["rules/a.yml", "rules/c.yml", tree.MANIFEST])
def test_a_link_instead_of_a_file_is_not_followed(root: Path, name: str, target: str) -> None:
    (root.parent / "precious.txt").write_text("[]")
    (root / name).unlink(missing_ok=True)
    (root / name).symlink_to(root.parent / target)
    with pytest.raises(ModelwatchError, match="is in the way"):
        tree.write(root, NEW)
    assert (root / name).is_symlink()
    assert (root.parent / "precious.txt").read_text() == "[]"
    assert not (root.parent / "nothing.txt").exists()


def test_the_output_directory_may_be_a_link(root: Path) -> None:
    link = root.parent / "link"
    link.symlink_to(root)
    tree.write(link, NEW)
    assert files_in(root) == NEW
    assert link.is_symlink()


# Comparing.


def test_comparing_writes_nothing(root: Path) -> None:
    before = snapshot(root)
    assert tree.change(root, NEW)
    assert tree.difference(root, NEW)
    assert snapshot(root) == before


def test_a_difference_reads_as_a_diff(root: Path) -> None:
    assert tree.difference(root, {**OLD, "rules/a.yml": "a: 2\n"}).splitlines() == [
        "--- rules/a.yml (on disk)",
        "+++ rules/a.yml (new)",
        "@@ -1 +1 @@",
        "-a: 1",
        "+a: 2",
    ]


def test_a_difference_tells_new_and_removed_files(root: Path) -> None:
    lines = tree.difference(root, NEW).splitlines()
    assert "+c: 1" in lines
    assert "-b: 1" in lines
    assert tree.difference(root, OLD) == ""


def test_a_long_difference_is_cut_and_says_so(root: Path) -> None:
    text = "".join(f"line {number}\n" for number in range(1000))
    lines = tree.difference(root, {**OLD, "long.txt": text}).splitlines()
    assert len(lines) == tree.DIFF_LINES + 1
    assert lines[-1] == "... and 803 more lines"
