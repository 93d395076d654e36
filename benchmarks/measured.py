"""Running a command and learning what it took."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from modelwatch.problems import Unreachable

RSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in a unit of `ru_maxrss`: macOS counts bytes, Linux KiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a finished process took: time on the clock, time on processors, most memory at once."""

    elapsed_s: float
    cpu_s: float
    peak_bytes: int


def usage(command: Sequence[str | Path]) -> Usage:
    """Run a command to its end.

    Raises:
        Unreachable: it could not be started or failed; the message ends with what it said.
    """
    started = time.perf_counter()
    try:
        process = subprocess.Popen(
            list(command), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
    except FileNotFoundError:
        raise Unreachable(f"{command[0]} is not installed") from None
    assert process.stderr is not None
    with process.stderr:
        said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Unreachable(f"{command[0]} failed: {said.strip()[-2000:]}")
    return Usage(
        elapsed_s=elapsed,
        cpu_s=used.ru_utime + used.ru_stime,
        peak_bytes=used.ru_maxrss * RSS_UNIT,
    )


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns aligned to the right, except the first."""
    cells = [list(columns), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(line[at]) for line in cells) for at in range(len(columns))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    )


def verdict(what: str, *, reached: bool) -> str:
    """A line that says whether a goal was reached."""
    return f"{'reached' if reached else 'MISSED '}  {what}"
