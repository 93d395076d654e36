import os
import time
from pathlib import Path

import pytest

from exporters.quality.declared import Anything
from exporters.quality.results import MOST_FILE_BYTES, Told
from exporters.quality.results_folder import ResultsFolder
from modelwatch.catalogue import quality
from tests.exporters.quality_ledgers import NOW, Books

RAGAS = "faithfulness,response\n0.5,Paris\n1,Lima\n"


class Folder:
    """A followed folder, listed at each call; files are complete at once unless told otherwise."""

    def __init__(self, folder: Path, settled_s: float = 0.0) -> None:
        self.path, self.state, self.settled_s = folder / "results", folder / "state", settled_s
        self.path.mkdir()
        self.later_s = 0.0
        self.begin()

    def begin(self) -> None:
        """As a process that starts."""
        self.books = Books(self.state, Anything())
        self.results = ResultsFolder(
            "ragas",
            Told(model="chat"),
            self.path,
            self.books.ledger,
            settled_s=self.settled_s,
            clock=lambda: time.time() + self.later_s,
        )

    def restart(self) -> None:
        self.books.ledger.stop()
        self.begin()

    def put(self, name: str, text: str = RAGAS, written: float = NOW - 60) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (written, written))
        return path

    @property
    def counted(self) -> int:
        """What is counted once every file that is complete was read."""
        self.later_s += 10
        while self.results.poll():
            pass
        return int(sum(self.books.samples(quality.QUALITY_SAMPLES).values()))


@pytest.fixture
def results(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_result_files_are_counted_as_they_appear(results: Folder) -> None:
    results.put("monday.csv")
    assert results.counted == 2
    results.put("deep/below/tuesday.csv", RAGAS.replace("0.5", "0.6"))
    assert results.counted == 4


def test_a_restart_counts_no_file_again(results: Folder) -> None:
    for day in range(3):
        results.put(f"{day}.csv", written=NOW - day)
    assert results.counted == 6
    results.restart()
    assert results.counted == 6
    assert results.books.samples(quality.QUALITY_DUPLICATES_TOTAL) == {(): 0}


@pytest.mark.parametrize("name", [".hidden.csv", ".deepeval/run.json", "notes.txt", "run.lock"])
def test_files_that_are_no_results_are_left_alone(name: str, results: Folder) -> None:
    results.put(name)
    assert results.counted == 0


def test_a_file_that_may_still_be_written_is_waited_for(tmp_path: Path) -> None:
    results = Folder(tmp_path, settled_s=30.0)
    results.put("run.csv")
    assert results.counted == 0
    assert [results.counted for _ in range(3)][-1] == 2


def test_a_file_that_is_moved_is_the_same_and_one_that_is_written_again_is_not(
    results: Folder,
) -> None:
    path = results.put("run.csv")
    assert results.counted == 2
    path.rename(results.path / "old.csv")
    assert results.counted == 2
    results.put("run.csv", written=NOW - 10)
    assert results.counted == 4


def test_the_time_of_a_file_is_that_of_its_scores(results: Folder) -> None:
    results.put("run.csv", written=NOW - 7200)
    assert results.counted == 2
    samples = results.books.samples(quality.QUALITY_LAST_EVALUATION)
    assert samples == {("faithfulness", ""): NOW - 7200}


def test_a_file_that_is_too_long_is_refused_and_those_after_it_are_read(results: Folder) -> None:
    with results.put("huge.csv", "").open("r+b") as file:
        file.truncate(MOST_FILE_BYTES * 6)
    assert results.counted == 0
    results.put("run.csv")
    assert results.counted == 2
    results.books.ledger.work()
    refused = results.books.all_samples(quality.QUALITY_REJECTED_TOTAL)
    assert refused["other", "other", "malformed"] == 1


def test_one_file_may_be_followed_without_its_folder(tmp_path: Path) -> None:
    results = Folder(tmp_path)
    path = results.put("run.csv")
    results.put("other.csv")
    results.path = path
    results.restart()
    assert results.counted == 2


def test_a_folder_that_is_not_there_is_waited_for(results: Folder) -> None:
    results.path.rmdir()
    assert results.counted == 0
    results.put("run.csv")
    assert results.counted == 2
