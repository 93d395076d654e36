import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from exporters.base.followed_file import CHUNK_BYTES, MOST_LINE_BYTES, split
from exporters.base.following import Following
from exporters.base.receipts import NotWritable
from exporters.quality.following import OPTIONS, following
from exporters.quality.results import Told
from tests.exporters.followed_files import Reader, Writer
from tests.exporters.quality_ledgers import score
from tests.exporters.sample import until


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    found = Reader(tmp_path)
    yield found
    found.file.close()


@pytest.fixture
def writer(reader: Reader) -> Writer:
    return Writer(reader.path)


# Lines.


def test_what_was_written_and_what_is_added_is_counted(reader: Reader, writer: Writer) -> None:
    writer.write(3)
    reader.read()
    assert reader.counted == 3
    writer.write(2)
    reader.read()
    assert reader.counted == 5


def test_a_file_that_is_not_there_is_waited_for(reader: Reader, writer: Writer) -> None:
    reader.read()
    assert reader.counted == 0
    writer.write(2)
    reader.read()
    assert reader.counted == 2


def test_half_a_line_waits_for_the_rest(reader: Reader, writer: Writer) -> None:
    line = json.dumps(score()).encode()
    writer.append(line[:20])
    reader.read()
    assert (reader.counted, reader.refused) == (0, {})
    writer.append(line[20:] + b"\n")
    reader.read()
    assert (reader.counted, reader.refused) == (1, {})


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        (b"\n \r\n\n", {}),
        (b"{nonsense\n", {"malformed": 1}),
        (b'{"model": "\xff"}\n', {"malformed": 1}),
        (b"[" * 60_000 + b"\n", {"malformed": 1}),
        (b"x" * (MOST_LINE_BYTES + 1) + b"\n", {"malformed": 1}),
        (b"x" * (3 * CHUNK_BYTES) + b"\n", {"malformed": 1}),
        (b'"text"\n', {"wrong_type": 1}),
        (b'{"model": "x", "score": "y", "value": 1}\n', {"unknown_model": 1}),
        (bytes(100) + b"\n", {"malformed": 1}),
    ],
    ids=["blank", "no JSON", "no UTF-8", "deep", "long", "very long", "text", "unknown", "zeros"],
)
def test_a_bad_line_is_refused_once_and_those_around_it_count(
    text: bytes, refused: dict[str, int], reader: Reader, writer: Writer
) -> None:
    writer.write(1)
    writer.append(text)
    writer.write(1)
    reader.read()
    assert (reader.counted, reader.refused) == (2, refused)


def test_a_line_that_is_too_long_is_refused_once_though_it_is_read_across_a_restart(
    reader: Reader, writer: Writer
) -> None:
    writer.append(b"x" * (2 * CHUNK_BYTES))
    reader.read()
    reader.restart()
    writer.append(b"x" * CHUNK_BYTES)
    reader.read()
    reader.restart()
    writer.append(b"x\n")
    writer.write(1)
    reader.read()
    assert (reader.counted, reader.refused) == (1, {"malformed": 1})


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_lines_are_the_same_wherever_chunks_end(size: int) -> None:
    text = b"one\n\ntwo\nthree\n\r\nfour"
    lines: list[bytes | None] = []
    rest = b""
    for start in range(0, len(text), size):
        rest += text[start : start + size]
        found, length, skipping = split(rest, skipping=False, final=False)
        lines += found
        rest = rest[length:]
        assert not skipping
    assert [*lines, *split(rest, skipping=False, final=True)[0]] == text.split(b"\n")


def test_what_is_no_file_is_waited_for(reader: Reader) -> None:
    os.mkfifo(reader.path)
    reader.read()
    reader.path.unlink()
    reader.path.mkdir()
    reader.read()
    assert reader.counted == 0


# Both at work.


class Broken:
    """Never readable."""

    path = Path("broken")
    closed = 0

    def __init__(self, problem: Exception) -> None:
        self.problem = problem

    def poll(self) -> bool:
        raise self.problem

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize(
    "problem", [PermissionError(13, "no"), ValueError("a mistake"), NotWritable("full")], ids=repr
)
def test_one_file_that_cannot_be_read_does_not_stop_the_others(
    problem: Exception, reader: Reader, writer: Writer
) -> None:
    broken = Broken(problem)
    work = Following([broken, reader.file], every_s=0.01)
    work.start()
    try:
        writer.write(2)
        assert until(lambda: reader.counted == 2)
        writer.write(1)
        assert until(lambda: reader.counted == 3)
        assert broken.closed > 1
    finally:
        begun = time.monotonic()
        work.stop()
    assert time.monotonic() - begun < 0.5


def test_a_file_that_cannot_be_read_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    broken = Broken(PermissionError(13, "Permission denied"))
    work = Following([broken], every_s=0.01)
    work.start()
    assert until(lambda: broken.closed > 3)
    work.stop()
    told = [record.getMessage() for record in caplog.records]
    assert told == ["broken cannot be read: [Errno 13] Permission denied"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("ragas", "write it like ragas:chat/production=/var/lib/evaluations"),
        ("ragas:chat=", "write it like ragas:chat/production=/var/lib/evaluations"),
        ("rags:chat=/x", "there is no format 'rags'; there is deepeval, evidently, feedback"),
    ],
)
def test_an_option_that_cannot_be_read_says_how_to_write_it(value: str, words: str) -> None:
    command = click.Command("quality", params=list(OPTIONS), callback=lambda **_: None)
    result = CliRunner().invoke(command, ["--results", value])
    assert result.exit_code == 2
    assert words in " ".join(result.output.split())


def test_options_say_what_is_followed(reader: Reader) -> None:
    command = click.Command("quality", params=list(OPTIONS), callback=lambda **found: found)
    arguments = [
        "--follow",
        "a",
        "--results",
        "ragas:chat/production=/x=y",
        "--results",
        "trulens=/z",
    ]
    with command.make_context("quality", arguments) as context:
        found = context.params
    assert [(one.name, one.told, str(one.path)) for one in found["results"]] == [
        ("ragas", Told(model="chat", environment="production"), "/x=y"),
        ("trulens", Told(), "/z"),
    ]
    assert len(following(found, reader.books.ledger)) == 1
    assert following({}, reader.books.ledger) == ()
