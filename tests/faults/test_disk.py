"""The disk: full, or with bytes changed in it while Prometheus is down."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from compose import answers
from compose.native import stack as native
from tests import real
from tests.exporters.prometheus_server import api
from tests.faults.pages import Counted, counting
from tests.faults.site import (
    HEAD,
    Site,
    eventually,
    measured,
    model,
    site,
)
from tests.small_site import serving

pytestmark = [pytest.mark.real, pytest.mark.servers, pytest.mark.slow]

DISK_BYTES = 64 << 20


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own, of 64 MiB."""
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    if os.geteuid() != 0:
        real.missing("only root can mount a small disk")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        real.missing(f"a small disk cannot be mounted: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """The file that takes the rest of the disk."""
    file = disk / "somebody-elses"
    with contextlib.suppress(OSError), file.open("wb", buffering=0) as written:
        while True:
            written.write(bytes(1 << 16))
    with contextlib.suppress(OSError), file.open("ab", buffering=0) as written:
        while True:
            written.write(b"0")
    return file


def stored(where: Site) -> set[int]:
    series = api(where.prometheus, "query", query="shelf_pages_total[1h]")["result"]
    return {int(value) for one in series for _, value in one["values"]}


def test_a_full_disk_is_told_and_what_comes_after_it_is_kept(
    tmp_path: Path, native_path: str
) -> None:
    book = Counted()
    with contextlib.ExitStack() as ended:
        disk = ended.enter_context(small_disk(tmp_path / "data" / "prometheus"))
        port = ended.enter_context(serving(counting(book, 'm="chat"')))
        where = ended.enter_context(
            site(tmp_path, f"{HEAD}models:\n{model('chat', port)}", native_path)
        )
        eventually(lambda: len(book.served) > 20, "a history", 200)
        full = fill(disk)
        eventually(lambda: where.told("NothingRecorded"), "the alert", 200)
        (told, *_) = where.told("NothingRecorded")
        measured("told", [(one.to, one.name) for one in where.told()])
        assert told.to == "on-call"
        assert where.stack.prometheus.alive
        full.unlink()
        made_room = book.asked
        eventually(lambda: max(stored(where)) > made_room + 20, "new samples")
        lost = set(range(1, book.asked - 2)) - stored(where)
        measured("pages lost", len(lost))
        assert max(lost) <= made_room + 2
        eventually(
            lambda: [one.status for one in where.told("NothingRecorded")] == ["firing", "resolved"],
            "its end",
        )


def change_bytes(file: Path) -> None:
    """Bits that flipped in the middle of a file, as a failing disk has them."""
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(byte ^ 0xFF for byte in content[middle : middle + 64])
    file.write_bytes(content)


def test_a_log_that_was_damaged_is_told_and_recording_goes_on(
    tmp_path: Path, native_path: str
) -> None:
    book = Counted()
    with serving(counting(book, 'm="chat"')) as port:
        text = f"{HEAD}models:\n{model('chat', port)}"
        with site(tmp_path, text, native_path) as where:
            eventually(lambda: len(book.served) > 20, "a history")
            stack = where.stack
            native.stop(stack.data_dir)
            before = book.asked
            (segment, *_) = sorted((stack.data_dir / "prometheus" / "wal").glob("0*"))
            change_bytes(segment)
            native.start(
                stack.config_dir,
                stack.data_dir,
                stack.ports,
                inventory=where.fleet,
                path=native_path,
            )
            eventually(lambda: where.told("PrometheusWalCorrupted"), "the alert")
            (told,) = where.told("PrometheusWalCorrupted")
            assert told.to == "tickets"
            assert "found 1 corruptions of its log" in told.annotations["summary"]
            assert not answers.rule_errors(where.prometheus)
            eventually(lambda: max(stored(where)) > before + 4, "new samples")
            kept = len([number for number in stored(where) if number <= before])
            measured("pages kept of those before the damage", f"{kept} of {before}")
