"""The fleet over HTTP, on loopback unless told otherwise: one port per page, one for control."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from compose.fleet.answering import answer
from compose.fleet.canonical import Canonical
from compose.fleet.dcgm_exporter import DcgmExporter
from compose.fleet.incidents import INCIDENTS, Incidents
from compose.fleet.litellm import Litellm
from compose.fleet.otel_genai import OtelGenai
from compose.fleet.traffic import World
from compose.fleet.triton import Triton
from compose.fleet.vllm import Vllm

NEXT = "_next"
"""The end of the name of a page that is the server of a next version."""

PAGES: Mapping[str, Callable[[World], Callable[[], str]]] = {
    "vllm": Vllm,
    f"vllm{NEXT}": partial(Vllm, following=True),
    "triton": Triton,
    "litellm": Litellm,
    "otel_genai": OtelGenai,
    "dcgm_exporter": DcgmExporter,
    "modelwatch": Canonical,
}
"""What can be served, by the name of the engine."""

AWAY = {
    "chat-restarts": "vllm",
    "vision-down": "triton",
    "vision-restarts": "triton",
    "gateway-restarts": "litellm",
}
"""Incidents in which a server answers nothing at all; its counters begin anew afterwards."""

LOOPBACK = "127.0.0.1"

PORTS = {
    "vllm": 9401,
    "triton": 9402,
    "litellm": 9403,
    "otel_genai": 9404,
    "dcgm_exporter": 9405,
    "modelwatch": 9407,
    f"vllm{NEXT}": 9410,
    "control": 9408,
}


def servers(
    world: World, ports: Mapping[str, int], host: str = LOOPBACK
) -> list[ThreadingHTTPServer]:
    """The HTTP servers, not yet serving; port 0 takes a free one."""
    return [
        ThreadingHTTPServer((host, port), _control(world.incidents))
        if name == "control"
        else ThreadingHTTPServer((host, port), _page(name, world))
        for name, port in ports.items()
    ]


def serve_forever(world: World, ports: Mapping[str, int], host: str = LOOPBACK) -> None:
    """Serve until the process is ended."""
    threads = [
        threading.Thread(target=server.serve_forever, daemon=True)
        for server in servers(world, ports, host)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class _Answering(BaseHTTPRequestHandler):
    """A request that is answered with text and not logged."""

    def answer(self, status: int, text: str, kind: str = "text/plain") -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """A scrape every second is no news."""


@dataclass(slots=True, kw_only=True)
class _Written:
    """The page of a server that can be away."""

    name: str
    world: World
    was_away: bool = False
    write: Callable[[], str] = field(init=False)

    def __post_init__(self) -> None:
        self.write = PAGES[self.name](self.world)

    def away(self) -> bool:
        """Whether nothing answers now."""
        gone = any(
            page == self.name and incident in self.world.incidents
            for incident, page in AWAY.items()
        )
        self.was_away = self.was_away or gone
        return gone

    def page(self) -> str:
        """The page now; after an absence, that of a server that has just started."""
        if self.was_away:
            self.write, self.was_away = PAGES[self.name](self.world), False
        return self.write()


def _page(name: str, world: World) -> type[BaseHTTPRequestHandler]:
    """A page, and answers to requests. Scrapes see the same traffic once: one after the other."""
    lock = threading.Lock()
    written = _Written(name=name, world=world)

    class Server(_Answering):
        def do_GET(self) -> None:
            if written.away():
                return
            if self.path.rstrip("/") != "/metrics":
                self.answer(404, "the page is /metrics\n")
                return
            with lock:
                text = written.page()
            self.answer(200, text, "text/plain; version=0.0.4")

        def do_POST(self) -> None:
            if written.away():
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with lock:
                found = answer(name.removesuffix(NEXT), self.path, body, world)
            self.send_response(found.status)
            self.send_header("Content-Type", found.kind)
            self.send_header("Connection", "close")
            self.end_headers()
            for piece in found.written():
                self.wfile.write(piece)

    return Server


def _control(incidents: Incidents) -> type[BaseHTTPRequestHandler]:
    """`GET /incident` lists incidents and who is told of them.

    `POST /incident/<name>` begins one, `/incident/<name>/end` ends it, `/incident/clear` ends all.
    """

    class Control(_Answering):
        def do_GET(self) -> None:
            known = {
                name: {"active": name in incidents, **asdict(incident)}
                for name, incident in INCIDENTS.items()
            }
            self.answer(200, json.dumps(known, indent=2) + "\n", "application/json")

        def do_POST(self) -> None:
            name, _, verb = self.path.removeprefix("/incident/").partition("/")
            if name == "clear" and not verb:
                incidents.clear()
                self.answer(200, "all incidents ended\n")
            elif name in INCIDENTS and verb == "end":
                incidents.end(name)
                self.answer(200, f"ended: {INCIDENTS[name].what}\n")
            elif name in INCIDENTS and not verb:
                incidents.begin(name)
                self.answer(200, f"{INCIDENTS[name].what}\n")
            else:
                names = ", ".join(INCIDENTS)
                self.answer(404, f"known incidents: clear, {names}; NAME/end ends one\n")

    return Control
