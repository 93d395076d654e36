"""The command line: reading, writing, printing and exit codes live here and nowhere else."""

import gc
import importlib
import json
import keyword
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from click.shell_completion import get_completion_class

from generator import explain as explanation
from generator import listing, tree
from generator.definitions import definitions
from generator.opening import inventory_at
from generator.series import predict
from generator.targets import targets
from modelwatch import __version__
from modelwatch.inventory import Inventory, Settings
from modelwatch.problems import InventoryError, ModelwatchError, Problem, as_github, as_json, render

INVENTORY = click.Path(exists=True, dir_okay=False, allow_dash=True)
LAZY = {
    "init": "init",
    "up": "stack",
    "reload": "stack",
    "down": "stack",
    "demo": "stack",
    "status": "status",
    "doctor": "status",
    "logs": "logs",
    "backup": "backup",
    "restore": "backup",
    "exporter": "exporter",
    "preview": "preview",
    "forecast": "forecasting.command",
    "diff": "diff",
    "export": "exporting",
    "import": "importing",
    "push": "push",
    "annotate": "push.annotate",
    "verify": "verify.command",
    "baseline": "baseline",
}
"""Commands with the module of `generator` they are in; loaded when asked for, which takes time."""


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Let nobody look for garbage: a quarter of the time of a large fleet, and there is none."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Commands(click.Group):
    """Turns everything that we know how to tell into a message and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return sorted((*super().list_commands(ctx), *LAZY))

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command of this name."""
        if name not in LAZY:
            return super().get_command(ctx, name)
        module = importlib.import_module(f"generator.{LAZY[name]}")
        command: click.Command = getattr(module, f"{name}_" if keyword.iskeyword(name) else name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except InventoryError as error:
            _tell(error.problems, ctx.obj or "text")
            sys.exit(error.exit_code)
        except ModelwatchError as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(error.exit_code)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="modelwatch")
def main() -> None:
    """Watch AI and ML models: one inventory in, rules, boards, routing and runbooks out.

    Example: modelwatch generate models.yaml -o out
    """


@main.command()
@click.argument("inventory", type=INVENTORY)
@click.option("--format", "form", type=click.Choice(["text", "json", "github"]), default="text")
@click.pass_context
def check(ctx: click.Context, inventory: str, form: str) -> None:
    """Say everything that is wrong with an inventory, with the place of each mistake.

    Example: modelwatch check models.yaml
    """
    ctx.find_root().obj = form
    fleet = inventory_at(inventory)
    if form == "json":
        click.echo("[]")
    elif form == "text":
        click.echo(_counts(fleet))


def _counts(fleet: Inventory) -> str:
    count = predict(fleet, definitions()).total
    parts = [
        (len(fleet.models), "model"),
        (len(fleet.pools), "GPU pool"),
        (len(fleet.budgets), "budget"),
        (len(fleet.teams), "team"),
    ]
    said = ", ".join(f"{number} {noun}{'s' * (number != 1)}" for number, noun in parts if number)
    return f"{fleet.path}: no problems; {said}; at most {count} series"


@main.command()
@click.argument("inventory", type=INVENTORY)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Directory to write; files of yours in it stay untouched.",
)
@click.option(
    "--check", "compare", is_flag=True, help="Write nothing; exit 1 with a diff if it would change."
)
@click.option(
    "--target",
    type=click.Choice(list(targets())),
    default="prometheus",
    show_default=True,
    help="Whose form the files have.",
)
@_without_collecting()
def generate(inventory: str, output: Path, *, compare: bool, target: str) -> None:
    """Write rules, boards, routing, runbooks and their tests from an inventory.

    Example: modelwatch generate models.yaml -o out
    """
    fleet = inventory_at(inventory)
    carrier = targets()[target]
    files = dict(carrier.files(fleet, definitions()))
    if compare:
        if planned := tree.change(output, files):
            click.echo(tree.difference(output, files))
            raise ModelwatchError(
                f"{output} is not what {inventory} says ({_changes(planned)}); "
                f"run: modelwatch generate {inventory} -o {output}{_said(target)}"
            )
        click.echo(f"{output} is up to date: {len(files)} files")
        return
    planned = tree.write(output, files)
    click.echo(f"{output}: {len(files)} files, {_changes(planned) or 'nothing changed'}")
    if fleet.settings.runbook_url == Settings().runbook_url:
        click.echo(
            f"note: links to runbooks lead to {fleet.settings.runbook_url}; publish "
            f"{output}/runbooks and set settings.runbook_url",
            err=True,
        )
    click.echo(f"next: {carrier.next_step.format(output=output)}")


def _said(target: str) -> str:
    return "" if target == "prometheus" else f" --target {target}"


def _changes(planned: tree.Change) -> str:
    counts = {
        "new": len(planned.created),
        "changed": len(planned.changed),
        "removed": len(planned.removed),
    }
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count)


@main.command("list")
@click.argument("what", type=click.Choice(["models", "alerts", "series", "boards"]))
@click.argument("inventory", type=INVENTORY)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def list_(what: str, inventory: str, form: str) -> None:
    """List models, alerts, boards, or how many series each model needs.

    Example: modelwatch list series models.yaml
    """
    rows = getattr(listing, what)(inventory_at(inventory), definitions())
    if form == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in listing.table(rows).splitlines():
        click.echo(line[:width])


@main.command()
@click.argument("alert")
@click.argument("inventory", type=INVENTORY)
@click.option("--model", help="Put this model's numbers into the expression.")
def explain(alert: str, inventory: str, model: str | None) -> None:
    """Say what an alert means, when it can lie and what to do.

    Example: modelwatch explain ModelLatencyHigh models.yaml --model chat
    """
    click.echo(explanation.explain(alert, model, inventory_at(inventory), definitions()))


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    Example: source <(modelwatch completion bash)
    """
    script = get_completion_class(shell)
    if script is None:
        raise ModelwatchError(f"no completion for {shell}")
    click.echo(script(main, {}, "modelwatch", "_MODELWATCH_COMPLETE").source())


def _tell(problems: tuple[Problem, ...], form: str) -> None:
    if form == "json":
        click.echo(as_json(problems))
        return
    if form == "github":
        click.echo("\n".join(map(as_github, problems)))
        return
    for problem in problems:
        click.echo(render(problem), err=True)
    plural = "s" * (len(problems) != 1)
    click.echo(f"{len(problems)} problem{plural} found", err=True)
