"""The command that shows what the processes or containers of a stack wrote."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import click

from compose.containers import engine
from compose.containers import logs as container_logs
from compose.containers import stack as containers
from compose.containers.stack import Running
from compose.native.stack import Stack
from generator.stack import HOME, data_dir
from generator.status import running
from modelwatch.problems import ModelwatchError
from modelwatch.schema_words import choices

LOOK_EVERY_S = 0.5

T = TypeVar("T")


@click.command()
@click.argument("inventory", required=False)
@click.argument("name", required=False)
@click.option("-n", "--lines", type=click.IntRange(0), default=10, help="How many of each log.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what is written from now on.")
def logs(inventory: str | None, name: str | None, lines: int, follow: bool) -> None:
    """Show the end of each log, or of the one that is named.

    Example: modelwatch logs models.yaml prometheus
    """
    if inventory and not name and not Path(inventory).suffix:
        inventory, name = None, inventory  # `modelwatch logs prometheus`
    stack = running(inventory)
    if isinstance(stack, Running):
        _of_containers(stack, name, lines, follow=follow)
        return
    found = _chosen(_files(stack, inventory), name)
    read = {file: file.stat().st_size for file in found.values()}
    for title, file in found.items():
        for line in _end(file, lines, read[file]):
            click.echo(_titled(title, line, found))
    if follow:
        for title, line in followed(found, read):
            click.echo(_titled(title, line, found))


def followed(
    files: Mapping[str, Path],
    read: dict[Path, int],
    *,
    wait: Callable[[], object] = lambda: time.sleep(LOOK_EVERY_S),
) -> Iterator[tuple[str, str]]:
    """Whole lines written after the first `read` bytes of each file, for ever."""
    while True:
        for title, file in files.items():
            with file.open("rb") as stream:
                stream.seek(read[file])
                new = stream.read()
            whole = new[: new.rfind(b"\n") + 1]
            read[file] += len(whole)
            for line in whole.decode(errors="replace").splitlines():
                yield title, line
        wait()


def _of_containers(stack: Running, name: str | None, lines: int, *, follow: bool) -> None:
    with engine.reached() as reached:
        found = _chosen(containers.containers(reached, stack.project), name)
        for title, one in found.items():
            for line in container_logs.end(one, lines):
                click.echo(_titled(title, line, found))
        for title, line in container_logs.followed(found) if follow else ():
            click.echo(_titled(title, line, found))


def _files(stack: Stack | None, inventory: str | None) -> dict[str, Path]:
    if stack:
        folder = stack.data_dir
    elif inventory:
        folder = data_dir(inventory)
    else:
        raise ModelwatchError(f"nothing runs below {HOME.absolute()}; name an inventory")
    found = {file.stem: file for file in sorted((folder / "logs").glob("*.log"))}
    if not found:
        raise ModelwatchError(f"there are no logs of {inventory or folder} yet")
    return found


def _chosen(files: dict[str, T], name: str | None) -> dict[str, T]:
    if name is None:
        return files
    if name not in files:
        raise ModelwatchError(f"there is no log '{name}'; there are: {choices(list(files))}")
    return {name: files[name]}


def _end(file: Path, lines: int, size: int) -> Iterator[str]:
    """The last lines of the first `size` bytes."""
    with file.open("rb") as stream:
        yield from deque(stream.read(size).decode(errors="replace").splitlines(), maxlen=lines)


def _titled(title: str, line: str, files: Mapping[str, object]) -> str:
    return line if len(files) == 1 else f"{title}: {line}"
