"""Routes: which alert goes to whom, how soon, how often.

Severity is decided by the rules (a label); here it only chooses the way: `page` at once, `ticket`
in batches within working hours, `dashboard` and `none` to nobody.
"""

import re
from typing import Any

from modelwatch import promql
from modelwatch.inventory import Inventory, Settings, Team

NOBODY = "nobody"
DEADMAN = "deadman"
SUBJECT = ["model", "environment", "pool", "budget"]

Route = dict[str, Any]


def page_receiver(team: Team) -> str:
    """Where the pages of a team go."""
    return f"{team.name}/page"


def ticket_receiver(team: Team) -> str:
    """Where the tickets of a team go."""
    return f"{team.name}/ticket"


def fallback(inventory: Inventory) -> str:
    """Where an alert of no known team goes: those who look after the stack, else the first team."""
    stack = inventory.teams.get(inventory.settings.stack_team)
    team = stack or next(iter(inventory.teams.values()), None)
    return ticket_receiver(team) if team else NOBODY


def root(inventory: Inventory) -> Route:
    """The order matters: the heartbeat, what nobody is told of, test environments, then teams."""
    settings = inventory.settings
    teams = inventory.teams.values()
    return {
        "receiver": fallback(inventory),
        "group_by": ["alertname", *SUBJECT],
        **_pace(settings, wait="30s", interval="5m", repeat="1d"),
        "routes": [
            _heartbeat(settings),
            {"matchers": ['severity=~"none|dashboard"'], "receiver": NOBODY},
            {
                "matchers": ['environment=~".+"', f"environment!~{_any_of(settings.production)}"],
                "receiver": fallback(inventory),
                "group_by": ["team", "environment"],
                **_pace(settings, wait="5m", interval="30m", repeat="3d"),
                "routes": [_nonproduction(team) for team in teams],
            },
            *(
                route
                for team in teams
                for route in (_page(team, settings), _ticket(team, settings))
            ),
        ],
    }


def _heartbeat(settings: Settings) -> Route:
    """Real time even in a compressed demo: whoever listens expects one per minute."""
    return {
        "matchers": ['alertname="Watchdog"'],
        "receiver": DEADMAN if settings.deadman else NOBODY,
        "group_by": ["alertname"],
        "group_wait": "0s",
        "group_interval": "1m",
        "repeat_interval": "1m",
    }


def _nonproduction(team: Team) -> Route:
    return {"matchers": [f"team={promql.quoted(team.name)}"], "receiver": ticket_receiver(team)}


def _page(team: Team, settings: Settings) -> Route:
    return {
        "matchers": [f"team={promql.quoted(team.name)}", 'severity="page"'],
        "receiver": page_receiver(team),
        "group_by": SUBJECT,
        **_pace(settings, wait="15s", interval="2m", repeat="4h"),
    }


def _ticket(team: Team, settings: Settings) -> Route:
    hours = {"active_time_intervals": [hours_name(team.name)]} if team.hours else {}
    return {
        "matchers": [f"team={promql.quoted(team.name)}"],
        "receiver": ticket_receiver(team),
        "group_by": ["team", *SUBJECT],
        **_pace(settings, wait="5m", interval="30m", repeat="3d"),
        **hours,
        "routes": [_burst(settings, hours)],
    }


def _burst(settings: Settings, hours: dict[str, list[str]]) -> Route:
    """A burst is told when it neither ends soon nor becomes what a longer hold tells better."""
    wait = promql.shortened("10m", settings.time_compression)
    return {"matchers": ['trouble="transient"'], "group_wait": wait, **hours}


def _pace(settings: Settings, *, wait: str, interval: str, repeat: str) -> dict[str, str]:
    factor = settings.time_compression
    return {
        "group_wait": promql.shortened(wait, factor),
        "group_interval": promql.shortened(interval, factor),
        "repeat_interval": promql.shortened(repeat, factor),
    }


def _any_of(names: tuple[str, ...]) -> str:
    return promql.quoted("|".join(re.escape(name).replace("\\-", "-") for name in names))


def hours_name(team: str) -> str:
    """Name of a team's working hours."""
    return f"hours of {team}"
