"""Prometheus, Alertmanager, exporters and boards as processes of this machine: up, reload, down.

The data folder holds everything they write and `state.json`, which says what runs and where. All
listen on loopback only. Boards are shown by a Grafana that is installed here, else by our preview.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from compose import listening, programs
from compose.backup import folder as backup_folder
from compose.locks import alone
from compose.native import boards, exporters, processes, servers
from compose.native.processes import Process
from compose.ports import Ports, becomes_free, free_port, is_free
from modelwatch.inventory import Inventory
from modelwatch.problems import ModelwatchError, Unreachable

PATIENCE_ROUNDS = 15
"""Rounds that supervision waits after a start that failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The servers as they were started from `config_dir`, and the exporters beside them.

    `inventory` is the absolute path of what they are for; empty when the exporters are not ours
    to run.
    """

    config_dir: Path
    data_dir: Path
    ports: Ports
    prometheus: Process
    alertmanager: Process
    exporters: tuple[Process, ...] = ()
    inventory: str = ""
    boards: Process | None = None

    @property
    def prometheus_url(self) -> str:
        """Where Prometheus answers."""
        return f"http://127.0.0.1:{self.ports.prometheus}"

    @property
    def alertmanager_url(self) -> str:
        """Where Alertmanager answers."""
        return f"http://127.0.0.1:{self.ports.alertmanager}"

    @property
    def urls(self) -> tuple[tuple[Process, str], ...]:
        """Every process with where it answers."""
        shown = ((self.boards, self.ports.boards_url),) if self.boards else ()
        return (
            (self.prometheus, self.prometheus_url),
            (self.alertmanager, self.alertmanager_url),
            *((one, f"http://{_listen(one)}") for one in self.exporters),
            *shown,
        )

    @property
    def dead(self) -> tuple[Process, ...]:
        """Those that do not run (any more)."""
        return tuple(one for one, _ in self.urls if not one.alive)


def choose_ports(data_dir: Path | None = None, path: str | None = None) -> Ports:
    """The ports of the stack in `data_dir` if one runs, else the usual ones or, if taken, others.

    Choose before generating: the configuration names the ports.
    """
    if data_dir and (running := state(data_dir)):
        return running.ports
    usual = Ports()
    prometheus = usual.prometheus if is_free(usual.prometheus) else free_port()
    alertmanager = usual.alertmanager if is_free(usual.alertmanager) else free_port()
    return Ports(prometheus=prometheus, alertmanager=alertmanager, boards=boards.port(path))


def start(
    config_dir: Path,
    data_dir: Path,
    ports: Ports,
    *,
    inventory: Inventory | None = None,
    path: str | None = None,
) -> Stack:
    """Start what does not run, reload what does, and return when all are ready.

    The exporters are those of the inventory; without one there are none. They reload themselves.
    `path` is where programs are looked for instead of PATH.

    Raises:
        Unreachable: a program is missing, ended early or did not become ready; a port is taken.
        ModelwatchError: a running server refused the new configuration.
    """
    found = programs.require("prometheus", "alertmanager", path=path)
    config_dir, data_dir = config_dir.resolve(), data_dir.resolve()
    with alone(data_dir):
        backup_folder.finish(data_dir)
        old = state(data_dir)
        if old and (old.ports, old.config_dir) != (ports, config_dir):
            _end(old)
            old = None
        alertmanager = old.alertmanager if old and old.alertmanager.alive else None
        prometheus = old.prometheus if old and old.prometheus.alive else None
        kept = _kept_exporters(old, inventory, data_dir)
        _refuse_taken(inventory, data_dir, kept)
        stack = Stack(
            config_dir=config_dir,
            data_dir=data_dir,
            ports=ports,
            alertmanager=alertmanager
            or servers.start_alertmanager(found["alertmanager"].path, config_dir, data_dir, ports),
            prometheus=prometheus
            or servers.start_prometheus(found["prometheus"].path, config_dir, data_dir, ports),
            exporters=_exporters(inventory, data_dir, ports, kept),
            inventory=str(Path(inventory.path).resolve()) if inventory else "",
            boards=old.boards if old and old.boards and old.boards.alive else None,
        )
        remember(stack)
        for process, url in stack.urls:
            servers.await_ready(process, url)
        if alertmanager:
            servers.reload_alertmanager(stack.alertmanager_url)
        if prometheus:
            servers.reload_prometheus(stack.prometheus, stack.prometheus_url)
        return _with_boards(stack, inventory, path)


def stop(data_dir: Path) -> bool:
    """End everything, Prometheus first. Their data stays. False when nothing ran."""
    if not (data_dir / "state.json").exists():
        return False
    with alone(data_dir):
        stack = state(data_dir)
        if stack:
            _end(stack)
        (data_dir / "state.json").unlink(missing_ok=True)
        return stack is not None


def state(data_dir: Path) -> Stack | None:
    """The stack of the data folder if any of its processes runs; see `Stack.dead`."""
    try:
        known = json.loads((data_dir / "state.json").read_text())
    except FileNotFoundError:  # not there, or a `down` just removed it
        return None
    stack = Stack(
        config_dir=Path(known["config_dir"]),
        data_dir=Path(known["data_dir"]),
        ports=Ports(**known["ports"]),
        prometheus=Process.known(known["prometheus"]),
        alertmanager=Process.known(known["alertmanager"]),
        exporters=tuple(Process.known(one) for one in known.get("exporters", ())),
        inventory=known.get("inventory", ""),
        boards=Process.known(known["boards"]) if known.get("boards") else None,
    )
    return None if len(stack.dead) == len(stack.urls) else stack


def supervise(
    stack: Stack,
    *,
    rounds: Iterator[object],
    inventory: Inventory | None = None,
    path: str | None = None,
) -> Iterator[str]:
    """Once per round, start again whatever ended, and say which it was.

    What does not start again is told, and tried once more after a while: the others go on.
    """
    patience = 0
    for _ in rounds:
        patience -= 1
        if patience > 0 or not (known := state(stack.data_dir) or stack).dead:
            continue
        if _was_stopped(stack.data_dir):
            yield "another command ended it"
            return
        stack = known
        for gone in stack.dead:
            yield f"{gone.name} ended by itself and is started again; its log is {gone.log}"
        try:
            stack = start(
                stack.config_dir, stack.data_dir, stack.ports, inventory=inventory, path=path
            )
        except ModelwatchError as failure:
            patience = PATIENCE_ROUNDS
            yield str(failure)


def _was_stopped(data_dir: Path) -> bool:
    """Whether a `down` ended the stack; one that is at work is waited for."""
    with alone(data_dir):
        return not (data_dir / "state.json").exists()


def _kept_exporters(
    old: Stack | None, inventory: Inventory | None, data_dir: Path
) -> dict[str, Process]:
    """Running exporters that are still wanted, by mark; the others are ended."""
    wanted = set(_wanted(inventory, data_dir))
    running = [one for one in (old.exporters if old else ()) if one.alive]
    for one in running:
        if one.mark not in wanted:
            processes.stop(one)
    return {one.mark: one for one in running if one.mark in wanted}


def _wanted(inventory: Inventory | None, data_dir: Path) -> dict[str, tuple[str, str]]:
    """Name and address of the inventory's exporters, by mark."""
    here = exporters.addresses(inventory) if inventory else {}
    return {exporters.mark(name, listen, data_dir): (name, listen) for name, listen in here.items()}


def _with_boards(stack: Stack, inventory: Inventory | None, path: str | None) -> Stack:
    """The stack with whoever shows the boards, who must find Prometheus ready."""
    shown = boards.show(
        stack.config_dir,
        stack.data_dir,
        stack.ports,
        inventory,
        running=stack.boards,
        path=path,
    )
    stack = replace(stack, boards=shown)
    remember(stack)
    if shown:
        boards.await_ready(shown, stack.ports)
    return stack


def _refuse_taken(inventory: Inventory | None, data_dir: Path, kept: dict[str, Process]) -> None:
    """Nothing is started when an exporter could not be."""
    taken = [
        f"{listen} of the {name} exporter is taken by {listening.who(port)}"
        for mark, (name, listen) in _wanted(inventory, data_dir).items()
        if mark not in kept and not becomes_free(port := int(listen.rpartition(":")[2]))
    ]
    if taken:
        raise Unreachable(
            f"{'; '.join(taken)}; end it or give the exporter another port in the inventory"
        )


def _exporters(
    inventory: Inventory | None, data_dir: Path, ports: Ports, kept: dict[str, Process]
) -> tuple[Process, ...]:
    if inventory is None:
        return ()
    options = {"inventory": [f"--prometheus-url=http://127.0.0.1:{ports.prometheus}"]}
    return tuple(
        kept.get(mark) or exporters.spawn_one(name, inventory, data_dir, options.get(name, ()))
        for mark, (name, _) in _wanted(inventory, data_dir).items()
    )


def _listen(exporter: Process) -> str:
    """Where an exporter listens, as its mark says."""
    return exporter.mark.split()[0].removeprefix("--listen=")


def _end(stack: Stack) -> None:
    for process, _ in stack.urls:
        processes.stop(process)


def remember(stack: Stack) -> None:
    """Replace the state file in one step: a reader never sees half of it."""
    new = stack.data_dir / "state.json.new"
    new.write_text(json.dumps(asdict(stack), indent=2, default=str) + "\n")
    new.replace(stack.data_dir / "state.json")
