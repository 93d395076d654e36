"""Who listens on which port of this machine, as far as the kernel tells."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_LISTENS = "0A"
_ANY = {"00000000", "0" * 32}
"""Every address of the machine, in version 4 and 6."""
_TABLES = ("net/tcp", "net/tcp6")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A socket that takes connections; `pid` is 0 where it belongs to somebody we may not ask."""

    port: int
    everywhere: bool
    pid: int = 0
    program: str = ""

    @property
    def who(self) -> str:
        """Its owner in words."""
        return f"{self.program} (process {self.pid})" if self.pid else "a program of somebody else"


def listeners(port: int, proc: Path = Path("/proc")) -> tuple[Listener, ...]:
    """Those on the port; none where there is no /proc, as on macOS."""
    rows = [row for table in _TABLES for row in _rows(proc / table) if row[0] == port]
    if not rows:
        return ()
    owners = _owners({inode for _, _, inode in rows}, proc)
    return tuple(
        Listener(
            port=port,
            everywhere=everywhere,
            pid=owners.get(inode, 0),
            program=_program(owners.get(inode, 0), proc),
        )
        for _, everywhere, inode in rows
    )


def who(port: int) -> str:
    """Who has the port, in words."""
    return next((one.who for one in listeners(port)), "another program")


def _rows(table: Path) -> list[tuple[int, bool, str]]:
    """Port, whether it is open to every address, and inode of each listening socket."""
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:
        return []
    found = []
    for line in lines:
        words = line.split()
        address, _, port = words[1].partition(":")
        if words[3] == _LISTENS:
            found.append((int(port, 16), address in _ANY, words[9]))
    return found


def _owners(inodes: set[str], proc: Path) -> dict[str, int]:
    """Process by inode of its socket; processes of other users show nothing."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[str, int] = {}
    for process in proc.glob("[0-9]*"):
        for link in _links(process / "fd"):
            if link in wanted:
                found[wanted[link]] = int(process.name)
    return found


def _links(folder: Path) -> Iterator[str]:
    """Where each descriptor leads; processes end and close files while one looks."""
    with contextlib.suppress(OSError):
        for link in folder.iterdir():
            with contextlib.suppress(OSError):
                yield str(link.readlink())


def _program(pid: int, proc: Path) -> str:
    try:
        return (proc / str(pid) / "comm").read_text().strip() if pid else ""
    except OSError:
        return ""
