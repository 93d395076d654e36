"""The commands that run things on this machine: `up`, `down`, `demo`."""

import itertools
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click

from compose import demo as story
from compose import native, stage
from generator import tree
from generator.build import build
from generator.definitions import definitions
from generator.opening import inventory_at
from modelwatch.inventory import Inventory
from modelwatch.problems import ModelwatchError

HOME = Path(".modelwatch")
DEMO = HOME / "demo"
LOOK_EVERY_S = 2.0


@click.command()
@click.argument("inventory", type=click.Path(exists=True, dir_okay=False))
@click.option("--foreground", is_flag=True, help="Stay, and start again what ends by itself.")
def up(inventory: str, foreground: bool) -> None:
    """Run Prometheus and Alertmanager for an inventory; reload them if they run.

    Example: modelwatch up models.yaml
    """
    if foreground:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that `finally` is reached
    stack = start(inventory_at(inventory), _data_dir(inventory))
    try:
        _where(stack)
        if not foreground:
            click.echo(f"end it with: modelwatch down {inventory}")
            return
        for said in native.supervise(stack, rounds=_rounds()):
            click.echo(said, err=True)
    finally:
        if foreground:
            native.stop(stack.data_dir)


@click.command()
@click.argument("inventory", type=click.Path(dir_okay=False))
def down(inventory: str) -> None:
    """End what `up` started; its data stays.

    Example: modelwatch down models.yaml
    """
    ended = native.stop(_data_dir(inventory))
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


def start(inventory: Inventory, data_dir: Path) -> native.Stack:
    """Generate for the ports that are free here, and run (or reload) the servers."""
    ports = native.choose_ports(data_dir)
    settings = stage.own_addresses(inventory.settings, ports)
    write(replace(inventory, settings=settings), data_dir / "config")
    return native.start(data_dir / "config", data_dir, ports)


def _where(stack: native.Stack) -> None:
    click.echo(f"Prometheus    {stack.prometheus_url}")
    click.echo(f"Alertmanager  {stack.alertmanager_url}")
    boards = stack.config_dir / "grafana" / "dashboards"
    click.echo(f"no Grafana runs here; import into yours: {os.path.relpath(boards)}")


def _data_dir(inventory: str) -> Path:
    return HOME / Path(inventory).stem


def _rounds() -> Iterator[int]:
    for number in itertools.count():
        time.sleep(LOOK_EVERY_S)
        yield number
