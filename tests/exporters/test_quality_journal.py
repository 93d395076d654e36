import errno
import json
import os
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from exporters.base.own_folder import InUse
from exporters.quality.events import Score
from exporters.quality.journal import Entry, Journal
from exporters.quality.tally import OtherFormat
from modelwatch.catalogue import quality
from tests.exporters.quality_ledgers import Books, score
from tests.inventory_texts import ROOT

KILLS = 6
BATCH = 10


@contextmanager
def opened(folder: Path, most_journal_bytes: int = 1 << 20) -> Iterator[Books]:
    books = Books(folder, most_journal_bytes=most_journal_bytes)
    try:
        yield books
    finally:
        books.ledger.stop()


def judged(books: Books) -> float:
    found = books.samples(quality.QUALITY_JUDGEMENTS_TOTAL)
    return float(sum(found.values()))


def page(books: Books) -> dict[str, object]:
    books.settle()
    return {
        metric.name: books.all_samples(metric)
        for metric in (
            quality.QUALITY_JUDGEMENTS_TOTAL,
            quality.QUALITY_DISTRIBUTION,
            quality.QUALITY_SCORE,
            quality.QUALITY_SAMPLES,
            quality.QUALITY_EVALUATOR_INFO,
            quality.QUALITY_LAST_EVALUATION,
            quality.QUALITY_REJECTED_TOTAL,
            quality.FEEDBACK_TOTAL,
            quality.FEEDBACK_RATING,
        )
    }


def some(number: int) -> list[dict[str, Any]]:
    return [
        score(number % 10 / 10, id=f"{number}", evaluator="judge", version=f"v{number % 3}"),
        score(9),
        {"model": "chat", "kind": "feedback", "vote": "up", "rating": 0.5, "id": f"{number}"},
    ]


@pytest.mark.parametrize("most_journal_bytes", [1 << 20, 1], ids=["journal", "snapshots"])
def test_a_restart_changes_nothing(tmp_path: Path, most_journal_bytes: int) -> None:
    with opened(tmp_path, most_journal_bytes=most_journal_bytes) as books:
        for number in range(20):
            books.receipt(some(number))
            books.ledger.work()
        before = page(books)
    assert (tmp_path / "snapshot").exists() == (most_journal_bytes == 1)
    with opened(tmp_path) as books:
        assert page(books) == before
        assert books.receipt(some(7)) | {"reasons": []} == {
            "accepted": 0,
            "duplicates": 2,
            "rejected": 1,
            "reasons": [],
        }
        assert books.receipt(some(20))["accepted"] == 2


def test_two_processes_never_count_in_one_folder(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(InUse, match="in use by another exporter"):
        Books(tmp_path)
    with opened(tmp_path) as books:
        assert books.receipt(score())["accepted"] == 1


def test_a_record_cut_short_at_any_byte_is_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "whole"
    sizes = []
    with opened(folder) as books:
        (journal,) = folder.glob("journal-*")
        for number in range(3):
            books.receipt(score(id=str(number)))
            sizes.append(journal.stat().st_size)
    whole = journal.read_bytes()[: sizes[-1]]
    for length in range(sizes[1], sizes[2], 7):
        copy = tmp_path / str(length)
        copy.mkdir()
        (copy / journal.name).write_bytes(whole[:length])
        with opened(copy) as books:
            assert judged(books) == 2
            assert books.receipt([score(id="1"), score(id="2")])["accepted"] == 1
        with opened(copy) as books:
            assert judged(books) == 3


def test_a_damaged_byte_ends_what_is_believed(tmp_path: Path) -> None:
    with opened(tmp_path) as books:
        (journal,) = tmp_path.glob("journal-*")
        books.receipt(score(id="a"))
        size = journal.stat().st_size
        books.receipt(score(id="b"))
    damaged = bytearray(journal.read_bytes())
    damaged[size + 30] ^= 1
    journal.write_bytes(damaged)
    with opened(tmp_path) as books:
        assert judged(books) == 1


def test_what_snapshot_and_journal_both_hold_is_counted_once(tmp_path: Path) -> None:
    folder, kept = tmp_path / "state", tmp_path / "kept"
    with opened(folder, most_journal_bytes=1) as books:
        books.receipt([score(), score()])
        shutil.copytree(folder, kept)
        books.ledger.work()
        assert (folder / "snapshot").exists()
        books.receipt(score())
    for path in kept.glob("journal-*"):  # as if the process had ended before deleting them
        if not (folder / path.name).exists():
            shutil.copy(path, folder)
    with opened(folder) as books:
        assert judged(books) == 3


def test_counts_of_another_version_are_neither_read_nor_overwritten(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert list(journal.entries()) == []
    journal.append([], b'{"format": 2}')
    journal.close()
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(OtherFormat, match="go back to that one, or begin with an empty folder"):
        Books(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_marks_are_kept_with_the_events_they_came_with(tmp_path: Path) -> None:
    event = Score(model="chat", score="groundedness", value=1.0)
    with opened(tmp_path) as books:
        assert books.ledger.mark("file") == ""
        books.ledger.accept([(1, event)], {"file": "17"})
        books.ledger.accept([], {"other": "3"})
    with opened(tmp_path) as books:
        assert (books.ledger.mark("file"), books.ledger.mark("other")) == ("17", "3")
        assert judged(books) == 1


# A disk that does not do what it should.


def full(number: int, data: bytes) -> int:
    """A disk on which half a record has room."""
    del number, data
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def half_full(real: Callable[[int, bytes], int]) -> Callable[[int, bytes], int]:
    rest = [1]

    def write(file: int, data: bytes) -> int:
        if rest:
            rest.pop()
            return real(file, bytes(data)[: len(data) // 2])
        return full(file, data)

    return write


@pytest.mark.parametrize("partly", [False, True], ids=["nothing written", "half a record"])
def test_a_full_disk_refuses_and_recovers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, partly: bool
) -> None:
    with opened(tmp_path) as books:
        books.receipt(score(id="a"))
        with monkeypatch.context() as disk:
            disk.setattr(os, "write", half_full(os.write) if partly else full)
            refused = books.post(score(id="b"))
            books.ledger.work()
            again = books.post(score(id="b"))
        for reply in (refused, again):
            assert reply.status == 503
            assert reply.reason == "busy"
            assert reply.headers == {"retry-after": "5"}
            assert "the counts cannot be kept on disk: No space left on device" in str(reply.body)
        assert books.all_samples(quality.QUALITY_STATE_WRITABLE) == {(): 0}
        assert judged(books) == 1
        books.ledger.work()
        assert books.all_samples(quality.QUALITY_STATE_WRITABLE) == {(): 1}
        assert books.receipt([score(id="a"), score(id="b")])["accepted"] == 1
    with opened(tmp_path) as books:
        assert judged(books) == 2


def test_half_a_record_that_cannot_be_taken_back_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path) as books:
        books.receipt(score(id="a"))
        with monkeypatch.context() as disk:
            disk.setattr(os, "write", half_full(os.write))
            disk.setattr(os, "ftruncate", full)
            assert books.post(score(id="b")).status == 503
        books.ledger.work()
        assert books.receipt(score(id="b"))["accepted"] == 1
    assert len(list(tmp_path.glob("journal-*"))) == 2
    with opened(tmp_path) as books:
        assert judged(books) == 2


def test_when_synchronising_fails_everything_is_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_file: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with opened(tmp_path) as books:
        books.receipt(score(id="a"))
        with monkeypatch.context() as disk:
            disk.setattr(os, "fsync", broken)
            books.ledger.work()
            assert books.post(score(id="b")).status == 503
        assert not (tmp_path / "snapshot").exists()
        books.ledger.work()
        assert (tmp_path / "snapshot").exists()
        assert books.receipt(score(id="b"))["accepted"] == 1
    with opened(tmp_path) as books:
        assert judged(books) == 2


def test_a_snapshot_that_has_no_room_is_tried_until_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path, most_journal_bytes=300) as books:
        books.receipt(score(id="a"))
        with monkeypatch.context() as disk:
            disk.setattr(os, "write", full)
            for _ in range(3):
                books.ledger.work()
                assert books.post(score(id="b")).status == 503
        assert len(list(tmp_path.iterdir())) == 1, "the journal is all there is"
        books.ledger.work()
        assert [path.name for path in tmp_path.iterdir()] == ["snapshot"]
        assert books.receipt([score(id="a"), score(id="b")])["accepted"] == 1
    with opened(tmp_path) as books:
        assert judged(books) == 2


def test_a_read_only_folder_shows_what_was_counted_and_refuses_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path) as books:
        books.receipt(score(id="a"))
    real = os.open

    def read_only(path: Any, flags: int, *more: Any) -> int:
        if flags & os.O_CREAT:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return real(path, flags, *more)

    with monkeypatch.context() as disk:
        disk.setattr(os, "open", read_only)
        books = Books(tmp_path)
        assert judged(books) == 1
        assert books.post(score()).status == 503
        assert books.all_samples(quality.QUALITY_STATE_WRITABLE) == {(): 0}
    books.ledger.work()
    assert books.receipt([score(id="a"), score()])["accepted"] == 1
    books.ledger.stop()


def test_a_folder_that_comes_later_is_read_before_anything_is_counted(tmp_path: Path) -> None:
    folder = tmp_path / "mounted" / "state"
    with opened(folder) as books:
        books.receipt(score(id="a"))
    hidden = tmp_path / "elsewhere"
    folder.parent.rename(hidden)
    folder.parent.write_text("a file where a folder should be")
    books = Books(folder)
    assert books.post(score()).status == 503
    folder.parent.unlink()
    hidden.rename(folder.parent)
    books.ledger.work()
    assert judged(books) == 1
    assert books.receipt([score(id="a"), score(id="b")])["duplicates"] == 1
    books.ledger.stop()


def test_a_snapshot_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path)
    assert list(journal.entries()) == []
    journal.append([1], b"one")
    with monkeypatch.context() as disk:
        disk.setattr(os, "write", half_full(os.write))
        with pytest.raises(OSError, match="No space"):
            journal.replace(Entry(number=journal.rotate(), ids=[1], counts=b"all"))
    journal.append([2], b"two")
    journal.close()
    again = Journal(tmp_path)
    assert [(entry.number, list(entry.ids), entry.counts) for entry in again.entries()] == [
        (1, [1], b"one"),
        (2, [2], b"two"),
    ]
    again.close()
    assert not (tmp_path / "snapshot.new").exists()


# Killed.

CHILD = """
import json, sys
from pathlib import Path
from exporters.quality import ledger
from tests.exporters.quality_ledgers import Books

ledger.SYNC_EVERY_S = 0.002
books = Books(Path(sys.argv[1]), most_journal_bytes=3_000)
books.ledger.start()
for line in sys.stdin.buffer:
    print(json.dumps(books.receipt(line)), flush=True)
"""


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_any_moment_each_event_is_counted_once(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  # when to kill, no secret
    answered = 0
    for _ in range(KILLS):
        before = answered
        answered = answered_until_killed(tmp_path, answered, chance.uniform(0, 0.1))
        assert answered > before
    with opened(tmp_path) as books:
        assert judged(books) in {answered, answered + BATCH}, "the last one was not answered"
        known = books.receipt([score(id=str(number)) for number in range(answered)])
        assert known["duplicates"] == answered


def answered_until_killed(folder: Path, first: int, after_s: float) -> int:
    """Events answered in the end, when sending goes on from `first`."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        bufsize=0,
    )
    killer = threading.Timer(after_s, child.kill)
    with child.stdout as replies, child.stdin as requests:  # type: ignore[union-attr]  # pipes
        while True:
            batch = [score(id=str(number)) for number in range(first, first + BATCH)]
            try:
                requests.write(json.dumps(batch).encode() + b"\n")
            except BrokenPipeError:
                break
            reply = replies.readline()
            if not reply.endswith(b"\n"):
                break
            receipt = json.loads(reply)
            assert {receipt["accepted"], receipt["duplicates"]} == {0, BATCH}, "all or nothing"
            first += BATCH
            if not killer.ident:
                killer.start()
    child.wait()
    return first
