"""Our exporters as processes of this machine, where the inventory says that they run on it."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import compose
from compose.native import processes
from compose.native.processes import Process
from modelwatch.inventory import Inventory, Source

LOOPBACK = "127.0.0.1:"


def python() -> tuple[list[str], dict[str, str]]:
    """How a module of ours is run, and the environment in which it is found."""
    path = os.pathsep.join([str(Path(compose.__path__[0]).parent), *sys.path[1:]])
    return [sys.executable, "-m"], {"PYTHONPATH": path}


def addresses(inventory: Inventory) -> dict[str, str]:
    """Loopback address by exporter. Pools name the GPU exporter of their cards themselves."""
    here = {
        name: target
        for name, source in _declared(inventory)
        for target in source.targets[:1]
        if target.startswith(LOOPBACK)
    }
    return dict(sorted(here.items()))


def _declared(inventory: Inventory) -> Iterator[tuple[str, Source]]:
    yield from inventory.exporters.items()
    for pool in inventory.pools:
        yield from (("gpu", one) for one in pool.sources if one.engine == "modelwatch_gpu")


def mark(name: str, listen: str, data_dir: Path) -> str:
    """What no other process has on its command line: one that listens elsewhere is another."""
    return f"--listen={listen} {_state(name, data_dir)}"


def log(name: str, data_dir: Path) -> Path:
    """Where its output goes."""
    return data_dir / "logs" / f"{name}-exporter.log"


def spawn(
    inventory: Inventory,
    data_dir: Path,
    options: Mapping[str, Sequence[str]],
    environment: Mapping[str, str],
) -> list[Process]:
    """Start them; `options` are further ones by exporter. State and logs go to the data folder."""
    return [
        spawn_one(name, inventory, data_dir, options.get(name, ()), environment)
        for name in addresses(inventory)
    ]


def spawn_one(
    name: str,
    inventory: Inventory,
    data_dir: Path,
    options: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Process:
    """Start one. The path of the inventory is made absolute: it is read again when it changes."""
    command, home = python()
    listen = addresses(inventory)[name]
    own = (
        f"--inventory={Path(inventory.path).resolve()}",
        f"--listen={listen}",
        _state(name, data_dir),
    )
    return processes.spawn(
        f"the {name} exporter",
        [*command, "generator", "exporter", name, *own, *options],
        mark=mark(name, listen, data_dir),
        log=log(name, data_dir),
        environment={**home, **(environment or {})},
    )


def _state(name: str, data_dir: Path) -> str:
    return f"--state-dir={data_dir / 'state' / name}"
