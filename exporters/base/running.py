"""The life of an exporter: bind, start, serve, reload, end."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from exporters.base import reloading
from exporters.base.access import Guard, read_guard
from exporters.base.collecting import Page
from exporters.base.exporter import Context, Exporter, Parts, Work
from exporters.base.families import Family
from exporters.base.serving import gate, is_loopback, listen, url_of
from exporters.base.site import Site
from modelwatch.inventory import Inventory
from modelwatch.problems import ModelwatchError
from modelwatch.rules import Constant

_LOG = logging.getLogger(__name__)

WORK_ENDS_WITHIN_S = 0.6
"""Half a second is promised; all work is told to end at the same time."""
CONNECTIONS_END_WITHIN_S = 0.2
"""They end at once, but for those whose password is being checked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is run, and with what. Reading inventories is the affair of the caller."""

    exporter: Exporter
    address: str
    state_dir: Path
    read_inventory: Callable[[str], Inventory]
    constants: Callable[[Inventory], tuple[Constant, ...]]
    inventory: Path | None = None
    web_config: Path | None = None
    token_file: Path | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


def run(plan: Plan) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP reads everything again.

    Raises:
        ModelwatchError: it cannot start.
    """
    guard = read_guard(plan.web_config, plan.token_file, Guard())
    inventory = plan.read_inventory(str(plan.inventory)) if plan.inventory else None
    _make_private(plan.state_dir)
    sockets = listen(plan.address)
    try:
        asyncio.run(_Life(plan, guard, inventory, sockets).live())
    finally:
        for one in sockets:
            one.close()


class Unsafe(ModelwatchError):  # noqa: N818  # reads as what it would be
    """Started like this, it would let anybody in."""

    exit_code = 2


class _Life:
    """One run, from bound sockets to closed ones."""

    def __init__(
        self, plan: Plan, guard: Guard, inventory: Inventory | None, sockets: list[socket.socket]
    ) -> None:
        self.plan, self.inventory, self.sockets = plan, inventory, sockets
        self.site = Site(exporter=plan.exporter, guard=guard)
        self.ended = asyncio.Event()
        self.parts: Parts | None = None
        self.started: list[Work] = []
        self.reloading = reloading.Reloading([], reloading.LOOK_EVERY_S)

    async def live(self) -> None:
        """Serve until told to end."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.ended.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        way_in = gate(self.site)
        way_in.open(self.sockets)
        scheme = "https" if self.site.guard.web.context else "http"
        name = self.plan.exporter.name
        try:
            await self._begin()
            if not self.ended.is_set():
                _LOG.info("exporter %s is at %s", name, url_of(self.sockets, scheme))
            await self.ended.wait()
        finally:
            way_in.close()
            self._end()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(way_in.close_all(), CONNECTIONS_END_WITHIN_S)
        _LOG.info("exporter %s has ended", name)

    def _reload(self) -> None:
        self.reloading.ask()

    async def _begin(self) -> None:
        """Start the exporter, in a thread: it may look for hardware, and health is asked for."""
        starting = asyncio.ensure_future(self.site.requests.run(self._start))
        told = asyncio.ensure_future(self.ended.wait())
        await asyncio.wait({starting, told}, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if not starting.done():
            starting.cancel()
            return
        parts = self.parts = starting.result()
        _check_doors(parts, self.sockets, self.site.guard)
        page = Page(self.plan.exporter.name, parts.collectors)
        watched = tuple(self._watched(parts))
        self.reloading = reloading.Reloading(watched, reloading.LOOK_EVERY_S)
        for work in parts.work:
            self.started.append(work)
            work.start()
        self.reloading.start()
        self.site.begin(lambda deadline_s: self._families(page, deadline_s), parts.doors)

    def _start(self) -> Parts:
        context = Context(
            inventory=self.inventory,
            constants=self.plan.constants,
            state_dir=self.plan.state_dir,
            options=self.plan.options,
        )
        return self.plan.exporter.start(context)

    def _families(self, page: Page, deadline_s: float) -> Iterable[Family]:
        name = self.plan.exporter.name
        yield from page.families(deadline_s)
        yield self.site.rejected.family(name)
        yield from self.reloading.families(name)

    def _watched(self, parts: Parts) -> Iterable[reloading.Watched]:
        plan = self.plan
        found: list[reloading.Watched] = []
        if plan.inventory is not None:
            path = plan.inventory
            found.append(
                reloading.Watched(
                    name=str(path),
                    files=lambda: (path,),
                    read=lambda: parts.reconfigure(plan.read_inventory(str(path))),
                )
            )
        if plan.web_config is not None or plan.token_file is not None:
            names = [str(path) for path in (plan.web_config, plan.token_file) if path]
            found.append(
                reloading.Watched(
                    name=" and ".join(names), files=self._guard_files, read=self._read_guard
                )
            )
        return found

    def _guard_files(self) -> tuple[Path, ...]:
        token_file = self.plan.token_file
        return (*self.site.guard.web.files, *([token_file] if token_file else []))

    def _read_guard(self) -> None:
        before = self.site.guard
        read = read_guard(self.plan.web_config, self.plan.token_file, before)
        if (read.web.context is None) != (before.web.context is None):
            raise ModelwatchError("TLS is switched on and off by a restart only")
        if self.parts is not None:
            _check_doors(self.parts, self.sockets, read)
        self.site.guard = read

    def _end(self) -> None:
        """End all work at the same time, and wait for it no longer than was promised."""
        self.reloading.stop()
        until = time.monotonic() + WORK_ENDS_WITHIN_S
        endings = [_ending(work) for work in self.started]
        for ending in endings:
            ending.join(max(0.0, until - time.monotonic()))
            if ending.is_alive():
                _LOG.warning("%s does not end", ending.name)


def _ending(work: Work) -> threading.Thread:
    thread = threading.Thread(target=_stop, args=(work,), name=type(work).__name__, daemon=True)
    thread.start()
    return thread


def _stop(work: Work) -> None:
    try:
        work.stop()
    except Exception:  # noqa: BLE001  # a boundary: the other work must end as well
        _LOG.exception("%s did not end well", type(work).__name__)


def _check_doors(parts: Parts, sockets: Sequence[socket.socket], guard: Guard) -> None:
    open_to_all = guard.token is None and guard.users is None
    doors = [door.path for door in parts.doors if door.accepts]
    if doors and open_to_all and not is_loopback(sockets):
        raise Unsafe(
            f"anybody who reaches {url_of(sockets, 'http')} could send data to {', '.join(doors)}; "
            "give --token-file or a --web-config with basic_auth_users, or listen on 127.0.0.1"
        )


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as failure:
        raise ModelwatchError(
            f"cannot make {folder}: {failure.strerror}; choose another with --state-dir"
        ) from failure
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ModelwatchError(f"cannot write into {folder}; choose another with --state-dir")
