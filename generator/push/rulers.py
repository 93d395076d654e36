"""Rulers that are told rules over HTTP: Mimir's, and Grafana's, which takes the same requests.

Sources: Mimir's HTTP API, section Ruler; Grafana's import of data source-managed rules.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import requests
import yaml

from generator.built_files import Group
from generator.managed_rules import EVERY_S, FOLDER, templated, uid, uneven
from generator.push.replies import Refused, shown_words
from generator.push.server import Grafana
from generator.yaml_text import dump
from modelwatch.problems import ModelwatchError, Unreachable

MIMIR_RULES = "/config/v1/rules"
GRAFANA_RULES = "/api/convert/prometheus/config/v1/rules"
NAMESPACE = "modelwatch"
GRAFANA_UID = "__grafana_alert_rule_uid__"
"""A label that names the rule in Grafana, and is on no alert."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruler:
    """One namespace of a ruler: whatever is in others is not ours."""

    server: Grafana
    path: str
    namespace: str
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Callable[[Group], Group] = lambda group: group
    """A group in the ruler's own words."""

    def groups(self) -> dict[str, Group]:
        """What is in the namespace, by the name of the group; raises like `put`."""
        reply = self._asked("GET", self._address())
        if reply.status_code == 404 and not _is_page(reply):
            return {}
        found = _document(self.server, reply)
        return {group["name"]: group for group in found.get(self.namespace) or ()}

    def put(self, group: Group) -> None:
        """Make the group what it should be.

        Raises:
            Refused: the ruler does not take it.
            Unreachable: it does not answer, or cannot do anything now.
        """
        headers = {"Content-Type": "application/yaml", **self.headers}
        text = dump(self.form(group)).encode()
        reply = self._asked("POST", self._address(), data=text, headers=headers)
        if not reply.ok:
            raise refusal(self.server, reply)

    def remove(self, name: str) -> None:
        """Remove a group of ours, which may be gone already; raises like `put`."""
        reply = self._asked("DELETE", self._address(name), headers=dict(self.headers))
        if not reply.ok and reply.status_code != 404:
            raise refusal(self.server, reply)

    def _address(self, *name: str) -> str:
        return "/".join((self.path, *(quote(part, safe="") for part in (self.namespace, *name))))

    def _asked(self, method: str, address: str, **content: Any) -> requests.Response:
        """Each request does the same when it is repeated."""
        reply = self.server.reply(method, address, again=True, **content)
        if 300 <= reply.status_code < 400:
            raise Unreachable(
                f"{self.server.shown} sends us to {reply.headers.get('Location', 'nowhere')}; is "
                "the address right, and does a proxy before it want to know who asks?"
            )
        return reply


def mimir(server: Grafana) -> Ruler:
    """The ruler of a Mimir, at the address below which it answers queries."""
    return Ruler(server=server, path=MIMIR_RULES, namespace=NAMESPACE)


def grafana(server: Grafana, datasource: str) -> Ruler:
    """The ruler of a Grafana that asks this data source, and records into it."""
    headers = {"X-Grafana-Alerting-Datasource-UID": datasource}
    return Ruler(
        server=server, path=GRAFANA_RULES, namespace=FOLDER, headers=headers, form=_for_grafana
    )


def check_intervals(groups: list[Group]) -> None:
    """Whether Grafana can keep up.

    Raises:
        ModelwatchError: it cannot.
    """
    if wrong := uneven(groups):
        raise ModelwatchError(
            f"Grafana evaluates every {EVERY_S} seconds or at multiples of it, not every "
            f"{', '.join(wrong)}; set settings.time_compression: 1"
        )


def _for_grafana(group: Group) -> Group:
    return {**group, "rules": [_rule_for_grafana(rule) for rule in group["rules"]]}


def _rule_for_grafana(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Rules keep their uid, and with it their state, when one is added before them."""
    labels = {**rule.get("labels", {}), GRAFANA_UID: uid(rule)}
    if "alert" not in rule:
        return {**rule, "labels": labels}
    texts = {key: templated(text) for key, text in rule.get("annotations", {}).items()}
    return {**rule, "labels": labels, "annotations": texts}


def refusal(server: Grafana, reply: requests.Response) -> ModelwatchError:
    """What the ruler said, and what to do about it; Unreachable where only time helps."""
    status = reply.status_code
    said = shown_words(reply, _words(reply))
    advice = next((text for code, part, text in _ADVICE if code == status and part in said), "")
    refused = Refused(status, "; ".join(filter(None, (said, advice))), who=server.name)
    passing = status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return Unreachable(str(refused)) if passing else refused


_ADVICE = (
    (
        400,
        "recording rules",
        "let Grafana evaluate them: in its settings, [recording_rules] enabled = true",
    ),
    (400, "limit", "let the inventory exporter serve the constants, or raise Mimir's limits"),
    (401, "org id", "say which tenant: X-Scope-OrgID: NAME in a --headers-file"),
    (401, "", "say who you are: --token-file, or --user with --password-file"),
    (403, "", "the token may not write rules"),
    (404, "datasource", "name one that is there: --datasource"),
    (404, "", "no ruler is there: is the address right, its API enabled, is Grafana 12 or later?"),
    (409, "", "somebody made rules of these names by hand; remove or rename them"),
    (413, "", "a proxy before it takes no request of that size"),
)


def _words(reply: requests.Response) -> str:
    try:
        content = reply.json()
    except ValueError:
        return "" if _is_page(reply) else " ".join(reply.text.split())
    if not isinstance(content, dict):
        return str(content)
    return str(content.get("message") or content.get("error") or "")


def _is_page(reply: requests.Response) -> bool:
    """Whether it is meant for people, and no answer of an API."""
    return "html" in reply.headers.get("Content-Type", "")


def _document(server: Grafana, reply: requests.Response) -> dict[str, Any]:
    if not reply.ok:
        raise refusal(server, reply)
    try:
        found = yaml.load(reply.content, Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        found = None
    if not isinstance(found, dict):
        raise Unreachable(
            f"what answers at {server.shown} is no {server.name} ruler; is the path of its "
            "address missing or wrong?"
        )
    return found
