"""Routing: an AlertmanagerConfig, or a Secret with the whole configuration of an Alertmanager."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from generator import alertmanager, inhibition, routes
from generator.kubernetes.kustomization import Component, Data
from generator.kubernetes.objects import HEADER, Object, manifest, metadata
from generator.kubernetes.secret_keys import keys
from generator.yaml_text import dump
from modelwatch.inventory import Inventory, Team
from modelwatch.problems import DefinitionError

SECRET = "modelwatch-receivers"  # noqa: S105  # a name
TEMPLATES = "modelwatch-templates"
CONFIGURATION = "modelwatch-alertmanager"
OURS = {"name": "modelwatch", "matchType": "=", "value": "true"}
"""Label of each of our alerts: the cluster's other alerts are none of our routes' business."""

_MOUNTED = f"/etc/alertmanager/secrets/{SECRET}"
_ADDED = "/etc/alertmanager/config/*.tmpl"
"""Where Prometheus Operator puts Secrets of `spec.secrets`, and the configuration's other keys."""

_MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)(".*")')
_NAMES = {"api_url": "apiURL", "client_url": "clientURL", "links": "pagerDutyLinkConfigs"}
_SECRETS = {
    "api_url_file": "apiURL",
    "webhook_url_file": "webhookURL",
    "routing_key_file": "routingKey",
    "auth_password_file": "authPassword",
    "api_key_file": "apiKey",
    "url_file": "urlSecret",
}


def components(inventory: Inventory) -> tuple[Component, ...]:
    """The two ways; both need the Secret with what is in the files that the inventory names."""
    files = alertmanager.files(inventory)
    templates = {
        path.removeprefix("templates/"): text
        for path, text in files.items()
        if path.startswith("templates/")
    }
    return (
        Component(
            name="alerting",
            title="Routes and receivers for an Alertmanager that others use as well.",
            files={"alertmanager-config.yaml": _object(inventory), **templates},
            resources=("alertmanager-config.yaml",),
            config_maps=(Data(name=TEMPLATES, component="alerting", files=tuple(templates)),),
        ),
        Component(
            name="alerting-secret",
            title="The whole configuration of an Alertmanager of its own.",
            files={"alertmanager.yaml": _whole(inventory), **templates},
            secrets=(
                Data(
                    name=CONFIGURATION,
                    component="alerting",
                    files=("alertmanager.yaml", *templates),
                ),
            ),
        ),
    )


def _keys(inventory: Inventory) -> dict[str, str]:
    return keys(
        SECRET,
        (
            text
            for receiver in inventory.receivers.values()
            for setting, text in receiver.settings.items()
            if setting.endswith("_file")
        ),
    )


def _whole(inventory: Inventory) -> str:
    """As for an Alertmanager that reads files; only they lie elsewhere."""
    known = _keys(inventory)
    mounted = {
        name: replace(
            receiver,
            settings={
                setting: f"{_MOUNTED}/{known[text]}" if setting.endswith("_file") else text
                for setting, text in receiver.settings.items()
            },
        )
        for name, receiver in inventory.receivers.items()
    }
    document = alertmanager.configuration(replace(inventory, receivers=mounted))
    return dump({**document, "templates": [_ADDED]}, header=HEADER)


def _object(inventory: Inventory) -> str:
    secrets = _keys(inventory)
    told_in_hours = {
        routes.hours_name(team.name): team for team in inventory.teams.values() if team.hours
    }
    kept = {name: team for name, team in told_in_hours.items() if _in_utc(team)}
    configuration = alertmanager.configuration(inventory)
    intervals = [one for one in configuration.get("time_intervals", ()) if one["name"] in kept]
    spec: Object = {
        "route": {**_route(configuration["route"], kept), "matchers": [OURS]},
        "receivers": [_receiver(one, secrets) for one in configuration["receivers"]],
        "inhibitRules": [_inhibition(rule) for rule in inhibition.inhibit_rules()],
        **({"muteTimeIntervals": [_interval(one) for one in intervals]} if intervals else {}),
    }
    document = {
        "apiVersion": "monitoring.coreos.com/v1alpha1",
        "kind": "AlertmanagerConfig",
        "metadata": metadata("modelwatch", "alerting"),
        "spec": spec,
    }
    return manifest([document], note=_note(told_in_hours.keys() - kept.keys()))


def _in_utc(team: Team) -> bool:
    return team.hours is not None and team.hours.timezone in {"UTC", "Etc/UTC"}


def _note(left_out: Iterable[str]) -> str:
    """A time zone has no place in this object: better a ticket at night than none by day."""
    return "\n".join(
        f"Not here: '{name}'. An AlertmanagerConfig knows no time zones, so these tickets come "
        "at any hour."
        for name in sorted(left_out)
    )


def _route(route: Mapping[str, Any], intervals: Mapping[str, Team]) -> Object:
    """A route and those below it, without times that cannot be said."""
    plain = {
        _camel(key): value
        for key, value in route.items()
        if key not in {"matchers", "routes", "active_time_intervals"}
    }
    active = [name for name in route.get("active_time_intervals", ()) if name in intervals]
    return {
        **plain,
        **({"matchers": _matchers(route["matchers"])} if "matchers" in route else {}),
        **({"activeTimeIntervals": active} if active else {}),
        **(
            {"routes": [_route(one, intervals) for one in route["routes"]]}
            if "routes" in route
            else {}
        ),
    }


def _matchers(written: Sequence[str]) -> list[Object]:
    return [
        {"name": name, "matchType": how, "value": json.loads(quoted)}
        for name, how, quoted in map(_parts, written)
    ]


def _parts(matcher: str) -> tuple[str, str, str]:
    found = _MATCHER.fullmatch(matcher)
    if found is None:
        raise DefinitionError(f"{matcher} is no matcher")
    name, how, quoted = found.groups()
    return name, how, quoted


def _inhibition(rule: Mapping[str, Any]) -> Object:
    return {
        "sourceMatch": _matchers(rule["source_matchers"]),
        "targetMatch": _matchers(rule["target_matchers"]),
        "equal": rule["equal"],
    }


def _interval(interval: Mapping[str, Any]) -> Object:
    return {
        "name": interval["name"],
        "timeIntervals": [
            {
                "weekdays": one["weekdays"],
                "times": [
                    {"startTime": time["start_time"], "endTime": time["end_time"]}
                    for time in one["times"]
                ],
            }
            for one in interval["time_intervals"]
        ],
    }


def _receiver(receiver: Mapping[str, Any], secrets: Mapping[str, str]) -> Object:
    ways = {
        _camel(kind): [dict(_fields(config, secrets)) for config in configs]
        for kind, configs in receiver.items()
        if kind != "name"
    }
    return {"name": receiver["name"], **ways}


def _fields(config: Mapping[str, Any], secrets: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        if key in _SECRETS:
            yield _SECRETS[key], {"name": SECRET, "key": secrets[value]}
        elif key == "links":
            yield _NAMES[key], [{"href": link["href"], "alt": link["text"]} for link in value]
        elif isinstance(value, dict):
            yield _camel(key), [{"key": name, "value": text} for name, text in value.items()]
        else:
            yield _NAMES.get(key, _camel(key)), value


def _camel(words: str) -> str:
    first, *others = words.split("_")
    return first + "".join(word.capitalize() for word in others)
