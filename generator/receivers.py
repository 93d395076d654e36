"""Ways to reach people, in the words of Alertmanager; what its older versions cannot do is refused.

Secrets are files, read by Alertmanager itself: nothing secret stands in a generated file.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modelwatch import promql
from modelwatch.inventory import Inventory, Receiver
from modelwatch.problems import Problem

OLDEST = (0, 25)

# Jira Service Management answers the alert API of Opsgenie under this address.
# Source: prometheus/alertmanager, pull request 3949.
JSM_API = "https://api.atlassian.com/jsm/ops/integration/"

_TITLE = '{{ template "modelwatch.title" . }}'
_PLAIN = '{{ template "modelwatch.plain" . }}'
_BOARD = '{{ template "modelwatch.board" (index .Alerts 0) }}'
_RUNBOOK = "{{ (index .Alerts 0).Annotations.runbook_url }}"
_PAGES = 'eq (index .Alerts 0).Labels.severity "page"'

Config = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of Alertmanager that came with a version."""

    kind: str
    setting: str
    since: tuple[int, int]
    advice: str


NEWER = (
    Field(
        kind="webhook",
        setting="url_file",
        since=(0, 26),
        advice="raise settings.alertmanager_version, or write `url:` where the address is no "
        "secret",
    ),
    Field(
        kind="jsm",
        setting="url_file",
        since=(0, 26),
        advice="raise settings.alertmanager_version, or write `api_key_file:`",
    ),
    Field(
        kind="teams",
        setting="url_file",
        since=(0, 28),
        advice="raise settings.alertmanager_version, or use another kind of receiver; older "
        "versions only know the connectors that Microsoft has retired",
    ),
)


def problems(inventory: Inventory) -> tuple[Problem, ...]:
    """What the Alertmanager that the inventory names cannot do."""
    version = _version(inventory.settings.alertmanager_version)
    if version < OLDEST:
        return (
            _problem(
                inventory,
                0,
                f"alertmanager_version {inventory.settings.alertmanager_version} is too old",
                f"modelwatch writes for {_dotted(OLDEST)} and newer",
            ),
        )
    return tuple(
        _problem(inventory, receiver.line, message, advice)
        for receiver in inventory.receivers.values()
        for message, advice in _refusals(receiver, version)
    )


def _refusals(receiver: Receiver, version: tuple[int, int]) -> Iterator[tuple[str, str]]:
    for field in NEWER:
        if (
            receiver.kind == field.kind
            and field.setting in receiver.settings
            and version < field.since
        ):
            yield (
                f"receiver {receiver.name}: {field.setting} of {field.kind} needs Alertmanager "
                f"{_dotted(field.since)}, the inventory is for {_dotted(version)}",
                field.advice,
            )
    if receiver.kind == "email":
        for setting in ("from", "smarthost"):
            if setting not in receiver.settings:
                yield f"receiver {receiver.name}: e-mail needs `{setting}`", f"add `{setting}:`"


def _problem(inventory: Inventory, line: int, message: str, advice: str) -> Problem:
    return Problem(path=inventory.path, line=max(line, 1), column=1, message=message, advice=advice)


def _version(text: str) -> tuple[int, int]:
    major, minor, *_ = (*text.split("."), "0")
    return int(major), int(minor)


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


def config(receiver: Receiver) -> tuple[str, Config]:
    """The list of a receiver that the entry belongs to, and the entry."""
    return _KINDS[receiver.kind](receiver.settings)


def _literal(text: str) -> str:
    """Text of the inventory where Alertmanager expects a template."""
    return f"{{{{ {promql.quoted(text)} }}}}" if "{{" in text else text


def _slack(settings: Mapping[str, str]) -> tuple[str, Config]:
    color = f'{{{{ if eq .Status "resolved" }}}}good{{{{ else if {_PAGES} }}}}danger'
    return "slack_configs", {
        "send_resolved": True,
        "api_url_file": settings["url_file"],
        "channel": _literal(settings["channel"]),
        "color": f"{color}{{{{ else }}}}warning{{{{ end }}}}",
        "title": _TITLE,
        "title_link": _BOARD,
        "text": '{{ template "modelwatch.slack" . }}',
        "fallback": _TITLE,
    }


def _pagerduty(settings: Mapping[str, str]) -> tuple[str, Config]:
    return "pagerduty_configs", {
        "send_resolved": True,
        "routing_key_file": settings["routing_key_file"],
        "description": _TITLE,
        "severity": f"{{{{ if {_PAGES} }}}}critical{{{{ else }}}}warning{{{{ end }}}}",
        "client": "modelwatch",
        "client_url": _BOARD,
        "class": "{{ .CommonLabels.signal_class }}",
        "component": '{{ template "modelwatch.subject" (index .Alerts 0) }}',
        "group": "{{ .CommonLabels.team }}",
        "details": {"what": _PLAIN, "runbook": _RUNBOOK, "board": _BOARD},
        "links": [{"href": _BOARD, "text": "Board"}, {"href": _RUNBOOK, "text": "Runbook"}],
    }


def _teams(settings: Mapping[str, str]) -> tuple[str, Config]:
    return "msteamsv2_configs", {
        "send_resolved": True,
        "webhook_url_file": settings["url_file"],
        "title": _TITLE,
        "text": '{{ template "modelwatch.markdown" . }}',
    }


def _email(settings: Mapping[str, str]) -> tuple[str, Config]:
    login = {"auth_username": "username", "auth_password_file": "password_file"}
    return "email_configs", {
        "send_resolved": True,
        "to": _literal(settings["to"]),
        "from": _literal(settings["from"]),
        "smarthost": settings["smarthost"],
        **{field: settings[name] for field, name in login.items() if name in settings},
        "headers": {"Subject": _TITLE},
        "html": '{{ template "modelwatch.html" . }}',
        "text": _PLAIN,
    }


def _webhook(settings: Mapping[str, str]) -> tuple[str, Config]:
    address = {name: settings[name] for name in ("url", "url_file") if name in settings}
    return "webhook_configs", {"send_resolved": True, **address}


def _jsm(settings: Mapping[str, str]) -> tuple[str, Config]:
    if "api_key_file" not in settings:
        return _webhook(settings)
    return "opsgenie_configs", {
        "send_resolved": True,
        "api_url": settings.get("api_url", JSM_API),
        "api_key_file": settings["api_key_file"],
        "message": _TITLE,
        "description": _PLAIN,
        "priority": f"{{{{ if {_PAGES} }}}}P1{{{{ else }}}}P3{{{{ end }}}}",
        "source": "modelwatch",
        "entity": '{{ template "modelwatch.subject" (index .Alerts 0) }}',
        "tags": "{{ .CommonLabels.signal_class }},{{ .CommonLabels.environment }}",
        "details": {"runbook": _RUNBOOK, "board": _BOARD},
    }


_KINDS: Mapping[str, Callable[[Mapping[str, str]], tuple[str, Config]]] = {
    "slack": _slack,
    "pagerduty": _pagerduty,
    "teams": _teams,
    "email": _email,
    "webhook": _webhook,
    "jsm": _jsm,
}
KINDS = tuple(_KINDS)
