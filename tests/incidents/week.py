"""A week before the stack started: raw series as blocks, and what its own rules make of them.

`promtool` writes both into the data folder before Prometheus starts. From then on everything is
scraped and evaluated as ever.
"""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from compose import programs
from compose.fleet import history
from compose.native import processes, servers
from compose.ports import Ports, free_port
from generator import stack
from modelwatch.catalogue.recorded import KPI
from modelwatch.inventory import Inventory
from modelwatch.promql import duration_seconds

_GROUP = "modelwatch-kpi-slow"
_MARGIN_S = 600.0
"""As long as anybody looks back a week from: an act."""


def lived_through(path: str) -> Callable[[Inventory, Path], object]:
    """Generate as ever, beside a data folder in which the KPI of chat has a week of past."""

    def write(inventory: Inventory, config_dir: Path) -> None:
        stack.write(inventory, config_dir)
        _fill(config_dir.parent, inventory.settings.time_compression, path)

    return write


def _fill(data_dir: Path, compression: int, path: str) -> None:
    now = time.time()
    week, day = (float(duration_seconds(one)) / compression for one in ("1w", "1d"))
    start = now - week - day - _MARGIN_S
    storage, page = data_dir / "prometheus", data_dir / "clicks.txt"
    page.write_text("\n".join(history.clicks(start, now)) + "\n")
    promtool = programs.require("promtool", path=path)["promtool"].path
    _blocks(promtool, "openmetrics", page, storage)
    (samples, figures) = _rules(data_dir)
    # A rule that reads what another one records finds it only in a second round.
    for rules, begin in ((samples, start), (figures, now - week - _MARGIN_S)):
        with _prometheus(data_dir, path) as url:
            span = (f"--start={begin:.0f}", f"--end={now:.0f}")
            _blocks(promtool, "rules", f"--url={url}", *span, f"--output-dir={storage}", rules)


def _rules(data_dir: Path) -> tuple[Path, Path]:
    """Two files: the rules that sample the counters, and that of the KPI over a day."""
    generated = data_dir / "config" / "prometheus" / "rules" / "recorded.yml"
    groups = yaml.safe_load(generated.read_text())["groups"]
    group = next(one for one in groups if one["name"] == _GROUP)
    samples, figures = data_dir / "samples.yml", data_dir / "figures.yml"
    for file, kept in (
        (samples, [one for one in group["rules"] if "_slow" in one["record"]]),
        (figures, [one for one in group["rules"] if one["record"] == str(KPI)]),
    ):
        file.write_text(yaml.safe_dump({"groups": [{**group, "rules": kept}]}))
    return samples, figures


@contextmanager
def _prometheus(data_dir: Path, path: str) -> Iterator[str]:
    """One that reads the data, without any rules or targets; where it answers."""
    config = data_dir / "reader" / "prometheus" / "prometheus.yml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text("global: {}\n")
    (data_dir / "logs").mkdir(exist_ok=True)
    ports = Ports(prometheus=free_port())
    program = programs.require("prometheus", path=path)["prometheus"].path
    reader = servers.start_prometheus(program, data_dir / "reader", data_dir, ports)
    url = f"http://127.0.0.1:{ports.prometheus}"
    try:
        servers.await_ready(reader, url)
        yield url
    finally:
        processes.stop(reader)


def _blocks(promtool: Path, *arguments: str | Path) -> None:
    command = [promtool, "tsdb", "create-blocks-from", *arguments]
    subprocess.run(command, check=True, capture_output=True, text=True)
