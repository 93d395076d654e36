"""Which Grafana a command talks to: its options, and how its refusals are told."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from generator.connecting import Access, access_options, session, web_address
from generator.push.advice import advice
from generator.push.replies import Refused
from generator.push.server import Grafana
from modelwatch.problems import ModelwatchError


def grafana_options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options that lead to a Grafana, which it takes as `grafana`."""

    @click.option(
        "--grafana",
        "url",
        default="http://localhost:3000",
        show_default=True,
        callback=web_address,
        metavar="URL",
        help="Its address, with the path where it is below one.",
    )
    @click.option(
        "--org",
        type=click.IntRange(min=1),
        metavar="NUMBER",
        help="The organisation, where a login belongs to several; a token belongs to one.",
    )
    @access_options
    @wraps(command)
    def with_grafana(*, url: str, org: int | None, access: Access, **options: Any) -> None:
        if ruler := options.get("ruler"):
            mimir = Grafana(url=ruler, session=session(access), name="Mimir")
            command(grafana=mimir, **options)
            return
        try:
            command(grafana=_reached(url, org, access), **options)
        except Refused as refusal:
            if refusal.status == 401 and not access.token_file and not access.user:
                raise ModelwatchError(
                    f"{refusal}; it wants to know who asks: name a file with a token of a service "
                    "account, --token-file"
                ) from refusal
            raise ModelwatchError(advice(refusal)) from refusal

    return with_grafana


def _reached(url: str, org: int | None, access: Access) -> Grafana:
    made = session(access)
    if org:
        made.headers["X-Grafana-Org-Id"] = str(org)
    grafana = Grafana(url=url, session=made)
    grafana.version()
    if org:
        _check_organisation(grafana, org)
    return grafana


def _check_organisation(grafana: Grafana, org: int) -> None:
    """Some releases take a token of another organisation and quietly work in that one."""
    try:
        found = grafana.ask("GET", "/api/org")
    except Refused as refusal:
        if refusal.status == 403:
            return
        raise
    if found["id"] != org:
        raise ModelwatchError(
            f"who asks belongs to organisation {found['id']} ({found['name']}), not to {org}; "
            "make a token in that organisation"
        )
