"""What `/proc` knows about a process: how it was called, in which container, on which ports.

An engine often computes in a child of the process that was started and that listens, so everything
is gathered from the process and its parents, up to where its container or its session begins.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
MOST_PARENTS = 8
MOST_ARGUMENTS_BYTES = 64 * 1024

_CONTAINER = re.compile(r"[/:-]([0-9a-f]{64})(?:\.scope)?(?:/|$)", re.MULTILINE)
_POD = re.compile(r"kubepods")
_SOCKET = re.compile(r"socket:\[(\d+)\]")
_LISTENING = "0A"


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process with its parents: command lines, its own first; ports that they listen on.

    `container` is the id of its container, `pod` the name of its Kubernetes pod.
    """

    pid: int
    commands: tuple[str, ...] = ()
    ports: frozenset[int] = frozenset()
    container: str = ""
    pod: str = ""


def process(pid: int, proc: Path = PROC) -> Process:
    """What can be seen of it. A process that is gone, or not ours to see, has only its number."""
    family = tuple(_family(pid, proc))
    cgroup = _text(proc / str(pid) / "cgroup")
    container = _CONTAINER.search(cgroup)
    return Process(
        pid=pid,
        commands=tuple(line for one in family if (line := _command(one, proc))),
        ports=frozenset(port for one in family for port in _ports(one, proc)),
        container=container[1] if container else "",
        pod=_host_name(pid, proc) if _POD.search(cgroup) else "",
    )


def _family(pid: int, proc: Path) -> Iterator[int]:
    """The process and its parents in the same control group and session."""
    home = _session(pid, proc)
    for _ in range(MOST_PARENTS):
        yield pid
        pid = _parent(pid, proc)
        if pid <= 1 or _session(pid, proc) != home:
            return


def _session(pid: int, proc: Path) -> tuple[str, str]:
    fields = _status(pid, proc)
    return fields[3] if len(fields) > 3 else "", _text(proc / str(pid) / "cgroup")


def _parent(pid: int, proc: Path) -> int:
    fields = _status(pid, proc)
    return int(fields[1]) if len(fields) > 1 else 0


def _status(pid: int, proc: Path) -> list[str]:
    """State, parent, group, session, ...: what follows the name, which may hold anything."""
    return _text(proc / str(pid) / "stat").rpartition(")")[2].split()


def _command(pid: int, proc: Path) -> str:
    return _text(proc / str(pid) / "cmdline").rstrip("\0").replace("\0", " ").strip()


def _host_name(pid: int, proc: Path) -> str:
    """In Kubernetes the host name of a container is the name of its pod."""
    variables = _text(proc / str(pid) / "environ").split("\0")
    return next((one[9:] for one in variables if one.startswith("HOSTNAME=")), "")


def _ports(pid: int, proc: Path) -> Iterator[int]:
    """TCP ports in the process's own network on which it listens."""
    sockets = set(_sockets(pid, proc))
    for table in ("tcp", "tcp6"):
        for line in _text(proc / str(pid) / "net" / table).splitlines()[1:]:
            columns = line.split()
            if len(columns) > 9 and columns[3] == _LISTENING and columns[9] in sockets:
                yield int(columns[1].rpartition(":")[2], 16)


def _sockets(pid: int, proc: Path) -> Iterator[str]:
    """Inodes of the sockets that it has open; none where it is another user's."""
    with suppress(OSError):
        for link in (proc / str(pid) / "fd").iterdir():
            with suppress(OSError):
                if found := _SOCKET.fullmatch(str(link.readlink())):
                    yield found[1]


def _text(path: Path) -> str:
    """The file; empty when the process is gone or its files are not ours to read."""
    try:
        with path.open("rb") as file:
            return file.read(MOST_ARGUMENTS_BYTES).decode(errors="replace")
    except OSError:
        return ""
