"""A ruler that answers as Mimir's HTTP API and Grafana's import of rules are documented to.

Mimir answers in YAML, with 404 while there is nothing; its errors are plain text. Grafana takes
the same requests below another path, wants to know the data source, and refuses in JSON.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import yaml

from tests.small_site import serving

MIMIR = "/prometheus/config/v1/rules"
GRAFANA = "/api/convert/prometheus/config/v1/rules"
DATASOURCE_HEADER = "X-Grafana-Alerting-Datasource-UID"
FIELDS = {"alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations"}
RULES_OF_A_GROUP = 20
GROUPS_OF_A_TENANT = 70

Group = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Ruler:
    """What is stored by namespace and group, what was asked, and what goes wrong next."""

    url: str = ""
    namespaces: dict[str, dict[str, Group]] = field(default_factory=lambda: defaultdict(dict))
    calls: list[str] = field(default_factory=list)
    failures: list[tuple[int, str, dict[str, str]]] = field(default_factory=list)
    after: int = 0
    """So many requests are answered before what goes wrong."""
    datasources: list[dict[str, Any]] = field(default_factory=list)
    recording: bool = True
    by_hand: set[str] = field(default_factory=set)
    """Groups in Grafana that a person made: not listed, and not replaced."""

    @property
    def writes(self) -> list[str]:
        return [call for call in self.calls if not call.startswith("GET")]

    def fail(
        self, status: int, text: str = "", *, times: int = 1, after: int = 0, **headers: str
    ) -> None:
        self.failures = [(status, text, headers)] * times
        self.after = after


@contextmanager
def running() -> Iterator[Ruler]:
    """One that is reached at `url`, and has no rules yet."""
    state = Ruler()

    class Handler(_Handler):
        ruler = state

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        state.url = f"http://127.0.0.1:{port}"
        yield state


class _Handler(BaseHTTPRequestHandler):
    ruler: Ruler
    wbufsize = -1  # head and body in one packet, or the client waits for the second

    def do_GET(self) -> None:
        if self._fails():
            return
        if self.path == "/api/health":
            self._json(200, {"database": "ok", "version": "13.2.0"})
        elif self.path == "/api/datasources":
            self._json(200, self.ruler.datasources)
        elif self._known() is not None:
            self._list()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self._fails() or (namespace := self._known()) is None:
            return
        if self.headers["Content-Type"] != "application/yaml":
            self._error(400, "unsupported content type")
            return
        try:
            group = yaml.load(body, Loader=yaml.CSafeLoader)
        except yaml.YAMLError:
            group = None
        if mistake := self._mistake(group):
            self._error(*mistake)
            return
        self.ruler.namespaces[namespace[0]][group["name"]] = group
        self._json(202, {"status": "success"})

    def do_DELETE(self) -> None:
        if self._fails() or (names := self._known()) is None:
            return
        groups = self.ruler.namespaces[names[0]]
        if len(names) < 2 or names[1] not in groups:
            self._error(404, "group does not exist")
            return
        del groups[names[1]]
        self._json(202, {"status": "success"})

    @property
    def _is_mimir(self) -> bool:
        return self.path.startswith(MIMIR)

    def _fails(self) -> bool:
        self.ruler.calls.append(f"{self.command} {unquote(self.path)}")
        if self.ruler.after > 0:
            self.ruler.after -= 1
            return False
        if not self.ruler.failures:
            return False
        status, text, headers = self.ruler.failures.pop()
        self._answer(status, text.encode(), "text/plain", headers)
        return True

    def _known(self) -> list[str] | None:
        """Namespace and group of the path; answers itself when there is no such path."""
        if self._is_mimir and not self.headers.get("X-Scope-OrgID"):
            self._answer(401, b"no org id", "text/plain")
            return None
        for prefix in (MIMIR, GRAFANA):
            if self.path.startswith(f"{prefix}/"):
                return [unquote(part) for part in self.path.removeprefix(f"{prefix}/").split("/")]
        self._answer(404, b"404 page not found", "text/plain")
        return None

    def _list(self) -> None:
        names = self._known() or []
        found = self.ruler.namespaces.get(names[0], {})
        if not found:
            self._error(404, "no rule groups found")
            return
        groups = [_stored(group) for group in found.values()]
        self._answer(
            200, yaml.dump({names[0]: groups}, Dumper=yaml.CSafeDumper).encode(), "application/yaml"
        )

    def _mistake(self, group: Any) -> tuple[int, str] | None:
        if not isinstance(group, dict) or not group.get("name"):
            return 400, "unable to decode rule group"
        if unknown := {key for rule in group["rules"] for key in rule} - FIELDS:
            return 400, f"field {min(unknown)} not found in type rulefmt.RuleNode"
        if broken := [rule for rule in group["rules"] if not rule.get("expr")]:
            return 400, f'group "{group["name"]}", rule 0, "{broken[0]}": field expr must be set'
        return self._mimirs_limits(group) if self._is_mimir else self._grafanas_wishes(group)

    def _mimirs_limits(self, group: Group) -> tuple[int, str] | None:
        if (count := len(group["rules"])) > RULES_OF_A_GROUP:
            return 400, f"per-user rules per rule group limit (limit: 20 actual: {count}) exceeded"
        names = {name for groups in self.ruler.namespaces.values() for name in groups}
        if (count := len(names | {group["name"]})) > GROUPS_OF_A_TENANT:
            return 400, f"per-user rule groups limit (limit: 70 actual: {count}) exceeded"
        return None

    def _grafanas_wishes(self, group: Group) -> tuple[int, str] | None:
        asked = self.headers.get(DATASOURCE_HEADER)
        if not asked:
            return 400, f"Missing datasource UID header: {DATASOURCE_HEADER}"
        if asked not in {source["uid"] for source in self.ruler.datasources}:
            return 404, "failed to get datasource: data source not found"
        if not self.ruler.recording and any("record" in rule for rule in group["rules"]):
            return 400, "Cannot import recording rules: Feature not enabled."
        if group["name"] in self.ruler.by_hand:
            return 409, "cannot update rule group: provenance does not match"
        return None

    def _error(self, status: int, text: str) -> None:
        if self._is_mimir:
            self._answer(status, f"{text}\n".encode(), "text/plain; charset=utf-8")
        else:
            self._json(status, {"message": text, "messageId": "alerting", "statusCode": status})

    def _json(self, status: int, content: Any) -> None:
        self._answer(status, json.dumps(content).encode(), "application/json")

    def _answer(
        self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def _stored(group: Group) -> Group:
    """As it is listed: durations in the largest unit, and fields that say nothing."""
    times = {"60s": "1m", "0m": "0s"}
    return {
        **group,
        "interval": times.get(group["interval"], group["interval"]),
        "limit": 0,
        "source_tenants": [],
    }
