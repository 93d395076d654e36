"""The fleet over HTTP, on loopback unless told otherwise: one port per page, one for control."""

import json
import threading
from collections.abc import Callable, Mapping
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

PAGES: Mapping[str, Callable[[World], Callable[[], str]]] = {
    "vllm": Vllm,
    "triton": Triton,
    "litellm": Litellm,
    "otel_genai": OtelGenai,
    "dcgm_exporter": DcgmExporter,
    "modelwatch": Canonical,
}
"""What can be served, by the name of the engine."""

LOOPBACK = "127.0.0.1"

PORTS = {
    "vllm": 9401,
    "triton": 9402,
    "litellm": 9403,
    "otel_genai": 9404,
    "dcgm_exporter": 9405,
    "modelwatch": 9407,
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


def _page(name: str, world: World) -> type[BaseHTTPRequestHandler]:
    """A page, and answers to requests. Scrapes see the same traffic once: one after the other."""
    lock = threading.Lock()
    write = PAGES[name](world)

    class Server(_Answering):
        def do_GET(self) -> None:
            if self.path.rstrip("/") != "/metrics":
                self.answer(404, "the page is /metrics\n")
                return
            with lock:
                text = write()
            self.answer(200, text, "text/plain; version=0.0.4")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with lock:
                found = answer(name, self.path, body, world)
            self.send_response(found.status)
            self.send_header("Content-Type", found.kind)
            self.send_header("Connection", "close")
            self.end_headers()
            for piece in found.written():
                self.wfile.write(piece)

    return Server


def _control(incidents: Incidents) -> type[BaseHTTPRequestHandler]:
    """`GET /incident` lists incidents, `POST /incident/<name>` begins one, `clear` ends all."""

    class Control(_Answering):
        def do_GET(self) -> None:
            known = {
                name: {"active": name in incidents, "what": what}
                for name, what in INCIDENTS.items()
            }
            self.answer(200, json.dumps(known, indent=2) + "\n", "application/json")

        def do_POST(self) -> None:
            name = self.path.removeprefix("/incident/")
            if name == "clear":
                incidents.clear()
                self.answer(200, "all incidents ended\n")
            elif name in INCIDENTS:
                incidents.begin(name)
                self.answer(200, f"{INCIDENTS[name]}\n")
            else:
                self.answer(404, f"known incidents: clear, {', '.join(INCIDENTS)}\n")

    return Control
