"""`modelwatch init`: a first inventory, from a commented example or from what runs already."""

import time
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import click

from compose.containers import engine
from generator.connecting import Access, access_options, session, web_address
from generator.definitions import definitions
from generator.discover import Knowledge, World, everything_known
from generator.discover.draft import drafted
from generator.discover.found import Found
from generator.discover.text import next_steps, written
from generator.text_files import write_whole
from modelwatch.problems import DefinitionError, InventoryError, ModelwatchError
from modelwatch.reading import read

SCHEMA = "inventory.schema.json"
_STDOUT = Path("-")
_FILE = "models.yaml"


def _asked(
    context: click.Context, option: click.Parameter, values: Sequence[str]
) -> tuple[tuple[Knowledge, str], ...]:
    """Each `--discover` as what is asked and where."""
    known = everything_known()
    found = []
    for value in values:
        name, _, where = value.partition("=")
        knowledge = known.get(name)
        if knowledge is None or bool(knowledge.where) != bool(where):
            ways = ", ".join(one.written for one in known.values())
            raise click.BadParameter(f"'{name}' is not asked like this; write one of {ways}")
        if knowledge.where == "URL":
            web_address(context, option, where)
        found.append((knowledge, where))
    return tuple(sorted(found, key=lambda pair: pair[0].rank))


@click.command()
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path), default="models.yaml")
@click.option(
    "--discover",
    multiple=True,
    metavar="WHAT",
    callback=_asked,
    help="Draft from what runs: prometheus=URL, docker, litellm=FILE, kubernetes=PATH; repeatable.",
)
@access_options
def init(path: Path, *, discover: tuple[tuple[Knowledge, str], ...], access: Access) -> None:
    """Write a first inventory that passes `check`: an example, or a draft of what runs already.

    Example: modelwatch init models.yaml
    """
    if path != _STDOUT and path.exists():
        raise ModelwatchError(f"{path} is already there; choose another name")
    package = resources.files("modelwatch")
    if not discover:
        _write(path, package.joinpath("starter.yaml").read_text("utf-8"))
        if path != _STDOUT:
            click.echo(f"next: edit it, then modelwatch generate {path} -o out")
        return
    if access != Access() and not any(one.where == "URL" for one, _ in discover):
        raise click.UsageError("who we say we are is for --discover prometheus=URL")
    for line in _draft(path, discover, access):
        click.echo(line, err=path == _STDOUT)


def _draft(
    path: Path, discover: Sequence[tuple[Knowledge, str]], access: Access
) -> tuple[str, ...]:
    """Write what was found; what to say about it."""
    world = World(session=lambda: session(access), docker=engine.connected, now=time.time())
    found = [knowledge.look(where, world) for knowledge, where in discover]
    engines = definitions().engines
    draft = drafted(found, engines)
    for remark in draft.remarks:
        click.echo(f"note: {remark}", err=True)
    if not draft.entries:
        raise ModelwatchError(_nothing(found))
    text = written(draft, engines, [_shown(*pair) for pair in discover])
    try:
        read(str(path), text.text.encode(), engines)
    except InventoryError as failure:
        raise DefinitionError(
            f"the draft would not pass check, which is our bug: {failure}"
        ) from failure
    _write(path, text.text)
    shown = "what was printed" if path == _STDOUT else str(path)
    return (
        *next_steps(draft, text, shown),
        f"next: mend it, then modelwatch check {_FILE if path == _STDOUT else path}",
    )


def _shown(knowledge: Knowledge, where: str) -> str:
    """What was asked, without the login that an address may hold."""
    scheme, slashes, rest = where.partition("://")
    hidden = f"{scheme}://{rest.rpartition('@')[2]}" if slashes else where
    return f"{knowledge.name}={hidden}" if where else knowledge.name


def _nothing(found: Sequence[Found]) -> str:
    looked = "; ".join(one.looked_for for one in found)
    return f"no model was found; looked for {looked}"


def _write(path: Path, text: str) -> None:
    """The inventory and, beside it, its schema; printed where the path is `-`."""
    if path == _STDOUT:
        click.echo(text, nl=False)
        return
    schema = resources.files("modelwatch").joinpath(SCHEMA).read_text("utf-8")
    for target, content in ((path, text), (path.parent / SCHEMA, schema)):
        write_whole(target, content)
    click.echo(f"wrote {path}, and {SCHEMA} beside it for your editor")
