"""`modelwatch diff`: what a change of the inventory means, for whoever reviews it."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from generator.definitions import definitions
from generator.difference import Difference, Side, difference, nothing, side
from generator.difference.pages import as_json, markdown, text
from generator.opening import content_of, inventory_of
from modelwatch.inventory import Inventory
from modelwatch.problems import InventoryError, Problem

_FORMS: Mapping[str, Callable[[Difference], str]] = {
    "text": text,
    "markdown": markdown,
    "json": as_json,
}


@click.command()
@click.argument("old", type=click.Path(dir_okay=False, allow_dash=True))
@click.argument("new", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--format", "form", type=click.Choice(list(_FORMS)), default="text")
@click.option("--exit-code", is_flag=True, help="Exit 1 when something changes, as git does.")
@click.pass_context
def diff(ctx: click.Context, old: str, new: str, form: str, *, exit_code: bool) -> None:
    """Say what a change means: models, promises, people, alerts, series and generated files.

    Example: modelwatch diff old.yaml models.yaml
    """
    if form == "json":
        ctx.find_root().obj = form
    if old == new == "-":
        raise click.UsageError("only one of the two inventories can be standard input")
    before, after = _both(old, new)
    found = difference(before, after)
    click.echo(_FORMS[form](found).rstrip("\n"))
    if exit_code and found:
        sys.exit(1)


def _both(old: str, new: str) -> tuple[Side, Side]:
    """The two sides; with problems, those of both."""
    problems: dict[Problem, None] = {}
    content = _before(old)
    before = _read(old, content, problems) if content.strip() else None
    after = _read(new, content_of(new), problems)
    if problems or after is None:
        raise InventoryError(tuple(problems))
    known = definitions()
    return side(before, known) if before else nothing(old), side(after, known)


def _read(path: str, content: bytes, problems: dict[Problem, None]) -> Inventory | None:
    try:
        return inventory_of(path, content)
    except InventoryError as error:
        problems.update(dict.fromkeys(error.problems))
        return None


def _before(path: str) -> bytes:
    """What the old file says; nothing where there is none, as before the first inventory."""
    if path != "-" and not Path(path).exists():
        click.echo(f"note: {path} is not there; everything is new", err=True)
        return b""
    return content_of(path)
