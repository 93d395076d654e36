"""A small inventory whose model is served by a page in this process, and its stack."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from compose.native import stack as native
from compose.ports import Ports, free_port
from tests.command import Said, run

TEXT = """\
settings: {{scrape_interval: 15s, time_compression: 20}}
teams:
  assist: {{page: on-call}}
receivers:
  on-call: {{slack: {{channel: "#assist", url_file: {folder}/url}}}}
engines:
  shelf:
    model_label: m
    signals:
      requests_running: {{gauge: shelf_running}}
models:
  - name: chat
    team: assist
    sources: [{{engine: shelf, targets: ["127.0.0.1:{page}"], model: chat}}]
"""
MUTE = """\
  - name: mute
    team: assist
    sources: [{{engine: shelf, targets: ["127.0.0.1:{page}"], model: mute}}]
"""


def exporter(name: str, port: int) -> str:
    """The line of one exporter, for the end of an inventory."""
    return f'exporters: {{{name}: {{targets: ["127.0.0.1:{port}"]}}}}\n'


@contextmanager
def page(text: str, host: str = "127.0.0.1", status: int = 200, port: int = 0) -> Iterator[int]:
    """A server that answers everything with this text; the port it listens on."""

    class Shelf(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with serving(ThreadingHTTPServer((host, port), Shelf)) as taken:
        yield taken


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[int]:
    """The port of a server that serves meanwhile."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def up(inventory: Path) -> Iterator[Said]:
    """What `up` says; ended afterwards, whatever happens."""
    try:
        said = run("up", "--native", inventory)
        assert said.code == 0, said.err
        yield said
    finally:
        run("down", inventory)


@contextmanager
def prometheus(
    folder: Path, *, rules: str = "", scrape: str = "", path: str | None = None
) -> Iterator[str]:
    """The address of a server with these rules and scrape jobs."""
    for name in ("prometheus", "alertmanager"):
        (folder / "config" / name).mkdir(parents=True)
    (folder / "config/prometheus/rules.yml").write_text(f"groups: [{rules}]\n")
    (folder / "config/prometheus/prometheus.yml").write_text(
        "global: {scrape_interval: 500ms, evaluation_interval: 500ms}\n"
        f"rule_files: [rules.yml]\nscrape_configs: [{scrape}]\n"
    )
    (folder / "config/alertmanager/alertmanager.yml").write_text(
        "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"
    )
    try:
        # Never the usual ports: a stack that takes them may start at the same moment.
        ports = Ports(prometheus=free_port(), alertmanager=free_port(), boards=free_port())
        stack = native.start(folder / "config", folder / "data", ports, path=path)
        yield stack.prometheus_url
    finally:
        native.stop(folder / "data")


def eventually(true: Callable[[], object], within_s: float = 90) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.2)
