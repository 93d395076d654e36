"""The commands that carry a stack's data elsewhere and back: `backup`, `restore`."""

import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click

from compose.backup import containers as backup_containers
from compose.backup import procedure as backups
from compose.backup.archive import Manifest, opened
from compose.backup.native import Native
from compose.backup.procedure import Side, Voice, amount
from compose.native import stack as native
from generator import stack
from generator.opening import inventory_at
from modelwatch.problems import ModelwatchError

_INVENTORY = click.argument("inventory", type=click.Path(dir_okay=False))
_PROJECT = click.option(
    "--project", default="", help="A compose project that was started by hand, such as compose."
)


@click.command()
@_INVENTORY
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The archive to write, such as models.tar.gz.",
)
@click.option("--force", is_flag=True, help="Replace an archive of that name.")
@_PROJECT
def backup(inventory: str, output: Path, force: bool, project: str) -> None:
    """Write series, silences, counts and configuration of a stack into one archive.

    Example: modelwatch backup models.yaml -o models.tar.gz
    """
    folder = stack.data_dir(inventory).resolve()
    with _orderly(), _side(inventory, folder, project=project) as side:
        made = backups.make(
            side,
            output,
            data_dir=folder,
            inventory=Path(inventory),
            force=force,
            voice=_voice(),
        )
    whole = sum(made.parts.values())
    click.echo(f"{output}: {amount(output.stat().st_size)}, of {amount(whole)} in:")
    _tell(made.parts)
    click.echo("secrets are not in it: keep the files that the inventory names yourself", err=True)


@click.command()
@_INVENTORY
@click.argument("archive", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Overwrite the data that is there.")
@click.option("--native", "as_processes", is_flag=True, help="Of containers, for processes.")
@_PROJECT
def restore(inventory: str, archive: Path, force: bool, as_processes: bool, project: str) -> None:
    """Put the data of an archive in the place of what is there, all or nothing.

    Example: modelwatch restore models.yaml models.tar.gz
    """
    folder = stack.data_dir(inventory).resolve()
    if not (as_processes or project):
        _refuse_homeless(inventory, folder, archive)
    with _orderly(), _side(inventory, folder, project, as_processes) as side:
        done = backups.restore(side, archive, data_dir=folder, force=force, voice=_voice())
    made = done.manifest
    click.echo(f"restored what {made.made_by} saved at {made.time} ({made.stack}):")
    _tell(done.parts)
    if done.left_out:
        _say(f"note: this stack has no place for: {', '.join(done.left_out)}")
    _inventory(Path(inventory), archive, made)
    how = " --native" if side.kind == "native" else ""
    click.echo(
        "it runs again" if done.started else f"start it with: modelwatch up{how} {inventory}"
    )


def _inventory(path: Path, archive: Path, made: Manifest) -> None:
    """The one in the archive is written where there is none, and never over one that is there."""
    if backups.INVENTORY not in made.parts:
        return
    text = backups.inventory_in(archive)
    if not path.exists():
        path.write_bytes(text)
        click.echo(f"wrote {path}, which was in the archive")
    elif path.read_bytes() != text:
        _say(f"note: the archive has another {path.name}; yours is kept and used")


@contextmanager
def _side(
    inventory: str, folder: Path, project: str = "", as_processes: bool = False
) -> Iterator[Side]:
    """The stack as it was last brought up, or the one that is named."""
    contained = not as_processes and native.state(folder) is None and _of_containers(folder)
    if project or contained:
        with backup_containers.reached(folder, project) as side:
            yield side
        return
    yield Native(data_dir=folder, start=_start(inventory, folder))


def _of_containers(folder: Path) -> bool:
    """Whether what was last brought up was containers, as far as the folder says."""
    ended = (folder / "compose.env").exists() and not (folder / "prometheus").exists()
    return ended or (folder / "containers.json").exists()


def _refuse_homeless(inventory: str, folder: Path, archive: Path) -> None:
    """Data of containers goes into volumes, which are made by `up`: not quietly elsewhere."""
    with opened(archive) as (made, _):
        known = _of_containers(folder) or (folder / "prometheus").exists()
        if made.stack == "containers" and not known:
            raise ModelwatchError(
                f"this is the data of containers, and there are none: modelwatch up {inventory} "
                "makes them, then restore with --force; or restore with --native, for processes"
            )


def _start(inventory: str, folder: Path) -> Callable[[], object]:
    """How the stack comes up again; an inventory that could not is told before anything ends."""
    if native.state(folder) is None:
        return lambda: None
    fleet = inventory_at(inventory)
    return lambda: stack.start(fleet, folder)


def _voice() -> Voice:
    return Voice(say=_say, bar=_bar)


@contextmanager
def _bar(what: str, size: int) -> Iterator[Callable[[int], object]]:
    with click.progressbar(
        length=size, label=f"{what} {amount(size)}", file=sys.stderr, update_min_steps=1 << 20
    ) as bar:
        yield bar.update


def _tell(parts: Mapping[str, int]) -> None:
    for name, size in sorted(parts.items()):
        click.echo(f"  {name:24}{amount(size):>12}")


def _say(text: str) -> None:
    click.echo(text, err=True)


@contextmanager
def _orderly() -> Iterator[None]:
    """What asks this command to end lets it start what it has stopped."""
    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = {one: signal.signal(one, lambda got, _: sys.exit(128 + got)) for one in numbers}
    try:
        yield
    finally:
        for one, action in before.items():
            signal.signal(one, action)
