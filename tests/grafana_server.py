"""A Grafana in this process, for contract tests: its API, its errors, and failures on demand.

No package brings a Grafana, so a real one was NOT run. It follows what Grafana documents and what
its sources answer, and is stricter: a parameter or key that Grafana does not know fails the test.
"""

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.grafana_resources import ADMIN, ROUTES, Answered, Asked, State
from tests.small_site import serving

TOKEN = "glsa_an-admins-token"  # noqa: S105  # nobody's
LOGIN = "<!doctype html><title>Sign in</title>"


@dataclass(slots=True, kw_only=True)
class Failure:
    """An answer that comes instead of Grafana's, `times` times after `after` good ones.

    `done`: Grafana did what was asked, and its answer was lost on the way.
    """

    method: str
    path: str
    status: int
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1
    after: int = 0
    done: bool = False

    def meets(self, method: str, path: str) -> bool:
        """Whether this request fails; counts down."""
        if method != self.method or not re.fullmatch(self.path, path) or self.times == 0:
            return False
        if self.after:
            self.after -= 1
            return False
        self.times -= 1
        return True


@dataclass(slots=True, kw_only=True)
class GrafanaServer:
    """A Grafana, who may ask it, and what was asked."""

    state: State = field(default_factory=State)
    prefix: str = ""
    tokens: dict[str, frozenset[str]] = field(default_factory=lambda: {TOKEN: ADMIN})
    users: dict[str, str] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""

    @property
    def changes(self) -> list[tuple[str, str]]:
        """The requests that change something."""
        return [(method, path) for method, path in self.asked if method != "GET"]

    def fail(self, method: str, path: str, status: int, body: object = None, **more: Any) -> None:
        """Let requests fail in this way."""
        self.failures.append(Failure(method=method, path=path, status=status, body=body, **more))

    def answer(self, request: "_Request") -> tuple[int, object, dict[str, str]]:
        """Status, body and headers for a request."""
        parts = urlsplit(request.path)
        size = int(request.headers.get("Content-Length", 0))
        text = request.rfile.read(size)
        if not parts.path.startswith(f"{self.prefix}/api/"):
            return 404, LOGIN, {}
        path = parts.path.removeprefix(self.prefix)
        self.asked.append((request.command, path))
        self.headers.append(dict(request.headers.items()))
        failing = [one for one in self.failures if one.meets(request.command, path)]
        if failing and not failing[0].done:
            return failing[0].status, failing[0].body, failing[0].headers
        try:
            answered = 200, self._resource(request, path, parts.query, text), dict[str, str]()
        except Answered as refusal:
            answered = refusal.code, refusal.body, dict[str, str]()
        if failing:
            return failing[0].status, failing[0].body, failing[0].headers
        return answered

    def _resource(self, request: "_Request", path: str, query: str, text: bytes) -> object:
        if (request.command, path) == ("GET", "/api/health"):
            return {"database": "ok", "version": self.state.version, "commit": "0000000"}
        permissions = self._permissions(request)
        for (method, pattern), resource in ROUTES.items():
            if method == request.command and (found := re.fullmatch(pattern, path)):
                asked = Asked(
                    method=method,
                    path=path,
                    params=parse_qs(query, keep_blank_values=True),
                    body=_body(text) if method != "GET" and text else None,
                    permissions=permissions,
                )
                return resource(self.state, asked, *found.groups())
        raise Answered(404, "Not found")

    def _permissions(self, request: "_Request") -> frozenset[str]:
        kind, _, secret = request.headers.get("Authorization", "").partition(" ")
        org = int(request.headers.get("X-Grafana-Org-Id", self.state.org))
        if kind == "Basic":
            user, _, password = base64.b64decode(secret).decode().partition(":")
            if self.users.get(user) == password:
                return ADMIN
            raise Answered(401, "Invalid username or password")
        if not secret:
            raise Answered(401, "Unauthorized")
        if secret not in self.tokens:
            raise Answered(401, "Invalid API key")
        if org != self.state.org:
            raise Answered(401, "API key does not belong to the requested organization")
        return self.tokens[secret]


class _Request(BaseHTTPRequestHandler):
    grafana: GrafanaServer

    def do_GET(self) -> None:
        grafana = self.grafana
        with grafana.lock:
            try:
                status, body, headers = grafana.answer(self)
            except Exception as mistake:  # noqa: BLE001  # told by the test, not by a thread
                grafana.mistakes.append(repr(mistake))
                status, body, headers = 500, {"message": "Internal Server Error"}, {}
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        kind = "text/html" if isinstance(body, str) else "application/json"
        self.send_response(status)
        for name, value in {"Content-Type": kind, **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815  # http.server's names

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def _body(text: bytes) -> object:
    try:
        return json.loads(text)
    except ValueError as failure:
        raise Answered(400, "bad request data") from failure


@contextmanager
def running(grafana: GrafanaServer | None = None) -> Iterator[GrafanaServer]:
    """A Grafana that answers meanwhile, and that no request misunderstood."""
    grafana = grafana or GrafanaServer()
    handler = type("Request", (_Request,), {"grafana": grafana})
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as port:
        grafana.url = f"http://127.0.0.1:{port}{grafana.prefix}"
        yield grafana
    assert not grafana.mistakes
