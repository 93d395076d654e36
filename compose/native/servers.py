"""Prometheus and Alertmanager as processes: how each is started, asked for and reloaded."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import requests

from compose import listening
from compose.native import grafana, processes
from compose.native.processes import Process
from compose.ports import Ports
from modelwatch.problems import ModelwatchError, Unreachable

READY_WITHIN_S = 60.0
RELOAD_WITHIN_S = 90.0
"""Prometheus gives what it still has for a storage that it is to forget a minute to go out."""

STARTED_AFTER_S = 5.0
"""A server whose port is taken has ended by then; one that runs may be the child of a script."""

HEALTH = {grafana.TITLE: "/api/health"}
"""Where a process tells whether it is ready, if not where Prometheus and all of ours do."""

RETENTION = "45d"
"""Longest SLO window and budget period are a month; half a month more to look back."""

GRACE = "1m"
"""Longer holds survive a restart. By itself Prometheus starts those below ten minutes anew,
and Alertmanager takes an alert that it hears nothing of for four minutes as over."""

RELOAD_TIME = "prometheus_config_last_reload_success_timestamp_seconds"
RELOAD_REFUSED = "Error reloading config"


def start_prometheus(program: Path, config_dir: Path, data_dir: Path, ports: Ports) -> Process:
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
            f"--rules.alert.for-grace-period={GRACE}",
            f"--web.listen-address={address}",
            f"--web.external-url=http://{address}",
        ],
        mark=f"--storage.tsdb.path={storage}",
        log=data_dir / "logs" / "prometheus.log",
    )


def start_alertmanager(program: Path, config_dir: Path, data_dir: Path, ports: Ports) -> Process:
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


def ready(process: Process, url: str) -> bool:
    """Whether it says that it can work."""
    return requests.get(f"{url}{HEALTH.get(process.name, '/-/ready')}", timeout=5).ok


def await_ready(process: Process, url: str, *, within_s: float = READY_WITHIN_S) -> None:
    """Return when it is ready.

    Raises:
        Unreachable: it ended, or took too long.
    """
    began = time.monotonic()
    while (waited := time.monotonic() - began) < within_s:
        if not process.alive:
            raise processes.died(process)
        with contextlib.suppress(requests.RequestException):
            if ready(process, url) and (_listens(process, url) or waited > STARTED_AFTER_S):
                return
        time.sleep(0.05)
    raise Unreachable(f"{process.name} was not ready after {within_s:.0f} s, see {process.log}")


def _listens(process: Process, url: str) -> bool:
    """Whether it is the process itself that answers, and no stranger who took the port before."""
    found = listening.listeners(int(url.rpartition(":")[2]))
    return not found or any(one.pid == process.pid for one in found)


def reload_alertmanager(url: str) -> None:
    """Let it read its configuration again.

    Raises:
        ModelwatchError: it refused the configuration.
    """
    answer = requests.post(f"{url}/-/reload", timeout=RELOAD_WITHIN_S)
    if not answer.ok:
        raise ModelwatchError(
            f"Alertmanager refused the configuration and keeps the old one: {answer.text.strip()}"
        )


def reload_prometheus(process: Process, url: str) -> None:
    """Let it read its configuration again, by SIGHUP.

    The signal tells no result: the time of the last good reload and the log do.

    Raises:
        ModelwatchError: it refused the configuration.
        Unreachable: it took too long.
    """
    log, written = process.log, process.log.stat().st_size
    await_reload(
        url,
        hang_up=lambda: processes.interrupt(process),
        said=lambda: log.read_bytes()[written:],
        see=str(log),
    )


def await_reload(
    url: str, *, hang_up: Callable[[], object], said: Callable[[], bytes], see: str
) -> None:
    """Send Prometheus the signal, and return when it has taken the configuration.

    Raises:
        ModelwatchError: it refused the configuration, as it `said` since then.
        Unreachable: it took too long.
    """
    before = _reloaded_at(url)
    hang_up()
    deadline = time.monotonic() + RELOAD_WITHIN_S
    while time.monotonic() < deadline:
        lines = said().decode(errors="replace").splitlines()
        if reason := next((line for line in lines if RELOAD_REFUSED in line), ""):
            raise ModelwatchError(
                f"Prometheus refused the configuration and keeps the old one: {reason}"
            )
        if _reloaded_at(url) != before:
            return
        time.sleep(0.05)
    raise Unreachable(f"Prometheus did not reload within {RELOAD_WITHIN_S:.0f} s, see {see}")


def _reloaded_at(url: str) -> str:
    page = requests.get(f"{url}/metrics", timeout=5).text
    return next(line for line in page.splitlines() if line.startswith(RELOAD_TIME))
