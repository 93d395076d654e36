"""The data of the stack that runs as processes of this machine."""

import itertools
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from compose import programs
from compose.backup import folder as backup_folder
from compose.backup.archive import CHUNK, Content, File
from compose.backup.folder import FROZEN, STAGED
from compose.backup.procedure import STATE
from compose.backup.signals import undisturbed
from compose.locks import alone
from compose.native import grafana, processes, servers
from compose.native import stack as native
from compose.native.processes import Process
from compose.native.stack import Stack
from modelwatch.problems import ModelwatchError, Unreachable

GRAFANA = "grafana"
WATCHING = ("prometheus", "alertmanager")
"""In the order in which they are stopped: Prometheus always has somebody to tell."""
SERVERS = (*WATCHING, GRAFANA)
READY_WITHIN_S = 300.0
"""Prometheus reads its log of a day's samples again, Grafana may bring its database up to date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Native:
    """The stack of one data folder. `start` brings it up, as `modelwatch up` does.

    `path` is where programs are looked for instead of PATH.
    """

    data_dir: Path
    start: Callable[[], object]
    path: str | None = None
    kind: str = "native"

    def versions(self) -> Mapping[str, str]:
        """Of the programs that `up` would run."""
        found = {
            **{name: programs.find(name, path=self.path) for name in WATCHING},
            GRAFANA: grafana.find(self.path),
        }
        return {name: program.version for name, program in found.items() if program}

    def freeze(self) -> float:
        """Servers stand still while links are made; exporters go on, their files allow it."""
        self.forget()
        began = time.monotonic()
        with self._still(*WATCHING) as stack:
            for part in WATCHING:
                self._freeze(part)
        pause_s = time.monotonic() - began if stack else 0.0
        with self._still(GRAFANA):
            self._freeze(GRAFANA)
        for root in sorted((self.data_dir / "state").glob("*/")):
            self._freeze(f"{STATE}{root.name}")
        return pause_s

    def listing(self) -> Iterator[File]:
        """Every file of the copies."""
        for part, root in self._roots():
            for path, size, sha256 in backup_folder.listing(root / FROZEN):
                yield File(part=part, path=path, size=size, sha256=sha256)

    def content(self, files: Sequence[File]) -> Content:
        """Read from the copies."""
        for one in files:
            yield one, _pieces(self._root(one.part) / FROZEN / one.path)

    def has_data(self, part: str) -> bool | None:
        """Every server that runs here and every exporter has a folder."""
        if part in SERVERS or part.startswith(STATE):
            return backup_folder.has_data(self._root(part))
        return None

    def room(self) -> int | None:
        """Free bytes of the disk."""
        return shutil.disk_usage(self.data_dir).free

    def stage(self, part: str, content: Content) -> None:
        """Counts, caps and Grafana's users are for their owner only, as they were."""
        root = self._root(part)
        root.mkdir(parents=True, exist_ok=True, mode=0o755 if part in WATCHING else 0o700)
        mode = 0o644 if part in WATCHING else 0o600
        for file, data in content:
            path = root / STAGED / "new" / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
            with os.fdopen(descriptor, "wb") as target:
                for piece in data:
                    target.write(piece)

    def replace(self, parts: Sequence[str]) -> bool:
        """Everything ends, is replaced and starts; when it does not start the old data is back."""
        roots = [self._root(part) for part in parts]
        os.sync()
        ran = native.state(self.data_dir) is not None
        with undisturbed():
            try:
                self._put(roots)
                if ran:
                    self.start()
            except (ModelwatchError, OSError) as failure:
                self._put_back(roots)
                if ran:
                    self.start()
                raise ModelwatchError(
                    f"the data of the backup cannot be used, the old is back: {failure}"
                ) from failure
        return ran

    def forget(self) -> None:
        """What a killed restore has begun is finished first: the old data may be in pieces."""
        with alone(self.data_dir):
            backup_folder.finish(self.data_dir)
        for _, root in self._roots():
            backup_folder.forget(root)

    def _put(self, roots: Sequence[Path]) -> None:
        with alone(self.data_dir):
            self._end()
            backup_folder.swap_all(self.data_dir, roots)

    def _put_back(self, roots: Sequence[Path]) -> None:
        with alone(self.data_dir):
            self._end()
            for root in roots:
                backup_folder.undo(root)

    def _end(self) -> None:
        """What runs is still known, so that supervision does not give up."""
        stack = native.state(self.data_dir)
        for process, _ in stack.urls if stack else ():
            processes.stop(process)

    def _root(self, part: str) -> Path:
        if part.startswith(STATE):
            return self.data_dir / "state" / part.removeprefix(STATE)
        return self.data_dir / part

    def _roots(self) -> Iterator[tuple[str, Path]]:
        states = (f"{STATE}{one.name}" for one in sorted((self.data_dir / "state").glob("*/")))
        for part in itertools.chain(SERVERS, states):
            yield part, self._root(part)

    def _freeze(self, part: str) -> None:
        root = self._root(part)
        if root.is_dir():
            backup_folder.freeze(root, root / FROZEN)

    @contextmanager
    def _still(self, *names: str) -> Iterator[Stack | None]:
        """Those that run are stopped in here, in this order; they run again whatever happens."""
        with alone(self.data_dir):
            stack = native.state(self.data_dir)
            running = {name: one for name in names if stack and (one := _process(stack, name))}
            if stack is None or not running:
                yield None
                return
            starts = {name: self._starter(name, stack) for name in running}
            ended: list[str] = []
            again: dict[str, Process] = {}
            try:
                for name, process in running.items():
                    ended.append(name)
                    processes.stop(process)
                yield stack
            finally:
                with undisturbed():
                    for name in reversed(ended):
                        processes.stop(running[name])  # if somebody was impatient above
                        again[name] = starts[name]()
                    native.remember(_with(stack, again))
            for process, url in _with(stack, again).urls:
                if process in again.values():
                    servers.await_ready(process, url, within_s=READY_WITHIN_S)

    def _starter(self, name: str, stack: Stack) -> Callable[[], Process]:
        """How it starts again; what is needed is looked for before it is stopped."""
        where = (stack.config_dir, stack.data_dir, stack.ports)
        if name == GRAFANA:
            found = grafana.find(self.path)
            if found is None:
                raise Unreachable("Grafana runs, and its program is not found any more")
            return partial(grafana.start, found, *where)
        program = programs.require(name, path=self.path)[name].path
        start = {
            "prometheus": servers.start_prometheus,
            "alertmanager": servers.start_alertmanager,
        }[name]
        return partial(start, program, *where)


def _with(stack: Stack, again: Mapping[str, Process]) -> Stack:
    return replace(
        stack,
        prometheus=again.get("prometheus", stack.prometheus),
        alertmanager=again.get("alertmanager", stack.alertmanager),
        boards=again.get(GRAFANA, stack.boards),
    )


def _process(stack: Stack, name: str) -> Process | None:
    """The server if it runs; boards may be shown by our preview, which keeps nothing."""
    shown = stack.boards if stack.boards and stack.boards.name == grafana.TITLE else None
    known = {"prometheus": stack.prometheus, "alertmanager": stack.alertmanager, GRAFANA: shown}
    process = known[name]
    return process if process and process.alive else None


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            yield piece
