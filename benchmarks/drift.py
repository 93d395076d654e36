"""What comparing rows with a baseline costs, beside Evidently, NannyML and whylogs, in one run.

Each library gets an environment of its own, made once and kept in `.modelwatch/benchmarks`; where
it cannot be installed it is left out, with the reason. Each cell is a process of its own.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measured import table, verdict

ENVIRONMENTS = Path(__file__).parent.parent / ".modelwatch" / "benchmarks"
PEERS: Mapping[str, tuple[str, ...]] = {
    "evidently": ("evidently==0.7.23", "pandas<3"),  # does not import with pandas 3
    "nannyml": ("nannyml==0.13.1", "statsmodels"),  # does not say that it needs statsmodels
    "whylogs": ("whylogs[viz]==1.6.4", "numpy<2", "pandas<3"),
}
OF_PEERS: Mapping[str, str] = {
    "evidently_report": "evidently",
    "evidently_functions": "evidently",
    "nannyml": "nannyml",
    "whylogs": "whylogs",
}
"""Each task of theirs with the environment that it needs."""

OURS = "ours"
ROWS = (10_000, 100_000, 1_000_000)
COLUMNS = (20, 100)
ROUNDS_S = 5
"""Seconds on the clock after which a cell is not repeated."""
MOST_S = 240
"""Seconds after which a cell is ended; larger ones of that task are then not begun."""
GOALS = {"evidently_report": 50, "evidently_functions": 4}
"""How many times quicker we want to be, at 100 000 x 20."""

_QUIET = {"DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1", "WHYLOGS_NO_ANALYTICS": "True"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What a task took; the reason instead where it did not end."""

    seconds: tuple[float, ...] = ()
    peak_bytes: int = 0
    reason: str = ""

    @property
    def median_s(self) -> float:
        """The middle of all rounds."""
        return statistics.median(self.seconds)


def run() -> None:
    """Measure all, print tables and whether the goals are reached."""
    pythons = {OURS: Path(sys.executable)} | dict(_environments())
    tasks = [OURS, *(task for task, peer in OF_PEERS.items() if peer in pythons)]
    measured: dict[tuple[str, int, int], Cell] = {}
    for columns in COLUMNS:
        for task in tasks:
            python = pythons[OF_PEERS.get(task, OURS)]
            ended = ""
            for rows in ROWS:
                cell = Cell(reason=ended) if ended else _cell(python, task, rows, columns)
                ended = cell.reason
                measured[task, rows, columns] = cell
        print(_table(measured, tasks, columns), flush=True)
    _updates(pythons[OURS])
    _verdicts(measured, tasks)


def _environments() -> Iterator[tuple[str, Path]]:
    """The Python of each library that is there or could be installed."""
    for name, wanted in PEERS.items():
        folder = ENVIRONMENTS / name
        python = folder / "bin" / "python"
        ready = folder / "installed"
        if not ready.exists() or ready.read_text() != "\n".join(wanted):
            print(f"installing {name} into {folder}", flush=True)
            reason = _said(sys.executable, "-m", "venv", folder) or _said(
                python, "-m", "pip", "install", "--quiet", "--no-cache-dir", *wanted
            )
            if reason:
                print(f"{name} is left out: {reason}", flush=True)
                continue
            ready.write_text("\n".join(wanted))
        yield name, python


def _said(*command: str | Path) -> str:
    """The last line of what a command that failed said; nothing of one that did not fail."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stderr.strip().splitlines() or ["it failed"])[-1] if done.returncode else ""


def _cell(python: Path, task: str, rows: int, columns: int) -> Cell:
    script = Path(__file__).with_name("drift_tasks.py")
    print(f"{task}: {rows:,} x {columns}", file=sys.stderr, flush=True)
    command: list[str | Path] = [
        python,
        "-I",
        "-W",
        "ignore",
        script,
        task,
        str(rows),
        str(columns),
        str(ROUNDS_S),
    ]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=MOST_S,
            env=os.environ | _QUIET,
        )
    except subprocess.TimeoutExpired:
        return Cell(reason=f"over {MOST_S} s")
    if done.returncode:
        return Cell(reason=(done.stderr.strip().splitlines() or ["it was ended"])[-1][:60])
    told = json.loads(done.stdout.splitlines()[-1])
    return Cell(seconds=tuple(told["seconds"]), peak_bytes=told["peak_bytes"])


def _table(measured: Mapping[tuple[str, int, int], Cell], tasks: list[str], columns: int) -> str:
    """Median, least and rounds; how many times ours; the most memory of the process."""
    lines = []
    for task in tasks:
        cells = [task]
        for rows in ROWS:
            cell, base = measured[task, rows, columns], measured[OURS, rows, columns]
            if cell.reason:
                cells += [cell.reason, "", ""]
                continue
            cells += [
                f"{cell.median_s:.3g} s ({min(cell.seconds):.3g}, {len(cell.seconds)})",
                f"{cell.median_s / base.median_s:.3g}x",
                f"{cell.peak_bytes / 1e6:.0f} MB",
            ]
        lines.append(cells)
    heads = [head for rows in ROWS for head in (f"{rows:,} x {columns}", "to ours", "memory")]
    return table(("PSI and KS", *heads), lines) + "\n"


def _updates(python: Path) -> None:
    rows, columns = 100_000, 20
    lines = []
    for task in (OURS, "ours, lists", "ours, pure Python", "ours, learning"):
        cell = _cell(python, task, rows, columns)
        values = rows * columns
        lines.append(
            (task, f"{cell.median_s / values * 1e9:.0f} ns", f"{cell.peak_bytes / 1e6:.0f} MB")
        )
    print(table(("a value", "time", "memory"), lines) + "\n", flush=True)


def _verdicts(measured: Mapping[tuple[str, int, int], Cell], tasks: list[str]) -> None:
    ours = measured[OURS, 100_000, 20]
    for task, goal in GOALS.items():
        if task not in tasks or measured[task, 100_000, 20].reason:
            print(f"{task} was not measured")
            continue
        theirs = measured[task, 100_000, 20]
        times, memory = theirs.median_s / ours.median_s, theirs.peak_bytes / ours.peak_bytes
        print(
            verdict(f"{times:.0f} times quicker than {task}, {goal} wanted", reached=times >= goal)
        )
        if task == "evidently_report":
            print(verdict(f"1/{memory:.1f} of its memory, 1/8 wanted", reached=memory >= 8))
    growth = measured[OURS, ROWS[-1], 20].peak_bytes / measured[OURS, ROWS[0], 20].peak_bytes
    print(verdict(f"memory with 100 times the rows is {growth:.2f} times", reached=growth < 1.1))
