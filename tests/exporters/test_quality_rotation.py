import json
import logging
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path

import pytest

from exporters.base.receipts import NotWritable
from tests.exporters.followed_files import Reader, Writer
from tests.exporters.quality_ledgers import CHAT, score

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    found = Reader(tmp_path)
    yield found
    found.file.close()


@pytest.fixture
def writer(reader: Reader) -> Writer:
    return Writer(reader.path)


@pytest.mark.parametrize("way", [Writer.rename, Writer.copy_and_truncate], ids=["rename", "copy"])
@pytest.mark.parametrize("read_before", [True, False], ids=["read before", "not read before"])
@pytest.mark.parametrize("restarted", [True, False], ids=["restarted", "running"])
def test_rotation_loses_nothing_and_counts_nothing_twice(
    way: object, read_before: bool, restarted: bool, reader: Reader, writer: Writer
) -> None:
    writer.write(3)
    reader.read()
    writer.write(2)
    if read_before:
        reader.read()
    if way is Writer.rename:
        writer.rename()
    else:
        writer.copy_and_truncate()
    if restarted:
        reader.restart()
    writer.write(4)
    reader.read()
    assert reader.counted == 9
    reader.restart()
    writer.write(1)
    reader.read()
    assert reader.counted == 10


def test_a_renamed_file_is_read_on_until_its_writer_lets_go_of_it(
    reader: Reader, writer: Writer
) -> None:
    writer.write(1)
    reader.read()
    with reader.path.open("ab") as still_open:
        writer.rename()
        reader.read()
        still_open.write(json.dumps(score()).encode() + b"\n")
    reader.read()
    assert reader.counted == 2
    writer.write(1)
    reader.read()
    assert reader.counted == 3


def test_a_renamed_file_may_end_without_an_end_of_line(reader: Reader, writer: Writer) -> None:
    writer.write(2, end="")
    reader.read()
    assert reader.counted == 1
    writer.rename()
    writer.write(1)
    reader.read()
    assert reader.counted == 3


@pytest.mark.parametrize(
    "name", ["events.ndjson-20270131", "events.1.ndjson", "events.ndjson.2027-01-31_10"]
)
def test_a_rotated_file_is_found_by_what_rotation_calls_it(
    name: str, reader: Reader, writer: Writer
) -> None:
    writer.write(1)
    reader.read()
    writer.write(1)
    reader.path.rename(reader.path.with_name(name))
    reader.restart()
    writer.write(1)
    reader.read()
    assert reader.counted == 3


@pytest.mark.parametrize("name", ["events.ndjson.bak", "other.ndjson.1", "events.ndjson.1.gz"])
def test_other_files_beside_it_are_left_alone(name: str, reader: Reader, writer: Writer) -> None:
    writer.write(2)
    reader.read()
    shutil.copy(reader.path, reader.path.with_name(name))
    writer.rename()
    writer.write(1)
    reader.read()
    assert reader.counted == 3


def test_a_file_that_was_written_anew_is_read_from_its_beginning(
    reader: Reader, writer: Writer
) -> None:
    writer.write(3)
    reader.read()
    reader.path.write_bytes(b"")
    writer.write(8)
    reader.read()
    assert reader.counted == 11


def test_a_copy_of_the_file_in_its_place_is_read_on(reader: Reader, writer: Writer) -> None:
    writer.write(3)
    reader.read()
    copy = reader.path.with_name("restored")
    shutil.copy(reader.path, copy)
    copy.replace(reader.path)
    reader.restart()
    writer.write(1)
    reader.read()
    assert reader.counted == 4


@pytest.mark.parametrize("seed", range(12))
def test_any_order_of_writing_rotating_reading_and_restarting_counts_each_line_once(
    seed: int, reader: Reader, writer: Writer
) -> None:
    chance = random.Random(seed)  # noqa: S311  # repeatable, not secret
    rotate = writer.rename if seed % 2 else writer.copy_and_truncate
    writer.write(1)
    reader.read()
    for _ in range(40):
        what = chance.choice(["write", "write", "poll", "poll", "read", "rotate", "restart"])
        if what == "write":
            writer.write(chance.randrange(1, 5))
        elif what == "rotate" and reader.path.exists() and reader.path.stat().st_size:
            rotate()
            writer.write(1)
        elif what == "restart":
            reader.restart()
        elif what == "poll":
            reader.file.poll()
        else:
            reader.read()
        if len(list(reader.path.parent.iterdir())) > 8:
            break
    reader.read()
    assert (reader.counted, reader.refused) == (writer.written, {})


def test_nothing_is_read_while_nothing_can_be_kept(reader: Reader, writer: Writer) -> None:
    writer.write(3)
    reader.read()
    writer.write(2)
    reader.books.ledger.stop()
    with pytest.raises(NotWritable):
        reader.file.poll()
    reader.file.close()
    assert reader.file.poll() is False
    reader.begin()
    reader.read()
    assert reader.counted == 5


# kill -9.


@contextmanager
def exporter(state: Path, path: Path, inventory: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The real program; killed at the end."""
    options = ["--inventory", inventory, "--follow", path, "--state-dir", state]
    command = [sys.executable, "-m", "generator", "exporter", "quality", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(
        [*command, *map(str, options)], cwd=ROOT, stderr=subprocess.DEVNULL
    ) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("way", [Writer.rename, Writer.copy_and_truncate], ids=["rename", "copy"])
def test_an_exporter_that_is_killed_counts_each_line_once(
    way: Callable[[Writer], None], tmp_path: Path
) -> None:
    inventory = tmp_path / "models.yaml"
    inventory.write_text(CHAT)
    reader = Reader(tmp_path)
    reader.books.ledger.stop()
    writer = Writer(reader.path)
    for _ in range(3):
        writer.write(20_000)  # five chunks
        with exporter(reader.state, reader.path, inventory):
            assert counts_something(reader.state)
        way(writer)
        writer.write(10)
    reader.begin()
    half_way = reader.counted
    reader.read()
    assert 0 < half_way < reader.counted == writer.written
    assert reader.refused == {}


def counts_something(state: Path) -> bool:
    """Wait until events are on disk: what is there from the start is shorter."""
    known = set(state.glob("journal*"))
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        new = set(state.glob("journal*")) - known
        if sum(file.stat().st_size for file in new) > 300:
            return True
        time.sleep(0.002)
    return False


def test_the_standard_library_rotates_under_it(reader: Reader) -> None:
    rotating = RotatingFileHandler(reader.path, maxBytes=2000, backupCount=3)
    for number in range(500):
        event = json.dumps(score(n=number))
        rotating.emit(logging.LogRecord("quality", logging.INFO, "", 0, event, (), None))
        if number % 7 == 0:
            reader.file.poll()
    rotating.close()
    reader.read()
    assert (reader.counted, reader.refused) == (500, {})
