"""Programs in the background that outlive the command which started them.

A process is remembered by its id and by a mark: a piece of its command line that no other program
has, such as the path of its data folder. An id alone could by now belong to somebody else.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelwatch.problems import Unreachable

STOP_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A program in the background; `log` is where its output goes."""

    name: str
    pid: int
    mark: str
    log: Path

    @classmethod
    def known(cls, saved: Mapping[str, str | int]) -> "Process":
        """A process as it was written to a state file."""
        return cls(
            name=str(saved["name"]),
            pid=int(saved["pid"]),
            mark=str(saved["mark"]),
            log=Path(str(saved["log"])),
        )

    @property
    def alive(self) -> bool:
        """Whether that process still runs and is still ours."""
        return self.mark in _command_line(self.pid)


def spawn(
    name: str,
    command: Sequence[str | Path],
    *,
    mark: str,
    log: Path,
    environment: Mapping[str, str] | None = None,
) -> Process:
    """Start a program in a session of its own, so that Ctrl-C here does not reach it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        started = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    _forget(started)
    process = Process(name=name, pid=started.pid, mark=mark, log=log)
    _await_arguments(process)
    return process


def stop(process: Process, *, within_s: float = STOP_WITHIN_S) -> bool:
    """Ask it to end (SIGTERM) and wait; kill it when it does not. True when it ended by itself."""
    deadline = time.monotonic() + within_s
    if process.alive:
        os.kill(process.pid, signal.SIGTERM)
    while process.alive and time.monotonic() < deadline:
        time.sleep(0.05)
    if not process.alive:
        return True
    os.kill(process.pid, signal.SIGKILL)
    return False


def interrupt(process: Process) -> None:
    """SIGHUP: the usual wish to read the configuration again."""
    os.kill(process.pid, signal.SIGHUP)


def last_words(process: Process, lines: int = 5) -> str:
    """The end of its log."""
    text = process.log.read_text(errors="replace") if process.log.exists() else ""
    return "\n".join(text.splitlines()[-lines:])


def died(process: Process) -> Unreachable:
    """The error for a process that ended too early."""
    return Unreachable(
        f"{process.name} ended by itself; the end of {process.log} says:\n{last_words(process)}"
    )


def _forget(started: subprocess.Popen[bytes]) -> None:
    """Keep Python from warning that a child is still running: that is what it is for."""
    started.returncode = 0


def _await_arguments(process: Process) -> None:
    """The kernel shows no arguments in the first moments of a program; half a second is plenty."""
    for _ in range(100):
        if process.alive:
            return
        time.sleep(0.005)


def _command_line(pid: int) -> str:
    """The arguments of a running process; empty when there is none or it is a zombie."""
    _reap(pid)
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (FileNotFoundError, ProcessLookupError):
            return ""
    answer = subprocess.run(
        ["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return answer.stdout


def _reap(pid: int) -> None:
    """Collect the process if it is a child of ours that has ended."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return  # started by an earlier command: its new parent collects it
