"""The commands that look at what runs and change nothing: `status`, `doctor`."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from compose import doctor as checks
from compose import status as statuses
from compose.containers import doctor as container_checks
from compose.containers import engine
from compose.containers import stack as containers
from compose.containers.stack import Running
from compose.doctor import Finding
from compose.native import stack as native
from compose.native.stack import Stack
from generator.opening import inventory_at
from generator.stack import HOME, data_dir
from modelwatch.inventory import Inventory
from modelwatch.problems import Unreachable

_STATES = ("state.json", containers.STATE)
_INVENTORY = click.argument(
    "inventory", type=click.Path(exists=True, dir_okay=False), required=False
)
_PROMETHEUS = click.option(
    "--prometheus",
    metavar="URL",
    help="Ask this Prometheus instead of the one that `modelwatch up` started.",
)
_FORMAT = click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")


@click.command()
@_INVENTORY
@_PROMETHEUS
@_FORMAT
def status(inventory: str | None, prometheus: str | None, form: str) -> None:
    """Say what runs, is scraped and fires, and which declared models are silent.

    Example: modelwatch status models.yaml
    """
    stack = None if prometheus else running(inventory)
    url = prometheus.rstrip("/") if prometheus else _stack_url(stack, inventory)
    path = inventory or (stack.inventory if stack else "")
    servers = statuses.of_processes(stack) if isinstance(stack, Stack) else ()
    if isinstance(stack, Running):
        servers = stack.servers
    fleet = inventory_at(path) if path else None
    found = statuses.look(url, servers=servers, inventory=fleet)
    click.echo(
        json.dumps({"well": found.well, **asdict(found)}, indent=2)
        if form == "json"
        else statuses.text(found)
    )
    sys.exit(0 if found.well else 1)


@click.command()
@_INVENTORY
@_PROMETHEUS
@_FORMAT
def doctor(inventory: str | None, prometheus: str | None, form: str) -> None:
    """Look for what is wrong around the servers: ports, secrets, disk, clock, versions, labels.

    Example: modelwatch doctor models.yaml
    """
    stack = running(inventory)
    path = inventory or (stack.inventory if stack else "")
    if not path:
        raise click.UsageError("none is known to run here; name an inventory")
    url = prometheus.rstrip("/") if prometheus else stack and stack.prometheus_url
    fleet = inventory_at(path)
    folder = stack.data_dir if stack else data_dir(path)
    around = (
        _around_processes(fleet, folder, stack)
        if isinstance(stack, Stack)
        else _around(fleet, path, folder)
    )
    found = [*around, *_there(fleet, url or "")]
    if form == "json":
        click.echo(json.dumps([asdict(one) for one in found], indent=2))
    else:
        for one in found:
            click.echo(str(one))
    wrong = sum(one.wrong for one in found)
    click.echo(
        f"{wrong} thing{'s' * (wrong != 1)} wrong" if wrong else "nothing is wrong", err=True
    )
    sys.exit(1 if wrong else 0)


def _around(inventory: Inventory, path: str, folder: Path) -> Iterator[Finding]:
    """Around what `up` would start, or did: containers where an engine answers."""
    try:
        yield from list(_around_containers(path, folder))
    except Unreachable as failure:
        yield Finding(
            what=str(failure),
            why="`up` runs processes of this machine",
            remedy="nothing, unless you want containers",
            wrong=False,
        )
        yield from _around_processes(inventory, folder, None)


def _around_containers(path: str, folder: Path) -> Iterator[Finding]:
    with engine.reached() as reached:
        yield from container_checks.releases(reached)
        yield from container_checks.images(reached, folder)
        yield from container_checks.disk(reached)
    yield from container_checks.secret_files(Path(path), folder)
    yield from container_checks.open_bindings(folder)
    yield from checks.disk(folder)


def _around_processes(inventory: Inventory, folder: Path, stack: Stack | None) -> Iterator[Finding]:
    yield from checks.taken_ports(inventory, stack)
    yield from checks.secret_files(inventory, folder)
    yield from checks.disk(folder)
    yield from checks.program_versions()
    yield from checks.open_bindings(inventory, stack)


def _there(inventory: Inventory, url: str) -> Iterator[Finding]:
    if not url:
        yield Finding(
            what="no Prometheus was asked",
            why="clock, release, labels and retention of it are not looked at",
            remedy="start one with `modelwatch up`, or name one with --prometheus",
            wrong=False,
        )
        return
    yield from checks.clock(url)
    yield from checks.server_version(url)
    yield from checks.label_clashes(url)
    yield from checks.retention(url, inventory)


def running(inventory: str | None) -> Stack | Running | None:
    """The stack of the inventory; without one the only stack that runs below this folder.

    Raises:
        UsageError: there are several.
    """
    if inventory:
        return _running_in(data_dir(inventory))
    folders = {file.parent for name in _STATES for file in HOME.glob(f"*/{name}")}
    found = [stack for folder in sorted(folders) if (stack := _running_in(folder))]
    if len(found) > 1:
        names = ", ".join(stack.inventory or str(stack.data_dir) for stack in found)
        raise click.UsageError(f"several run here: {names}; name an inventory")
    return found[0] if found else None


def _running_in(folder: Path) -> Stack | Running | None:
    return native.state(folder) or containers.state(folder)


def _stack_url(stack: Stack | Running | None, inventory: str | None) -> str:
    if stack:
        return stack.prometheus_url
    raise Unreachable(
        f"nothing of {inventory or Path.cwd()} runs; start it with `modelwatch up`, or name a "
        "server with --prometheus URL"
    )
