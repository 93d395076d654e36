"""What is wrong with this machine and the servers on it, or soon will be?

Each check yields findings: what, why it matters, what to do. None changes anything.
"""

import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import requests

from compose import answers, listening, programs
from compose.native import exporters
from compose.native.stack import Stack
from compose.ports import Ports, is_free
from modelwatch.inventory import Inventory
from modelwatch.promql import duration_seconds

PROVED = {
    "prometheus": ((2, 42), (3, 5)),
    "promtool": ((2, 42), (3, 5)),
    "alertmanager": ((0, 25), (0, 33)),
    "amtool": ((0, 25), (0, 33)),
}
"""Oldest and newest release that the tests were run with."""

LEAST_BYTES = 1 << 30
LEAST_INODES = 10_000
MOST_SKEW_S = 5.0
"""Holds and rates begin to be wrong by a scrape interval; answers are rounded to less."""

CLASHING = ("model", "environment", "engine", "version", "pool", "team")
_OPEN_PATHS = ("/metrics", "/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to know; `wrong` is false where it is only to be known."""

    what: str
    why: str
    remedy: str
    wrong: bool = True

    def __str__(self) -> str:
        kind = "wrong" if self.wrong else "note"
        return f"{kind}: {self.what}; {self.why}; {self.remedy}"


def taken_ports(inventory: Inventory, stack: Stack | None) -> Iterator[Finding]:
    """Ports that the stack wants and others have."""
    own = {url for process, url in stack.urls if process.alive} if stack else set()
    for name, listen in exporters.addresses(inventory).items():
        port = int(listen.rpartition(":")[2])
        if f"http://{listen}" not in own and not is_free(port):
            yield Finding(
                what=f"port {port} of the {name} exporter is taken by {listening.who(port)}",
                why="`up` starts nothing while it is",
                remedy="end that program or change the port in the inventory",
            )
    if stack:
        return
    for port in (Ports().prometheus, Ports().alertmanager):
        if not is_free(port):
            yield Finding(
                what=f"port {port} is taken by {listening.who(port)}",
                why="`up` takes another one, which links and bookmarks do not know",
                remedy="nothing, unless that program is a forgotten one",
                wrong=False,
            )


def secret_files(inventory: Inventory, data_dir: Path) -> Iterator[Finding]:
    """Files of receivers and probes that cannot be read, or that everybody can read.

    Alertmanager takes relative paths from the folder of its configuration.
    """
    beside = data_dir / "config" / "alertmanager"
    files = {
        (f"receiver {one.name}", str(beside / path))
        for one in inventory.receivers.values()
        for key, path in one.settings.items()
        if key.endswith("_file")
    }
    files |= {
        (f"probe {probe.name}", probe.key_file)
        for model in inventory.models
        for probe in model.probes
        if probe.key_file
    }
    for user, path in sorted(files):
        try:
            with Path(path).open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                file.read(1)
        except OSError as failure:
            yield Finding(
                what=f"{path} of {user} cannot be read: {failure.strerror}",
                why="notifications or requests that need it fail",
                remedy="create it, readable for the user that runs the servers",
            )
            continue
        if mode & stat.S_IROTH:
            yield Finding(
                what=f"everybody on this machine can read {path} of {user}",
                why="it holds a secret",
                remedy=f"chmod o= {path}",
            )


def disk(
    data_dir: Path, *, least_bytes: int = LEAST_BYTES, least_inodes: int = LEAST_INODES
) -> Iterator[Finding]:
    """Space where the data goes."""
    folder = data_dir.absolute()
    while not folder.exists():
        folder = folder.parent
    found = os.statvfs(folder)
    free = found.f_bavail * found.f_frsize
    remedy = "make room, or run `modelwatch up` from a folder on a larger disk"
    if free < least_bytes:
        yield Finding(
            what=f"{free / (1 << 20):.0f} MiB are free for {data_dir}",
            why="Prometheus stops to record when the disk is full",
            remedy=remedy,
        )
    if found.f_files and found.f_favail < least_inodes:  # some file systems count none
        yield Finding(
            what=f"{found.f_favail} more files fit on the disk of {data_dir}",
            why="Prometheus stops to record when it can create none",
            remedy=remedy,
        )


def clock(url: str, *, now: Callable[[], float] = time.time) -> Iterator[Finding]:
    """Whether Prometheus lives in our time."""
    before = now()
    theirs = answers.query(url, "vector(time())")[0].value
    skew = theirs - (before + now()) / 2
    if abs(skew) > MOST_SKEW_S:
        yield Finding(
            what=f"the clock of {url} is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}",
            why="ages, budgets and working hours are wrong by as much",
            remedy="let both machines keep time (systemd-timesyncd, chrony)",
        )


def program_versions(path: str | None = None) -> Iterator[Finding]:
    """Programs of the stack on this machine: there, and of a release that was tried."""
    for name in PROVED:
        program = programs.find(name, path=path)
        if program:
            yield from _version(f"{name} at {program.path}", name, program.version)
        else:
            tool = name in {"promtool", "amtool"}
            yield Finding(
                what=f"{name} is not on PATH",
                why="configurations are not checked beforehand" if tool else "`up` cannot run",
                remedy=programs.HOW_TO_INSTALL,
                wrong=not tool,
            )


def server_version(url: str) -> Iterator[Finding]:
    """The release of a running Prometheus."""
    yield from _version(f"Prometheus at {url}", "prometheus", answers.version(url))


def _version(what: str, name: str, version: str) -> Iterator[Finding]:
    oldest, newest = PROVED[name]
    numbers = [int(number) for number in re.findall(r"\d+", version)[:2]]
    here = (numbers[0], numbers[1] if len(numbers) > 1 else 0)
    if oldest <= here <= newest:
        return
    old = here < oldest
    yield Finding(
        what=f"{what} is {version}",
        why=f"proved are {oldest[0]}.{oldest[1]} to {newest[0]}.{newest[1]}",
        remedy="take a newer release" if old else "expect nothing bad; report what differs",
        wrong=old,
    )


def label_clashes(url: str) -> Iterator[Finding]:
    """Labels of pages that had to give way to those of their target."""
    for label in CLASHING:
        found = answers.query(url, f'count by (job) ({{exported_{label}!=""}})')
        for one in found:
            job = one.labels.get("job", "")
            yield Finding(
                what=f"{one.value:.0f} series of job '{job}' have exported_{label}",
                why=f"the target says {label} too, so rules see the target's value for all of them",
                remedy=f"take {label} off the target's labels, or scrape with honor_labels",
            )


def open_bindings(inventory: Inventory, stack: Stack | None) -> Iterator[Finding]:
    """Servers of ours that answer to the whole network, and ask nobody who they are."""
    known = {Ports().prometheus, Ports().alertmanager}
    known |= {stack.ports.prometheus, stack.ports.alertmanager} if stack else set()
    known |= {int(listen.rpartition(":")[2]) for listen in exporters.addresses(inventory).values()}
    for port in sorted(known):
        everywhere = [one for one in listening.listeners(port) if one.everywhere]
        if everywhere and any(_answers_anybody(port, path) for path in _OPEN_PATHS):
            yield Finding(
                what=f"{everywhere[0].who} listens on port {port} of every address without a login",
                why="whoever reaches this machine reads everything and can silence alerts",
                remedy="bind it to 127.0.0.1, or give it users with --web.config.file",
            )


def _answers_anybody(port: int, path: str) -> bool:
    try:
        answer = requests.get(
            f"http://127.0.0.1:{port}{path}", timeout=5, allow_redirects=False, stream=True
        )
    except requests.RequestException:
        return False
    with answer:
        return answer.ok


def retention(url: str, inventory: Inventory) -> Iterator[Finding]:
    """Whether the longest promise can be looked back upon."""
    kept = answers.retention(url).partition(" or ")[0]
    kept_s = (
        float(duration_seconds(kept)) if re.fullmatch(r"(\d+(ms|[smhdw]))+", kept) else 0.0
    )  # a year is enough
    days = max((slo.window_days for model in inventory.models for slo in model.slos), default=0)
    needed_s = days * 86400 / inventory.settings.time_compression
    if 0 < kept_s < needed_s:
        yield Finding(
            what=f"{url} keeps {kept}, the longest objective is over {days} days",
            why="its error budget is computed from a part of the window only",
            remedy=f"start Prometheus with --storage.tsdb.retention.time={days + 15}d",
        )
