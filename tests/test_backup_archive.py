"""What is written can be read; what is damaged, foreign or dangerous is refused with its reason."""

import gzip
import hashlib
import io
import json
import random
import tarfile
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from compose.backup import archive
from compose.backup.archive import File, Manifest
from modelwatch.problems import ModelwatchError

TEXTS = {
    "prometheus/wal/00000001": random.Random(7).randbytes(3000),  # noqa: S311  # compresses badly
    "prometheus/wal/checkpoint.00000001/00000000": b"",
    "state-quality/journal-0000000000000001": b"counts" * 700,
    f"inventory-file/{'mödelle ' * 30}.yaml": b"models: []\n",
}


def file(name: str, text: bytes) -> File:
    part, _, path = name.partition("/")
    return File(part=part, path=path, size=len(text), sha256=hashlib.sha256(text).hexdigest())


MANIFEST = Manifest(
    files=tuple(file(name, text) for name, text in TEXTS.items()),
    stack="native",
    made_by="modelwatch 1.0",
    time="2027-01-31T12:00:00+00:00",
    versions={"prometheus": "3.5.3"},
)


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    path = tmp_path / "whole.tar.gz"
    with path.open("wb") as target:
        archive.write(target, MANIFEST, ((one, [TEXTS[one.name]]) for one in MANIFEST.files))
    return path


def read(path: Path) -> dict[str, bytes]:
    with archive.opened(path) as (_, content):
        return {one.name: b"".join(data) for one, data in content}


def made(
    path: Path,
    *members: tuple[str, bytes],
    manifest: Any = None,
    change: Callable[[tarfile.TarInfo], object] = lambda _: None,
    form: int = tarfile.GNU_FORMAT,
) -> Path:
    """An archive by another's hand: the manifest of these members unless it is given."""
    told = manifest or asdict(replace(MANIFEST, files=tuple(file(*one) for one in members)))
    with tarfile.open(path, "w:gz", format=form) as target:
        for name, text in ((archive.MANIFEST, json.dumps(told).encode()), *members):
            member = tarfile.TarInfo(name)
            member.size = len(text)
            if name != archive.MANIFEST:
                change(member)
            target.addfile(member, io.BytesIO(text))
    return path


def refused(path: Path) -> str:
    with pytest.raises(ModelwatchError) as raised:
        archive.verify(path)
    return str(raised.value)


def test_what_was_written_is_read_byte_for_byte(whole: Path) -> None:
    assert archive.verify(whole) == MANIFEST
    assert read(whole) == TEXTS


def test_any_tar_reads_it(whole: Path) -> None:
    with tarfile.open(whole) as plain:
        assert plain.getnames() == [archive.MANIFEST, *TEXTS]


def test_a_file_that_changes_while_it_is_written_fails_the_backup() -> None:
    def content() -> Iterator[tuple[File, list[bytes]]]:
        for one in MANIFEST.files:
            yield one, [TEXTS[one.name][:-1]]

    with pytest.raises(archive.BrokenArchive, match="has not the bytes"):
        archive.write(io.BytesIO(), MANIFEST, content())


def test_no_flipped_byte_goes_unseen(whole: Path) -> None:
    good = whole.read_bytes()
    chance = random.Random(11)  # noqa: S311  # the same places each time
    for place in [
        *range(8),
        *range(len(good) - 12, len(good)),
        *chance.choices(range(len(good)), k=300),
    ]:
        bad = bytearray(good)
        bad[place] ^= 1 << chance.randrange(8)
        whole.write_bytes(bad)
        try:
            found = read(whole)
        except ModelwatchError:
            continue
        assert found == TEXTS, place  # the header of gzip has a time, which means nothing


def test_no_truncated_archive_is_believed(whole: Path) -> None:
    good = whole.read_bytes()
    for length in (0, 1, 9, 10, 11, 500, len(good) // 2, len(good) - 8, len(good) - 1):
        whole.write_bytes(good[:length])
        assert "nothing was changed" in refused(whole), length


def test_what_is_no_backup_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "x.tar.gz"
    assert "there is no" in refused(path)
    path.write_text("hello")
    assert "no backup" in refused(path)
    path.write_bytes(gzip.compress(b"hello"))
    assert "no backup" in refused(path)
    with tarfile.open(path, "w:gz", format=tarfile.GNU_FORMAT) as other:
        other.add(__file__, "something.py")
    assert "does not begin with a manifest" in refused(path)


def test_a_newer_format_is_told_with_what_to_do(tmp_path: Path) -> None:
    newer = {**asdict(MANIFEST), "format": 2, "made_by": "modelwatch 9.0", "more": []}
    text = refused(made(tmp_path / "x", manifest=newer))
    assert "modelwatch 9.0" in text
    assert "install that release" in text


@pytest.mark.parametrize(
    "manifest",
    [
        "[]",
        "{}",
        '{"format": "x"}',
        '{"format": 1}',
        '{"format": 1, "files": [1], "stack": "", "made_by": "", "time": ""}',
        '{"format": 1, "files": [], "stack": "", "made_by": "", "time": "", "other": 1}',
        '{"format": 1, "files": [], "stack": "", "made_by": "", "time": "", "versions": [1]}',
        "[" * 100_000,
    ],
)
def test_a_manifest_without_meaning_is_refused(tmp_path: Path, manifest: str) -> None:
    path = tmp_path / "x.tar.gz"
    with tarfile.open(path, "w:gz") as target:
        member = tarfile.TarInfo(archive.MANIFEST)
        member.size = len(manifest)
        target.addfile(member, io.BytesIO(manifest.encode()))
    assert "manifest cannot be understood" in refused(path)


@pytest.mark.parametrize(
    "name",
    [
        "prometheus/../../etc/passwd",
        "/etc/passwd",
        "prometheus//etc/passwd",
        "../prometheus/wal",
        "prometheus/./x",
        "prometheus/",
        "prometheus",
        "prometheus/a\\b",
        "prometheus/a\nb",
        "Prometheus/x",
        "./prometheus/x",
    ],
)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    assert "no name of a file of a backup" in refused(made(tmp_path / "x", (name, b"1")))


KINDS = {
    "a symbolic link": (tarfile.SYMTYPE, "link"),
    "a hard link": (tarfile.LNKTYPE, "link"),
    "a character device": (tarfile.CHRTYPE, "device"),
    "a block device": (tarfile.BLKTYPE, "device"),
    "a pipe": (tarfile.FIFOTYPE, "pipe"),
    "a folder": (tarfile.DIRTYPE, "folder"),
    "a sparse file": (tarfile.GNUTYPE_SPARSE, "special header"),
}


@pytest.mark.parametrize(("kind", "told"), KINDS.values(), ids=KINDS)
def test_only_regular_files_are_accepted(tmp_path: Path, kind: bytes, told: str) -> None:
    def change(member: tarfile.TarInfo) -> None:
        member.type, member.linkname = kind, "/etc/passwd"

    text = refused(made(tmp_path / "x", ("prometheus/wal/1", b""), change=change))
    assert f"no backup has a {told} such as" in text
    assert "nothing was changed" in text


def test_extended_headers_are_refused_unread(tmp_path: Path) -> None:
    def change(member: tarfile.TarInfo) -> None:
        member.pax_headers = {"comment": "x" * 1000}

    member = ("prometheus/wal/1", b"")
    path = made(tmp_path / "x", member, change=change, form=tarfile.PAX_FORMAT)
    assert "no backup has a special header" in refused(path)


def test_files_beside_the_manifest_and_missing_ones_are_refused(tmp_path: Path) -> None:
    one, two = ("prometheus/a", b"1"), ("prometheus/b", b"22")
    only_one = asdict(replace(MANIFEST, files=(file(*one),)))
    both = asdict(replace(MANIFEST, files=(file(*one), file(*two))))
    assert "'prometheus/b' is not what" in refused(
        made(tmp_path / "x", one, two, manifest=only_one)
    )
    assert "1 of 2 files are missing" in refused(made(tmp_path / "x", one, manifest=both))
    assert "comes twice" in refused(made(tmp_path / "x", one, one, manifest=only_one))
    twice = asdict(replace(MANIFEST, files=(file(*one), file(*one))))
    assert "names a file twice" in refused(made(tmp_path / "x", one, manifest=twice))


@pytest.mark.parametrize("wrong", [{"size": -1}, {"size": True}, {"size": "1"}, {"sha256": "0"}])
def test_a_size_or_checksum_that_is_none_is_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    manifest = asdict(replace(MANIFEST, files=(file("prometheus/a", b"1"),)))
    manifest["files"] = [{**manifest["files"][0], **wrong}]
    text = refused(made(tmp_path / "x", ("prometheus/a", b"1"), manifest=manifest))
    assert "manifest cannot be understood" in text or "no size or checksum" in text


def test_other_bytes_of_the_same_size_are_refused(tmp_path: Path) -> None:
    manifest = asdict(replace(MANIFEST, files=(file("prometheus/a", b"1"),)))
    text = refused(made(tmp_path / "x", ("prometheus/a", b"2"), manifest=manifest))
    assert "has not the bytes" in text


def test_what_would_unpack_to_far_more_than_it_says_is_refused_at_once(tmp_path: Path) -> None:
    """A megabyte of zeros a thousand times, first as a file, then behind the end."""
    path = tmp_path / "x.tar.gz"
    small = made(path, ("prometheus/a", b"1")).read_bytes()
    many = gzip.compress(bytes(1 << 20)) * 1000
    bomb = tarfile.TarInfo("prometheus/b")
    bomb.size = 1000 << 20
    tracemalloc.start()
    head = gzip.decompress(small).rstrip(b"\0")
    head += bytes(-len(head) % tarfile.BLOCKSIZE)
    path.write_bytes(gzip.compress(head + bomb.tobuf(tarfile.GNU_FORMAT)) + many)
    assert "'prometheus/b' is not what" in refused(path)
    path.write_bytes(small + many)
    assert "more follows after its end" in refused(path)
    assert tracemalloc.get_traced_memory()[1] < 32 << 20
    tracemalloc.stop()


def test_memory_does_not_grow_with_the_data(tmp_path: Path) -> None:
    size = 200 << 20
    piece = bytes(archive.CHUNK)
    sum_ = hashlib.sha256()
    for _ in range(size // len(piece)):
        sum_.update(piece)
    large = File(part="prometheus", path="large", size=size, sha256=sum_.hexdigest())
    path = tmp_path / "large.tar.gz"
    tracemalloc.start()
    with path.open("wb") as target:
        content = ((large, iter([piece] * (size // len(piece)))) for _ in range(1))
        archive.write(target, replace(MANIFEST, files=(large,)), content)
    archive.verify(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32 << 20
