"""Prometheus and Alertmanager as processes: how each is started, asked for and reloaded."""

import contextlib
import time
from pathlib import Path

import requests

from compose import processes
from compose.ports import Ports
from compose.processes import Process
from modelwatch.problems import ModelwatchError, Unreachable

READY_WITHIN_S = 60.0
RELOAD_WITHIN_S = 30.0
RETENTION = "45d"
"""Longest SLO window and budget period are a month; half a month more to look back."""

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


def await_ready(process: Process, url: str) -> None:
    """Return when it is ready.

    Raises:
        Unreachable: it ended, or took too long.
    """
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
    log = process.log
    before, written = _reloaded_at(url), log.stat().st_size
    processes.interrupt(process)
    deadline = time.monotonic() + RELOAD_WITHIN_S
    while time.monotonic() < deadline:
        said = log.read_bytes()[written:].decode(errors="replace")
        if RELOAD_REFUSED in said:
            reason = next(line for line in said.splitlines() if RELOAD_REFUSED in line)
            raise ModelwatchError(
                f"Prometheus refused the configuration and keeps the old one: {reason}"
            )
        if _reloaded_at(url) != before:
            return
        time.sleep(0.05)
    raise Unreachable(f"Prometheus did not reload within {RELOAD_WITHIN_S:.0f} s, see {log}")


def _reloaded_at(url: str) -> str:
    page = requests.get(f"{url}/metrics", timeout=5).text
    return next(line for line in page.splitlines() if line.startswith(RELOAD_TIME))
