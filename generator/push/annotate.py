"""The command that notes a deployment in Grafana, where every board of ours shows it."""

import re
import time
from datetime import UTC, datetime

import click

from generator import deployments
from generator.push.options import grafana_options
from generator.push.server import Grafana, Json
from modelwatch.defaults import ENVIRONMENT

_DIGITS = re.compile(r"\d{1,13}")
_LONGEST = 80
"""Characters of a name, so that its tag has less than the 100 that Grafana keeps."""


def _moment(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    """Milliseconds since 1970 of a moment as people and machines write it."""
    if value is None:
        return None
    if _DIGITS.fullmatch(value):
        return int(value) * 1000 if len(value) <= 10 else int(value)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as failure:
        raise click.BadParameter(
            "write it like 2026-12-01T14:05:00Z, or in seconds since 1970"
        ) from failure
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)


def _tag(_: click.Context, __: click.Parameter, value: str) -> str:
    if not 0 < len(value.strip()) <= _LONGEST or not value.isprintable():
        raise click.BadParameter(f"write one name of at most {_LONGEST} characters")
    return value.strip()


@click.command()
@click.argument("text", default="")
@click.option("--model", required=True, callback=_tag, help="The model, as the inventory names it.")
@click.option(
    "--environment",
    default=ENVIRONMENT,
    show_default=True,
    callback=_tag,
    help="Where it was deployed.",
)
@click.option("--version", required=True, callback=_tag, help="What was deployed.")
@click.option(
    "--time",
    "start",
    callback=_moment,
    metavar="TIME",
    help="When: 2026-12-01T14:05:00Z, or seconds since 1970.  [default: now]",
)
@click.option("--end", callback=_moment, metavar="TIME", help="When it was over, if it took time.")
@grafana_options
def annotate(
    text: str,
    *,
    grafana: Grafana,
    model: str,
    environment: str,
    version: str,
    start: int | None,
    end: int | None,
) -> None:
    """Note the deployment of a model version, for every board to show.

    Example: modelwatch annotate --model chat --version 1.4 "new prompt"
    """
    where = (
        *deployments.TAGS,
        deployments.of_model(model),
        deployments.of_environment(environment),
    )
    what = deployments.of_version(version)
    noted = _noted(grafana, where, what, start)
    if noted and not _is_another(noted, text, start):
        _complete(grafana, noted, text, end)
        return
    moment = int(time.time() * 1000) if start is None else start
    body: Json = {
        "time": moment,
        "tags": [*where, what],
        "text": text or f"{model} {version} deployed to {environment}",
    }
    if end is not None:
        if end < moment:
            raise click.UsageError("--end is before its beginning; say when it began with --time")
        body["timeEnd"] = end
    grafana.ask("POST", "/api/annotations", body=body)
    click.echo(f"noted at {_shown(moment)}: {body['text']}")


def _noted(grafana: Grafana, where: tuple[str, ...], what: str, start: int | None) -> Json | None:
    """The note of this deployment, if there is one: at this time, else the newest of the model.

    A job that runs twice must not note a deployment twice, and has another "now" each time.
    """
    params: dict[str, str | int | list[str]] = {"tags": [*where], "type": "annotation"}
    if start is not None:
        params |= {"tags": [*where, what], "from": start, "to": start}
    found = grafana.ask("GET", "/api/annotations", params=params)
    at = [each for each in found if start in (None, each["time"])]
    newest = max(at, key=lambda each: int(each["time"]), default=None)
    return newest if newest and what in newest["tags"] else None


def _is_another(noted: Json, text: str, start: int | None) -> bool:
    """Whether it is a later deployment of the same version, which its text tells."""
    return start is None and bool(text) and text != noted["text"]


def _complete(grafana: Grafana, noted: Json, text: str, end: int | None) -> None:
    changes: Json = {}
    if text and text != noted["text"]:
        changes["text"] = text
    if end is not None and end != noted.get("timeEnd"):
        changes["timeEnd"] = end
    if end is not None and end < noted["time"]:
        raise click.UsageError(f"--end is before it began, at {_shown(noted['time'])}")
    when = _shown(noted["time"])
    if not changes:
        click.echo(f"noted before, at {when}: {noted['text']}")
        return
    grafana.ask("PATCH", f"/api/annotations/{noted['id']}", body=changes)
    click.echo(f"completed the note at {when}: {changes.get('text', noted['text'])}")


def _shown(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
