"""The command that makes a baseline out of rows."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from exporters.drift.baseline import text
from exporters.drift.building import COLUMNS
from exporters.drift.from_rows import built
from exporters.drift.kinds import Roles
from generator.baseline.show import table
from generator.baseline.streams import opened
from modelwatch.problems import ModelwatchError


def _features(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for value in values:
        name, colon, kind = value.rpartition(":")
        if not colon:
            name, kind = value, ""
        if not name or (kind and kind not in COLUMNS):
            kinds = " or ".join(COLUMNS)
            raise click.BadParameter(f"write a column and its kind, {kinds}: amount:numeric")
        if name in found:
            raise click.BadParameter(f"'{name}' is there twice")
        found[name] = kind
    return found


def role_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that name the columns of score and predicted class."""
    for name, text_of_help in (
        ("--predicted", "Column of the class that was predicted."),
        ("--score", "Column of the score that the model gave, from 0 to 1."),
    ):
        command = click.option(name, default="", metavar="COLUMN", help=text_of_help)(command)
    return command


@click.command()
@click.argument("rows")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default="baseline.json",
    show_default=True,
    help="File to write, `-` for standard output.",
)
@click.option("--model", required=True, help="The model's name in the inventory.")
@click.option("--version", required=True, help="The version of the model that saw these rows.")
@click.option(
    "--feature",
    "features",
    multiple=True,
    callback=_features,
    metavar="COLUMN[:KIND]",
    help="A column to watch, such as amount:numeric; may be repeated.  [default: every column]",
)
@role_options
@click.option("--label", default="", metavar="COLUMN", help="Column of the class that was right.")
@click.option("--time", default="", metavar="COLUMN", help="Column of when the row was seen.")
def build(
    rows: str, output: Path, model: str, version: str, features: dict[str, str], **columns: Any
) -> None:
    """Make a baseline out of rows in CSV, NDJSON or Parquet, `-` for standard input.

    Example: modelwatch baseline build rows.csv --model fraud --version 3
    """
    if columns["label"] and not columns["predicted"]:
        raise click.UsageError("--label says what was right: name what was --predicted as well")
    roles = Roles(features=features, **columns)
    with opened(rows) as (name, stream):
        now = datetime.now(UTC)
        found = built(name, stream, roles, model=model, version=version, now=now)
    for note in found.notes:
        click.echo(f"note: {note}", err=True)
    if str(output) == "-":
        click.echo(text(found.baseline), nl=False)
        return
    _write(output, text(found.baseline))
    click.echo(table(found.baseline))
    count = len(found.baseline.features)
    click.echo(
        f"wrote {output}: {count} feature{'s' * (count != 1)} of {found.baseline.rows} rows, "
        f"baseline {found.baseline.identity}"
    )
    click.echo(f"next: modelwatch baseline compare {output} NEWER_ROWS")


def _write(path: Path, content: str) -> None:
    """The whole file or nothing."""
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_text(content, encoding="utf-8")
        beside.replace(path)
    except OSError as failure:
        beside.unlink(missing_ok=True)
        raise ModelwatchError(f"cannot write {path}: {failure.strerror}") from failure
