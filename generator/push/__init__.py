"""The command that puts our boards into a Grafana that people already have."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from generator.build import board_texts
from generator.connecting import web_address
from generator.definitions import definitions
from generator.opening import inventory_at
from generator.push import datasource, folders, pushing
from generator.push.boards import Present
from generator.push.options import grafana_options
from generator.push.pushing import Outcome, Task
from generator.push.rules import push_rules
from generator.push.server import Grafana, Json
from generator.push.telling import counted, told
from modelwatch.problems import ModelwatchError

_COPIES = Path(".modelwatch") / "copies"


@click.command()
@click.argument("inventory", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--datasource",
    "source",
    default="",
    metavar="NAME|UID|default",
    help="The Prometheus that boards open with.  [default: the default one, or the only one]",
)
@click.option(
    "--folder",
    default="modelwatch",
    show_default=True,
    metavar="TITLE",
    help="Folder for the boards, made if it is missing; AI/Models is one in another.",
)
@click.option(
    "--dry-run", "dry", is_flag=True, help="Change nothing; exit 1 with what would change."
)
@click.option("--prune", is_flag=True, help="Remove boards of ours that we no longer have.")
@click.option(
    "--force", is_flag=True, help="Replace boards that a person changed; copies are kept."
)
@click.option(
    "--keep-copies",
    "copies",
    type=click.Path(file_okay=False, path_type=Path),
    default=_COPIES,
    show_default=True,
    metavar="DIR",
    help="Where copies of replaced and removed boards go.",
)
@click.option(
    "--alerts", is_flag=True, help="Push the rules instead: Grafana evaluates them and tells."
)
@click.option(
    "--ruler",
    callback=web_address,
    metavar="URL",
    help="Push them into the ruler of this Mimir: http://mimir:8080/prometheus, say.",
)
@grafana_options
def push(
    inventory: str,
    *,
    grafana: Grafana,
    alerts: bool,
    ruler: str | None,
    source: str,
    folder: str,
    dry: bool,
    prune: bool,
    force: bool,
    copies: Path,
) -> None:
    """Put the boards, or the rules, into a Grafana, and change nothing else there.

    Example: modelwatch push models.yaml --grafana http://localhost:3000
    """
    if ruler and not alerts:
        raise click.UsageError("--ruler is where --alerts go; name both, or neither")
    fleet = inventory_at(inventory)
    if alerts:
        push_rules(fleet, grafana, mimir=bool(ruler), source=source, prune=prune, dry=dry)
        return
    settings = fleet.settings
    path = folders.titles(folder)
    choice = datasource.choose(grafana, source)
    if choice.warning:
        click.echo(f"warning: {choice.warning}", err=True)
    wanted = {
        uid: datasource.applied(json.loads(text), choice)
        for uid, text in board_texts(definitions(), settings).items()
    }
    task = Task(
        grafana=grafana,
        folder=folders.find(grafana, path) if dry else folders.make(grafana, path),
        keep=_keeper(copies),
        force=force,
        dry=dry,
    )
    every = _outcomes(task, wanted, prune=prune)
    outcomes = list(told(every, _tell, of=f"{len(wanted)} boards"))
    changed = [one for one in outcomes if one.step not in ("unchanged", "refused")]
    refused = [one for one in outcomes if one.step == "refused"]
    where = f"{grafana.shown}, folder {task.folder}, data source {choice}"
    click.echo(f"{where}: {counted(outcomes, 'boards')}")
    if refused:
        verb = "would not be" if dry else "were not"
        raise ModelwatchError(f"{len(refused)} of {len(outcomes)} boards {verb} pushed")
    if dry and changed:
        raise ModelwatchError("nothing was changed; without --dry-run this would be")
    if changed:
        click.echo(f"next: open {grafana.shown}/dashboards/f/{task.folder.uid}")


def _outcomes(task: Task, wanted: dict[str, Json], *, prune: bool) -> Iterator[Outcome]:
    yield from pushing.push(task, wanted)
    if prune:
        yield from pushing.prune(task, tuple(wanted))


def _tell(outcome: Outcome) -> None:
    if outcome.refusal:
        click.echo(f"{outcome.uid}: {outcome.refusal}", err=True)
    elif outcome.step != "unchanged":
        kept = f"; what it was is in {outcome.copy}" if outcome.copy else ""
        click.echo(f"{outcome.step:11} {outcome.uid}  {outcome.title}{kept}")
    for line in outcome.changes:
        click.echo(f"    {line}", err=bool(outcome.refusal))


def _keeper(folder: Path) -> Callable[[str, Present], str]:
    def keep(uid: str, present: Present) -> str:
        text = (json.dumps(present.content, indent=2, sort_keys=True) + "\n").encode()
        name = f"{uid}-version-{present.version}"
        path, number = folder / f"{name}.json", 1
        try:
            folder.mkdir(parents=True, exist_ok=True)
            while path.exists() and path.read_bytes() != text:
                number += 1
                path = folder / f"{name}-{number}.json"
            path.write_bytes(text)
        except OSError as failure:
            raise ModelwatchError(
                f"cannot keep a copy in {path}: {failure.strerror}; {uid} stays as it is"
            ) from failure
        return str(path)

    return keep
