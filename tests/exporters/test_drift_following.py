"""Files of observations that the drift exporter reads as they grow."""

import json
from pathlib import Path

import pytest

from exporters.base.followed_file import MOST_LINE_BYTES, FollowedFile
from exporters.drift.following import ObservedLines
from modelwatch.catalogue import drift
from tests.exporters.drift_ledgers import BASELINE, Drift, lines, row

AMOUNT = ("amount", "", BASELINE.identity)


class Reader:
    """A followed file, from wherever the counts say that it was read."""

    def __init__(self, exporter: Drift) -> None:
        self.exporter = exporter
        self.path = exporter.folder / "predictions.ndjson"

    def read(self) -> float:
        file = FollowedFile(self.path, ObservedLines(self.exporter.ledger), quiet_s=0)
        while file.poll():
            pass
        file.close()
        found: float = self.exporter.samples(drift.DRIFT_OBSERVATIONS_TOTAL)[AMOUNT]
        return found

    def write(self, content: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(content)


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(Drift(tmp_path))


def test_what_is_added_is_counted_by_row_and_by_column(reader: Reader) -> None:
    reader.write(lines([row()] * 3))
    assert reader.read() == 3
    reader.write(
        lines([{"model": "fraud", "columns": {"amount": [1, 2], "country": ["DE", "FR"]}}])
    )
    assert reader.read() == 5


@pytest.mark.parametrize("end", ["restart", "crash"])
def test_no_line_is_lost_or_counted_twice(end: str, reader: Reader) -> None:
    reader.write(lines([row()] * 3))
    assert reader.read() == 3
    getattr(reader.exporter, end)()
    reader.write(lines([row()] * 2))
    assert reader.read() == 5


def test_lines_that_a_crash_forgot_are_read_again(reader: Reader) -> None:
    reader.write(lines([row()] * 3))
    file = FollowedFile(reader.path, ObservedLines(reader.exporter.ledger))
    assert file.poll()
    file.close()
    reader.exporter.crash()  # before a scrape, and before anything was written
    assert reader.read() == 3


def test_bad_lines_are_counted_and_those_around_them_count(
    reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    long = json.dumps(row("x" * MOST_LINE_BYTES)).encode()
    reader.write(lines([row()]) + b"{nonsense\n" + long + b"\n" + lines([row()]))
    assert reader.read() == 2
    assert reader.exporter.rejected == {"malformed": 2}
    assert "2 lines refused: the line is no JSON" in caplog.text
