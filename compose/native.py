"""Prometheus and Alertmanager as plain processes on this machine: up, reload, down.

The data folder holds everything they write and `state.json`, which says what runs and where. Both
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

from compose import processes, programs
from compose.processes import Process
from modelwatch.problems import ModelwatchError, Unreachable

READY_WITHIN_S = 60.0
RELOAD_WITHIN_S = 30.0
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
    """The two servers as they were started from `config_dir`."""

    config_dir: Path
    data_dir: Path
    ports: Ports
    prometheus: Process
    alertmanager: Process

    @property
    def prometheus_url(self) -> str:
        """Where Prometheus answers."""
        return f"http://127.0.0.1:{self.ports.prometheus}"

    @property
    def alertmanager_url(self) -> str:
        """Where Alertmanager answers."""
        return f"http://127.0.0.1:{self.ports.alertmanager}"

    @property
    def dead(self) -> tuple[Process, ...]:
        """Those of the two that do not run (any more)."""
        return tuple(one for one in (self.prometheus, self.alertmanager) if not one.alive)


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


def start(config_dir: Path, data_dir: Path, ports: Ports, *, path: str | None = None) -> Stack:
    """Start what does not run, reload what does, and return when both are ready.

    `path` is where programs are looked for instead of PATH.

    Raises:
        Unreachable: a program is missing, ended early or did not become ready.
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
        stack = Stack(
            config_dir=config_dir,
            data_dir=data_dir,
            ports=ports,
            alertmanager=alertmanager
            or _start_alertmanager(found["alertmanager"].path, config_dir, data_dir, ports),
            prometheus=prometheus
            or _start_prometheus(found["prometheus"].path, config_dir, data_dir, ports),
        )
        _remember(stack)
        _await_ready(stack.alertmanager, stack.alertmanager_url)
        _await_ready(stack.prometheus, stack.prometheus_url)
        if alertmanager:
            _reload_alertmanager(stack)
        if prometheus:
            _reload_prometheus(stack)
        return stack


def stop(data_dir: Path) -> bool:
    """End both servers, Prometheus first. Their data stays. False when nothing ran."""
    if not (data_dir / "state.json").exists():
        return False
    with _alone(data_dir):
        stack = state(data_dir)
        if stack:
            _end(stack)
        (data_dir / "state.json").unlink(missing_ok=True)
        return stack is not None


def state(data_dir: Path) -> Stack | None:
    """The stack of the data folder if at least one of its servers runs; see `Stack.dead`."""
    file = data_dir / "state.json"
    if not file.exists():
        return None
    known = json.loads(file.read_text())
    stack = Stack(
        config_dir=Path(known["config_dir"]),
        data_dir=Path(known["data_dir"]),
        ports=Ports(**known["ports"]),
        prometheus=Process.known(known["prometheus"]),
        alertmanager=Process.known(known["alertmanager"]),
    )
    return None if len(stack.dead) == 2 else stack


def supervise(stack: Stack, *, rounds: Iterator[object], path: str | None = None) -> Iterator[str]:
    """Once per round, start again whatever ended, and say which it was."""
    for _ in rounds:
        for gone in stack.dead:
            yield f"{gone.name} ended by itself and is started again; its log is {gone.log}"
            stack = start(stack.config_dir, stack.data_dir, stack.ports, path=path)


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
        with contextlib.suppress(requests.ConnectionError):
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
    processes.stop(stack.prometheus)
    processes.stop(stack.alertmanager)


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
