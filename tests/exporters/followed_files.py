"""A file that is followed, and who writes it."""

import json
import os
import shutil
import time
from pathlib import Path

from exporters.base.followed_file import FollowedFile
from exporters.quality.following import EventLines
from modelwatch.catalogue import quality
from tests.exporters.quality_ledgers import Books, score


class Reader:
    """A followed file and its counts; `restarted` as after kill -9: nothing is said goodbye to."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "log" / "events.ndjson"
        self.path.parent.mkdir(exist_ok=True)
        self.state = folder / "state"
        self.begin()

    def begin(self) -> None:
        self.books = Books(self.state)
        self.file = FollowedFile(self.path, EventLines(self.books.ledger), quiet_s=0)

    def restart(self) -> None:
        self.file.close()
        self.books.ledger.stop()
        self.begin()

    def read(self) -> None:
        """Until there is nothing more; what is found beside the file is found by then."""
        for _ in range(20):
            while self.file.poll():
                pass

    @property
    def counted(self) -> int:
        return counted(self.books)

    @property
    def refused(self) -> dict[str, int]:
        self.books.ledger.work()
        samples = self.books.all_samples(quality.QUALITY_REJECTED_TOTAL)
        return {labels[2]: int(value) for labels, value in samples.items() if value}


def counted(books: Books) -> int:
    books.settle()
    return int(sum(books.samples(quality.QUALITY_JUDGEMENTS_TOTAL).values()))


class Writer:
    """Writes numbered events, and rotates as programs do. Each write is a second later."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written = 0
        self._now = int(time.time())

    def write(self, number: int = 1, end: str = "\n") -> None:
        events = [json.dumps(score(n=self.written + one)) for one in range(number)]
        self.append(("\n".join(events) + end).encode())
        self.written += number

    def append(self, text: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(text)
        self._now += 1
        os.utime(self.path, (self._now, self._now))

    def rename(self) -> None:
        self._make_room()
        if self.path.exists():
            self.path.rename(f"{self.path}.1")

    def copy_and_truncate(self) -> None:
        self._make_room()
        if self.path.exists():
            shutil.copy2(self.path, f"{self.path}.1")
            os.truncate(self.path, 0)

    def _make_room(self) -> None:
        for number in range(8, 0, -1):
            old = Path(f"{self.path}.{number}")
            if old.exists():
                old.rename(f"{self.path}.{number + 1}")
