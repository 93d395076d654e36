"""What `push --alerts` says while it puts our rules into a ruler."""

import click

from generator.build import rule_texts
from generator.built_files import ALERTS, packed, rule_groups
from generator.definitions import definitions
from generator.push import datasource, rulers
from generator.push.alerts import Outcome, push
from generator.push.replies import Refused
from generator.push.server import Grafana
from generator.push.telling import counted, told
from modelwatch.inventory import Inventory
from modelwatch.problems import ModelwatchError


def push_rules(
    fleet: Inventory, server: Grafana, *, mimir: bool, source: str, prune: bool, dry: bool
) -> None:
    """Put every rule there.

    Raises:
        ModelwatchError: not all of them are there now.
        Unreachable: the server does not answer.
    """
    # What is recorded first is there when alerts ask for it.
    written = sorted(
        rule_groups(rule_texts(fleet, definitions())),
        key=lambda found: found[0].startswith(ALERTS),
    )
    if mimir:
        groups = packed(written)
        ruler = rulers.mimir(server)
    else:
        groups = [group for _, group in written]
        rulers.check_intervals(groups)
        ruler = rulers.grafana(server, _datasource(server, source))
    every = push(ruler, groups, prune=prune, dry=dry)
    try:
        outcomes = list(told(every, _tell, of=f"{len(groups)} rule groups"))
    except Refused as refusal:
        # It has its advice already, about rules and not about boards.
        raise ModelwatchError(str(refusal)) from refusal
    where = f"{server.shown}, {'namespace' if mimir else 'folder'} {ruler.namespace}"
    click.echo(f"{where}: {counted(outcomes, 'rule groups')}")
    steps = [outcome.step for outcome in outcomes]
    if "left" in steps:
        click.echo("note: --prune removes groups of ours that we no longer have", err=True)
    if refused := steps.count("refused"):
        raise ModelwatchError(f"{refused} of {len(groups)} rule groups were not pushed")
    if dry and set(steps) - {"unchanged", "left"}:
        raise ModelwatchError("nothing was changed; without --dry-run this would be")


def _datasource(server: Grafana, source: str) -> str:
    choice = datasource.choose(server, source)
    if not choice.uid:
        raise ModelwatchError(
            f"{choice.warning or 'no data source is chosen'}; name the Prometheus that the rules "
            "ask and record into: --datasource"
        )
    return choice.uid


def _tell(outcome: Outcome) -> None:
    if outcome.refusal:
        click.echo(f"{outcome.name}: {outcome.refusal}", err=True)
    elif outcome.step != "unchanged":
        click.echo(f"{outcome.step:11} {outcome.name}")
    for line in outcome.changes:
        click.echo(f"    {line}")
