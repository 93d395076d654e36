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
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import click

from compose import checked
from compose.containers import engine, environment
from compose.containers import stack as containers
from compose.containers.engine import Engine
from compose.demo import demo as story
from compose.demo import stage
from compose.native import boards, grafana
from compose.native import stack as native
from generator import container_stack, tree
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
@click.option(
    "--docker/--native",
    "in_containers",
    default=None,
    help="As containers or as processes; without it containers where a Docker engine answers.",
)
@click.option("--profile", "profiles", multiple=True, help="Further services of compose.yaml.")
@click.option("--without", multiple=True, help="A service to leave out, such as grafana.")
@click.option(
    "--file",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    help="A compose file of yours, on top of ours.",
)
@click.option("--foreground", is_flag=True, help="Stay; when this ends, so does everything else.")
def up(
    inventory: str, in_containers: bool | None, foreground: bool, **chosen: tuple[str, ...]
) -> None:
    """Run Prometheus, Alertmanager, Grafana and our exporters; reload what runs.

    Example: modelwatch up models.yaml
    """
    if foreground:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that `finally` is reached
    fleet, folder = inventory_at(inventory), data_dir(inventory)
    with ExitStack() as stack:
        if reached := _engine(stack, folder, in_containers):
            container_stack.up(reached, inventory, folder, chosen, foreground=foreground)
            return
    if any(chosen.values()):
        raise click.UsageError("--profile, --without and --file are for containers")
    _up_native(fleet, inventory, foreground=foreground)


def _up_native(fleet: Inventory, inventory: str, *, foreground: bool) -> None:
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
    folder = data_dir(inventory)
    if native.state(folder):
        _where(start(inventory_at(inventory), folder))
    elif containers.state(folder):
        with engine.reached() as reached:
            container_stack.up(reached, inventory, folder, {}, renew=False)
    else:
        raise Unreachable(f"nothing of {inventory} runs; start it with: modelwatch up {inventory}")


@click.command()
@click.argument("inventory", type=click.Path(dir_okay=False))
@click.option("--volumes", is_flag=True, help="Delete everything that was recorded, for ever.")
def down(inventory: str, volumes: bool) -> None:
    """End what `up` started; its data stays.

    Example: modelwatch down models.yaml
    """
    folder = data_dir(inventory)
    ended = native.stop(folder)
    if containers.known(folder) or (volumes and (folder / environment.NAME).exists()):
        names = containers.volumes_of(folder) if volumes else []
        click.echo("".join(f"deleting volume {name}\n" for name in names), nl=False)
        ended |= containers.stop(folder, volumes=volumes)
    if volumes and folder.exists():
        click.echo(f"deleting {folder}")
    if volumes:
        shutil.rmtree(folder, ignore_errors=True)
    click.echo("stopped" if ended else f"nothing of {inventory} was running")


@click.command()
@click.argument("inventory", type=click.Path(dir_okay=False), default="examples/demo.yaml")
@click.option("--stop", is_flag=True, help="End what an earlier demo left running.")
@click.option("--incident", default=story.INCIDENT, show_default=True, help="Which one is played.")
def demo(inventory: str, stop: bool, incident: str) -> None:
    """Watch simulated models have an incident, and the notification of it arrive.

    Example: modelwatch demo
    """
    if stop:
        click.echo("stopped" if story.stop(DEMO) else "no demo was running")
        return
    if not Path(inventory).exists():
        raise ModelwatchError(f"{inventory} is not there; name an inventory for the demo")
    story.run(inventory_at(inventory), write, data_dir=DEMO, incident=incident)


def write(inventory: Inventory, folder: Path) -> tree.Change:
    """Generate into the folder, for a Grafana of this machine."""
    boards_path = folder.resolve() / "grafana" / "dashboards"
    return tree.write(folder, build(inventory, definitions(), boards_path=str(boards_path)))


def start(inventory: Inventory, folder: Path) -> native.Stack:
    """Generate for the ports that are free here, and run (or reload) the servers.

    What the servers' own tools refuse never reaches the disk or the servers.

    Raises:
        ModelwatchError: the configuration is refused; what ran before goes on with the old one.
    """
    ports = native.choose_ports(folder)
    settings = stage.own_addresses(inventory.settings, ports)
    local = replace(inventory, settings=boards.linked(settings, ports))
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


def _engine(stack: ExitStack, folder: Path, in_containers: bool | None) -> Engine | None:
    """The engine, where containers are wanted or possible; says why not where it is neither.

    What runs already goes on in the way that it was started.
    """
    if native.state(folder):
        if in_containers:
            raise ModelwatchError("it runs as processes of this machine; end it with `down` first")
        return None
    try:
        reached = stack.enter_context(engine.reached())
    except Unreachable as failure:
        if in_containers:
            raise
        if in_containers is None and containers.known(folder):
            raise Unreachable(
                f"it was started in containers, and {failure}; start Docker, or take --native"
            ) from failure
        if in_containers is None:
            click.echo(f"{failure}: running as processes of this machine", err=True)
        return None
    if in_containers is False:
        project = containers.known(folder)
        if project and containers.containers(reached, project):
            raise ModelwatchError("it runs in containers; end it with `down` first")
        return None
    return reached


def data_dir(inventory: str) -> Path:
    """The folder of what runs for this file: two of one name in different folders have two."""
    path = Path(inventory).resolve()
    return HOME / f"{path.stem}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:8]}"


def _where(stack: native.Stack) -> None:
    for process, url in stack.urls:
        click.echo(f"{process.name.removeprefix('the '):20}{url}")
    if stack.boards and stack.boards.name == grafana.TITLE:
        password = os.path.relpath(grafana.password_file(stack.data_dir))
        click.echo(f"Grafana's user is admin, its first password is in {password}")
        return
    folder = os.path.relpath(stack.config_dir / "grafana" / "dashboards")
    click.echo(f"no Grafana {grafana.OLDEST} or later was found; import into yours: {folder}")
    if stack.boards is None:
        click.echo(f"to see the boards here without one: {boards.GET_PREVIEW}")


def _rounds() -> Iterator[int]:
    for number in itertools.count():
        time.sleep(LOOK_EVERY_S)
        yield number
