"""Who shows the boards beside the servers: a Grafana of this machine, our preview, or nobody."""

import importlib.util
from dataclasses import replace
from pathlib import Path

from compose.addresses import is_here
from compose.native import exporters, grafana, processes, servers
from compose.native.processes import Process
from compose.ports import Ports, free_port, is_free
from modelwatch.inventory import Inventory, Settings

GRAFANA_PORT = Ports().boards
PREVIEW_PORT = 9475
PREVIEW = "boards (preview)"
GET_PREVIEW = "pip install 'modelwatch[preview]'"


def can_be_drawn() -> bool:
    """Whether the library of the preview is installed."""
    return importlib.util.find_spec("plotly") is not None


def port(path: str | None = None) -> int:
    """The usual one of whoever will show them or, if taken, another."""
    usual = GRAFANA_PORT if grafana.find(path) else PREVIEW_PORT
    return usual if is_free(usual) else free_port()


def linked(settings: Settings, ports: Ports, path: str | None = None) -> Settings:
    """The settings with links to the boards that are shown here.

    Links to a Grafana on another machine stay.
    """
    shown = can_be_drawn() or grafana.find(path)
    if not shown or not is_here(settings.grafana_url):
        return settings
    return replace(settings, grafana_url=ports.boards_url)


def show(
    config_dir: Path,
    data_dir: Path,
    ports: Ports,
    inventory: Inventory | None,
    *,
    running: Process | None,
    path: str | None = None,
) -> Process | None:
    """Whoever shows them, ready: what is `running` already if it is as it should be.

    Prometheus must be ready. Without an inventory nobody does.

    Raises:
        Unreachable: it ended, or was not ready in time.
    """
    found = grafana.find(path) if inventory else None
    if found:
        wanted = grafana.mark(config_dir, data_dir, ports)
    elif inventory and can_be_drawn():
        wanted = _preview_mark(inventory, ports)
    else:
        wanted = ""
    if running and running.alive:
        if running.mark == wanted:
            return running
        processes.stop(running)
    if found:
        return grafana.start(found, config_dir, data_dir, ports)
    return _start_preview(inventory, data_dir, ports) if inventory and wanted else None


def await_ready(process: Process, ports: Ports) -> None:
    """Return when it is; raises like `show`."""
    patience = grafana.READY_WITHIN_S if process.name == grafana.TITLE else servers.READY_WITHIN_S
    servers.await_ready(process, ports.boards_url, within_s=patience)


def _preview_mark(inventory: Inventory, ports: Ports) -> str:
    return " ".join(_preview_arguments(inventory, ports))


def _preview_arguments(inventory: Inventory, ports: Ports) -> list[str]:
    return [
        str(Path(inventory.path).resolve()),
        f"--prometheus=http://127.0.0.1:{ports.prometheus}",
        f"--serve=127.0.0.1:{ports.boards}",
    ]


def _start_preview(inventory: Inventory, data_dir: Path, ports: Ports) -> Process:
    python, home = exporters.python()
    return processes.spawn(
        PREVIEW,
        [*python, "generator", "preview", *_preview_arguments(inventory, ports)],
        mark=_preview_mark(inventory, ports),
        log=data_dir / "logs" / "preview.log",
        environment=home,
    )
