"""The commands that run things on this machine: `up`, `reload`, `down`, `demo`."""

import hashlib
import itertools
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click

from compose import checked, native, stage
from compose import demo as story
from generator import tree
from generator.build import build
from generator.definitions import definitions
from generator.opening import inventory_at
from modelwatch.inventory import Inventory
from modelwatch.problems import ModelwatchError, Unreachable

HOME = Path(".modelwatch")
DEMO = HOME / "demo"
LOOK_EVERY_S = 2.0


@click.command()
@click.argument("inventory", type=click.Path(exists=True, dir_okay=False))
@click.option("--foreground", is_flag=True, help="Stay, and start again what ends by itself.")
def up(inventory: str, foreground: bool) -> None:
    """Run Prometheus, Alertmanager and our exporters; reload what runs.

    Example: modelwatch up models.yaml
    """
    if foreground:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that `finally` is reached
    fleet = inventory_at(inventory)
    stack = start(fleet, data_dir(inventory))
    try:
        _where(stack)
        if not foreground:
            click.echo(f"end it with: modelwatch down {inventory}")
            return
        for said in native.supervise(stack, rounds=_rounds(), inventory=fleet):
            click.echo(said, err=True)
    finally:
        if foreground:
            native.stop(stack.data_dir)


@click.command()
@click.argument("inventory", type=click.Path(exists=True, dir_okay=False))
def reload(inventory: str) -> None:
    """Let a running stack take the inventory as it is now; a broken one is refused.

    Example: modelwatch reload models.yaml
    """
    if native.state(data_dir(inventory)) is None:
        raise Unreachable(f"nothing of {inventory} runs; start it with: modelwatch up {inventory}")
    _where(start(inventory_at(inventory), data_dir(inventory)))


@click.command()
@click.argument("inventory", type=click.Path(dir_okay=False))
def down(inventory: str) -> None:
    """End what `up` started; its data stays.

    Example: modelwatch down models.yaml
    """
    ended = native.stop(data_dir(inventory))
    click.echo("stopped" if ended else f"nothing of {inventory} was running")


@click.command()
@click.argument("inventory", type=click.Path(dir_okay=False), default="examples/demo.yaml")
@click.option("--stop", is_flag=True, help="End what an earlier demo left running.")
def demo(inventory: str, stop: bool) -> None:
    """Watch simulated models have an incident, and the notification of it arrive.

    Example: modelwatch demo
    """
    if stop:
        click.echo("stopped" if story.stop(DEMO) else "no demo was running")
        return
    if not Path(inventory).exists():
        raise ModelwatchError(f"{inventory} is not there; name an inventory for the demo")
    story.run(inventory_at(inventory), write, data_dir=DEMO)


def write(inventory: Inventory, folder: Path) -> tree.Change:
    """Generate into the folder."""
    return tree.write(folder, build(inventory, definitions()))


def start(inventory: Inventory, folder: Path) -> native.Stack:
    """Generate for the ports that are free here, and run (or reload) the servers.

    What the servers' own tools refuse never reaches the disk or the servers.

    Raises:
        ModelwatchError: the configuration is refused; what ran before goes on with the old one.
    """
    ports = native.choose_ports(folder)
    local = replace(inventory, settings=stage.own_addresses(inventory.settings, ports))
    folder.mkdir(parents=True, exist_ok=True)
    trial = Path(tempfile.mkdtemp(prefix="config-", dir=folder))
    try:
        write(local, trial)
        missing = checked.refuse_broken(trial)
    except ModelwatchError as failure:
        if native.state(folder):
            raise ModelwatchError(f"{failure}\nwhat runs keeps the old one") from failure
        raise
    finally:
        shutil.rmtree(trial)
    if missing:
        click.echo(f"not checked beforehand: {', '.join(missing)} not on PATH", err=True)
    write(local, folder / "config")
    return native.start(folder / "config", folder, ports, inventory=inventory)


def data_dir(inventory: str) -> Path:
    """The folder of what runs for this file: two of one name in different folders have two."""
    path = Path(inventory).resolve()
    return HOME / f"{path.stem}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:8]}"


def _where(stack: native.Stack) -> None:
    for process, url in stack.urls:
        click.echo(f"{process.name.removeprefix('the '):20}{url}")
    boards = stack.config_dir / "grafana" / "dashboards"
    click.echo(f"no Grafana runs here; import into yours: {os.path.relpath(boards)}")


def _rounds() -> Iterator[int]:
    for number in itertools.count():
        time.sleep(LOOK_EVERY_S)
        yield number
