"""Prometheus, Alertmanager and our exporters as processes of this machine: up, reload, down.

The data folder holds everything they write and `state.json`, which says what runs and where. All
listen on loopback only. There is no Grafana in this mode: boards are imported into your own.
"""

import contextlib
import fcntl
import json
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import requests

from compose import exporters, listening, processes, programs
from compose.processes import Process
from modelwatch.inventory import Inventory
from modelwatch.problems import ModelwatchError, Unreachable

READY_WITHIN_S = 60.0
RELOAD_WITHIN_S = 30.0
FREE_WITHIN_S = 1.0
PATIENCE_ROUNDS = 15
"""Rounds that supervision waits after a start that failed."""
RETENTION = "45d"
"""Longest SLO window and budget period are a month; half a month more to look back."""

RELOAD_TIME = "prometheus_config_last_reload_success_timestamp_seconds"
RELOAD_REFUSED = "Error reloading config"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Loopback ports of the two servers."""

    prometheus: int = 9090
    alertmanager: int = 9093


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
        return (
            (self.prometheus, self.prometheus_url),
            (self.alertmanager, self.alertmanager_url),
            *((one, f"http://{_listen(one)}") for one in self.exporters),
        )

    @property
    def dead(self) -> tuple[Process, ...]:
        """Those that do not run (any more)."""
        return tuple(one for one, _ in self.urls if not one.alive)


def choose_ports(data_dir: Path | None = None) -> Ports:
    """The ports of the stack in `data_dir` if one runs, else the usual ones or, if taken, others.

    Choose before generating: the configuration names the ports.
    """
    if data_dir and (running := state(data_dir)):
        return running.ports
    usual = Ports()
    prometheus = usual.prometheus if is_free(usual.prometheus) else free_port()
    alertmanager = usual.alertmanager if is_free(usual.alertmanager) else free_port()
    return Ports(prometheus=prometheus, alertmanager=alertmanager)


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
    with _alone(data_dir):
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
            or _start_alertmanager(found["alertmanager"].path, config_dir, data_dir, ports),
            prometheus=prometheus
            or _start_prometheus(found["prometheus"].path, config_dir, data_dir, ports),
            exporters=_exporters(inventory, data_dir, ports, kept),
            inventory=str(Path(inventory.path).resolve()) if inventory else "",
        )
        _remember(stack)
        for process, url in stack.urls:
            _await_ready(process, url)
        if alertmanager:
            _reload_alertmanager(stack)
        if prometheus:
            _reload_prometheus(stack)
        return stack


def stop(data_dir: Path) -> bool:
    """End everything, Prometheus first. Their data stays. False when nothing ran."""
    if not (data_dir / "state.json").exists():
        return False
    with _alone(data_dir):
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
    with _alone(data_dir):
        return not (data_dir / "state.json").exists()


def is_free(port: int) -> bool:
    """Whether nothing listens on the loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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


def _refuse_taken(inventory: Inventory | None, data_dir: Path, kept: dict[str, Process]) -> None:
    """Nothing is started when an exporter could not be."""
    taken = [
        f"{listen} of the {name} exporter is taken by {listening.who(port)}"
        for mark, (name, listen) in _wanted(inventory, data_dir).items()
        if mark not in kept and not _becomes_free(port := int(listen.rpartition(":")[2]))
    ]
    if taken:
        raise Unreachable(
            f"{'; '.join(taken)}; end it or give the exporter another port in the inventory"
        )


def _becomes_free(port: int) -> bool:
    """A process that just ended can hold its port for a moment longer."""
    deadline = time.monotonic() + FREE_WITHIN_S
    while not (free := is_free(port)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return free


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


def _start_prometheus(program: Path, config_dir: Path, data_dir: Path, ports: Ports) -> Process:
    """Without the lifecycle and admin interfaces: SIGHUP reloads, SIGTERM ends.

    Only flags that 2.42 and 3.x share.
    """
    address = f"127.0.0.1:{ports.prometheus}"
    storage = data_dir / "prometheus"
    return processes.spawn(
        "Prometheus",
        [
            program,
            f"--config.file={config_dir / 'prometheus' / 'prometheus.yml'}",
            f"--storage.tsdb.path={storage}",
            f"--storage.tsdb.retention.time={RETENTION}",
            f"--web.listen-address={address}",
            f"--web.external-url=http://{address}",
        ],
        mark=f"--storage.tsdb.path={storage}",
        log=data_dir / "logs" / "prometheus.log",
    )


def _start_alertmanager(program: Path, config_dir: Path, data_dir: Path, ports: Ports) -> Process:
    """Alone (no cluster port); silences are written every minute rather than every 15."""
    address = f"127.0.0.1:{ports.alertmanager}"
    storage = data_dir / "alertmanager"
    return processes.spawn(
        "Alertmanager",
        [
            program,
            f"--config.file={config_dir / 'alertmanager' / 'alertmanager.yml'}",
            f"--storage.path={storage}",
            "--data.maintenance-interval=1m",
            "--cluster.listen-address=",
            f"--web.listen-address={address}",
            f"--web.external-url=http://{address}",
        ],
        mark=f"--storage.path={storage}",
        log=data_dir / "logs" / "alertmanager.log",
    )


def _await_ready(process: Process, url: str) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        if not process.alive:
            raise processes.died(process)
        with contextlib.suppress(requests.RequestException):
            if requests.get(f"{url}/-/ready", timeout=5).ok:
                return
        time.sleep(0.05)
    raise Unreachable(
        f"{process.name} was not ready after {READY_WITHIN_S:.0f} s, see {process.log}"
    )


def _reload_alertmanager(stack: Stack) -> None:
    answer = requests.post(f"{stack.alertmanager_url}/-/reload", timeout=RELOAD_WITHIN_S)
    if not answer.ok:
        raise ModelwatchError(
            f"Alertmanager refused the configuration and keeps the old one: {answer.text.strip()}"
        )


def _reload_prometheus(stack: Stack) -> None:
    """SIGHUP tells no result: the time of the last good reload and the log do."""
    process, log = stack.prometheus, stack.prometheus.log
    before, written = _reloaded_at(stack), log.stat().st_size
    processes.interrupt(process)
    deadline = time.monotonic() + RELOAD_WITHIN_S
    while time.monotonic() < deadline:
        said = log.read_bytes()[written:].decode(errors="replace")
        if RELOAD_REFUSED in said:
            reason = next(line for line in said.splitlines() if RELOAD_REFUSED in line)
            raise ModelwatchError(
                f"Prometheus refused the configuration and keeps the old one: {reason}"
            )
        if _reloaded_at(stack) != before:
            return
        time.sleep(0.05)
    raise Unreachable(f"Prometheus did not reload within {RELOAD_WITHIN_S:.0f} s, see {log}")


def _reloaded_at(stack: Stack) -> str:
    page = requests.get(f"{stack.prometheus_url}/metrics", timeout=5).text
    return next(line for line in page.splitlines() if line.startswith(RELOAD_TIME))


def _end(stack: Stack) -> None:
    for process, _ in stack.urls:
        processes.stop(process)


@contextlib.contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """Two commands on one data folder wait for each other."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _remember(stack: Stack) -> None:
    """Replace the state file in one step: a reader never sees half of it."""
    new = stack.data_dir / "state.json.new"
    new.write_text(json.dumps(asdict(stack), indent=2, default=str) + "\n")
    new.replace(stack.data_dir / "state.json")
