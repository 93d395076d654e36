"""Alertmanager: routes, receivers, working hours, texts, and tests that prove the routes."""

from collections import defaultdict
from collections.abc import Mapping
from importlib import resources
from typing import Any

from generator import receivers, route_tests, routes
from generator.inhibition import inhibit_rules
from generator.yaml_text import dump
from modelwatch import promql
from modelwatch.inventory import Hours, Inventory, Receiver, Team
from modelwatch.problems import InventoryError

HEADER = (
    "Written by modelwatch from the inventory. Changes are lost with the next generate.\n"
    "Paths of secrets are as Alertmanager sees them."
)


def files(inventory: Inventory) -> dict[str, str]:
    """Configuration, notification templates and route tests, below `alertmanager/`.

    Raises:
        InventoryError: the Alertmanager that the inventory names cannot do it.
    """
    if found := receivers.problems(inventory):
        raise InventoryError(found)
    templates = {
        "templates/modelwatch.tmpl": resources.files("generator")
        .joinpath("notification.tmpl")
        .read_text(encoding="utf-8"),
        "templates/teams.tmpl": _owners(inventory),
    }
    return {
        "alertmanager.yml": dump(configuration(inventory), header=HEADER),
        "tests/routes.yml": dump(
            {"tests": route_tests.tests(inventory)}, header=route_tests.HEADER
        ),
        **templates,
    }


def configuration(inventory: Inventory) -> dict[str, Any]:
    """The whole configuration as data."""
    hours = {team.name: team.hours for team in inventory.teams.values() if team.hours}
    return {
        "route": routes.root(inventory),
        "inhibit_rules": inhibit_rules(),
        **({"time_intervals": [_hours(name, at) for name, at in hours.items()]} if hours else {}),
        "receivers": _receivers(inventory),
        "templates": ["templates/*.tmpl"],
    }


def _hours(team: str, hours: Hours) -> dict[str, Any]:
    times = [{"start_time": hours.start, "end_time": hours.end}]
    interval = {"weekdays": [hours.days], "times": times, "location": hours.timezone}
    return {"name": routes.hours_name(team), "time_intervals": [interval]}


def _receivers(inventory: Inventory) -> list[dict[str, Any]]:
    """Two per team, the heartbeat's, and one for what nobody is told of.

    A team that names only one way gets everything by it: better at a bad time than never.
    """
    ways: dict[str, tuple[str, ...]] = {}
    for team in inventory.teams.values():
        ways[routes.page_receiver(team)] = team.page or team.ticket
        ways[routes.ticket_receiver(team)] = team.ticket or team.page
    if deadman := inventory.settings.deadman:
        ways[routes.DEADMAN] = (deadman,)
    known = inventory.receivers
    return [{"name": routes.NOBODY}] + [
        {"name": name, **_configs(names, known)} for name, names in ways.items()
    ]


def _configs(
    names: tuple[str, ...], known: Mapping[str, Receiver]
) -> dict[str, list[dict[str, Any]]]:
    configs: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for name in names:
        kind, config = receivers.config(known[name])
        configs[kind].append(config)
    return dict(configs)


def _owners(inventory: Inventory) -> str:
    """A template that says how a team is reached."""
    cases = "".join(
        f"{'{{ else if' if number else '{{ if'} eq .Labels.team {promql.quoted(team.name)} }}}}"
        f"{_template_text(_reached(team))}"
        for number, team in enumerate(inventory.teams.values())
    )
    last = "{{ else }}{{ .Labels.team }}{{ end }}" if cases else "{{ .Labels.team }}"
    head = (
        "{{/* Written by modelwatch from the inventory: who owns what, and how to reach them. */}}"
    )
    return f'{head}\n{{{{ define "modelwatch.owner" -}}}}\n{cases}{last}\n{{{{- end }}}}\n'


def _reached(team: Team) -> str:
    on_call = f"on call: {team.on_call}" if team.on_call else ""
    return ", ".join(filter(None, (team.name, team.contact, on_call)))


def _template_text(text: str) -> str:
    """Text of the inventory as a template prints it, whatever braces stand in it."""
    return f"{{{{ {promql.quoted(text)} }}}}"
