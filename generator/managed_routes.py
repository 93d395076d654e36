"""Contact points, policies, timings and texts in the form of Grafana's provisioning files.

They are made from what Alertmanager would be told. Grafana knows no receiver that tells nobody, so
what is not to be told is muted at all times; and it has no inhibition in files.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from generator.managed_rules import readable_id
from generator.provisioning import literal, secret
from generator.routes import NOBODY

ALWAYS = "modelwatch always"
_MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"((?:[^"\\]|\\.)*)"')

Settings = dict[str, Any]


def contact_points(routing: Mapping[str, Any]) -> dict[str, Any]:
    """Ways to reach people; secrets are read from files by Grafana itself."""
    return {
        "apiVersion": 1,
        "contactPoints": [
            {
                "orgId": 1,
                "name": receiver["name"],
                "receivers": [
                    {
                        "uid": readable_id(receiver["name"], kind, str(number)),
                        **_integration(kind, config),
                    }
                    for kind, configs in receiver.items()
                    if kind != "name"
                    for number, config in enumerate(configs)
                ],
            }
            for receiver in routing["receivers"]
            if receiver["name"] != NOBODY
        ],
    }


def policies(routing: Mapping[str, Any]) -> dict[str, Any]:
    """The tree of routes. Grafana has one tree, and this replaces it."""
    return {"apiVersion": 1, "policies": [{"orgId": 1, **_policy(routing["route"])}]}


def timings(routing: Mapping[str, Any]) -> dict[str, Any]:
    """Working hours, and the time that is always."""
    always = {"times": [{"start_time": "00:00", "end_time": "24:00"}]}
    hours = routing.get("time_intervals", [])
    return {
        "apiVersion": 1,
        "muteTimes": [
            {"orgId": 1, **one} for one in (*hours, {"name": ALWAYS, "time_intervals": [always]})
        ],
    }


def texts(templates: Mapping[str, str]) -> dict[str, Any]:
    """The templates of notifications by name."""
    return {
        "apiVersion": 1,
        "templates": [
            {"orgId": 1, "name": name, "template": text} for name, text in templates.items()
        ],
    }


def _policy(route: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in route.items() if key not in ("matchers", "routes")}
    if kept.get("receiver") == NOBODY:
        del kept["receiver"]
        kept["mute_time_intervals"] = [ALWAYS]
    if "matchers" in route:
        kept["object_matchers"] = [_matcher(text) for text in route["matchers"]]
    if "routes" in route:
        kept["routes"] = [_policy(one) for one in route["routes"]]
    return kept


def _matcher(text: str) -> list[str]:
    found = _MATCHER.fullmatch(text)
    if not found:
        raise ValueError(text)
    label, operator, quoted = found.groups()
    return [label, operator, literal(re.sub(r"\\(.)", r"\1", quoted))]


def _integration(kind: str, config: Settings) -> dict[str, Any]:
    name, settings = _KINDS[kind](config)
    return {"type": name, "settings": settings}


def _told(config: Settings, names: Mapping[str, str]) -> Settings:
    """Settings by Grafana's names; those with a file are read from there."""
    found: Settings = {}
    for theirs, ours in names.items():
        if f"{ours}_file" in config:
            found[theirs] = secret(config[f"{ours}_file"])
        elif ours in config:
            value = config[ours]
            found[theirs] = (
                {key: literal(text) for key, text in value.items()}
                if isinstance(value, dict)
                else literal(value)
            )
    return found


def _slack(config: Settings) -> tuple[str, Settings]:
    names = {"url": "api_url", "recipient": "channel", "title": "title", "text": "text"}
    return "slack", _told(config, {**names, "color": "color"})


def _pagerduty(config: Settings) -> tuple[str, Settings]:
    same = ("severity", "class", "component", "group", "client", "client_url", "details")
    names = {"integrationKey": "routing_key", "summary": "description"}
    return "pagerduty", _told(config, {**names, **{name: name for name in same}})


def _teams(config: Settings) -> tuple[str, Settings]:
    return "teams", _told(config, {"url": "webhook_url", "title": "title", "message": "text"})


def _email(config: Settings) -> tuple[str, Settings]:
    """The server and the sender are Grafana's own."""
    subject = literal(config["headers"]["Subject"])
    return "email", _told(config, {"addresses": "to", "message": "text"}) | {"subject": subject}


def _webhook(config: Settings) -> tuple[str, Settings]:
    return "webhook", _told(config, {"url": "url"})


def _opsgenie(config: Settings) -> tuple[str, Settings]:
    names = {"apiKey": "api_key", "message": "message", "description": "description"}
    address = f"{config['api_url'].rstrip('/')}/v2/alerts"
    return "opsgenie", _told(config, names) | {"apiUrl": literal(address)}


_KINDS: Mapping[str, Callable[[Settings], tuple[str, Settings]]] = {
    "slack_configs": _slack,
    "pagerduty_configs": _pagerduty,
    "msteamsv2_configs": _teams,
    "email_configs": _email,
    "webhook_configs": _webhook,
    "opsgenie_configs": _opsgenie,
}
