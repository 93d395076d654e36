"""Route tests as data: which labels must reach which receivers, and the commands that prove it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from generator import routes
from modelwatch.inventory import Inventory, Team

HEADER = (
    "Written by modelwatch from the inventory. Changes are lost with the next generate.\n"
    "Each test is one command, run beside alertmanager.yml:\n"
    "  amtool config routes test --config.file=alertmanager.yml "
    "--verify.receivers=<receiver> <label>=<value> ..."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One run of amtool; it exits with 1 when the labels reach somebody else."""

    name: str
    arguments: tuple[str, ...]


def commands(text: str, *, config: str) -> Iterator[Command]:
    """The commands of a `routes.yml`, for the configuration at that path."""
    for test in yaml.safe_load(text)["tests"]:
        yield Command(
            name=test["name"],
            arguments=(
                "amtool",
                "config",
                "routes",
                "test",
                f"--config.file={config}",
                f"--verify.receivers={','.join(test['receivers'])}",
                *(f"{label}={value}" for label, value in test["labels"].items()),
            ),
        )


def tests(inventory: Inventory) -> list[dict[str, Any]]:
    """What must hold for every team, and for what belongs to none."""
    settings = inventory.settings
    lost = routes.fallback(inventory)
    heartbeat = routes.DEADMAN if settings.deadman else routes.NOBODY
    stack = inventory.teams.get(settings.stack_team)
    found = [
        _test("the heartbeat reaches its receiver", heartbeat, alertname="Watchdog"),
        _test(
            "the heartbeat reaches it whatever its severity",
            heartbeat,
            alertname="Watchdog",
            severity="none",
            team=settings.stack_team,
        ),
        _test("an alert without any label is not lost", lost, alertname="Unknown"),
        _test(
            "an alert of an unknown team is not lost",
            lost,
            alertname="Unknown",
            severity="page",
            team="no-such-team",
            environment=settings.production[0],
        ),
    ]
    if stack:
        page = routes.page_receiver(stack)
        found.append(
            _test(
                "an alert about the stack, which has no environment, pages its team",
                page,
                severity="page",
                team=stack.name,
            )
        )
    for team in inventory.teams.values():
        found.extend(_of_team(team, inventory))
    return found


def _of_team(team: Team, inventory: Inventory) -> Iterator[dict[str, Any]]:
    page, ticket = routes.page_receiver(team), routes.ticket_receiver(team)
    production = {
        "team": team.name,
        "model": _model_of(team, inventory),
        "environment": inventory.settings.production[0],
    }
    elsewhere = {**production, "environment": "not-production"}
    name = team.name
    nobody = routes.NOBODY
    yield _test(f"a page of {name} pages", page, severity="page", **production)
    yield _test(f"a ticket of {name} is a ticket", ticket, severity="ticket", **production)
    yield _test(f"without severity {name} gets a ticket", ticket, **production)
    yield _test(
        f"what {name} sees on boards only reaches nobody",
        nobody,
        severity="dashboard",
        **production,
    )
    yield _test(f"outside production {name} is never paged", ticket, severity="page", **elsewhere)


def _model_of(team: Team, inventory: Inventory) -> str:
    return next((model.name for model in inventory.models if model.team == team.name), "any")


def _test(name: str, receiver: str, **labels: str) -> dict[str, Any]:
    kept: Mapping[str, str] = {label: value for label, value in labels.items() if value}
    return {"name": name, "labels": dict(kept), "receivers": [receiver]}
