"""A Prometheus of either release for one test, with pages to scrape and samples of the past."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import requests

from exporters.base.collecting import Page
from exporters.base.exporter import Parts
from exporters.base.rendering import CONTENT_TYPE_TEXT, render
from tests.real import program

KEPT = "20y"
"""Retention: samples of the past are years old."""


def free_address() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


@contextmanager
def running(name: str, folder: Path, *command: str | Path) -> Iterator[None]:
    """A program with its log in the folder; ended as a service manager would."""
    with (folder / f"{name}.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def backfill(lines: Iterable[str], folder: Path, path: str) -> None:
    """Samples in OpenMetrics text, as blocks in `folder/data`."""
    text = folder / "past.om"
    with text.open("w") as written:
        written.writelines(lines)
        written.write("# EOF\n")
    subprocess.run(
        [
            program("promtool", path),
            *("tsdb", "create-blocks-from", "--max-block-duration=744h"),
            *("openmetrics", text, folder / "data"),
        ],
        check=True,
        capture_output=True,
    )


@contextmanager
def prometheus(
    folder: Path, path: str, *, address: str = "", configured: bool = False
) -> Iterator[str]:
    """The address of a Prometheus over `folder`; unless `configured`, it scrapes nothing."""
    address = address or free_address()
    if not configured:
        (folder / "prometheus.yml").write_text("global: {}\n")
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [
                program("prometheus", path),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--storage.tsdb.retention.time={KEPT}",
                f"--web.listen-address={address}",
            ],
            stdout=log,
            stderr=log,
        )
        try:
            until(lambda: _is_ready(address), f"Prometheus, see {folder / 'log'}")
            yield f"http://{address}"
        finally:
            server.terminate()
            server.wait(30)


def _is_ready(address: str) -> bool:
    try:
        return requests.get(f"http://{address}/-/ready", timeout=5).ok
    except requests.ConnectionError:
        return False


def until(condition: Callable[[], bool], what: str, patience_s: float = 120) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, f"still waiting for {what}"
        time.sleep(0.1)


def values(url: str, expr: str) -> dict[tuple[tuple[str, str], ...], float]:
    """The answer to an instant query, by labels."""
    rows = api(url, "query", query=expr)["result"]
    return {tuple(sorted(row["metric"].items())): float(row["value"][1]) for row in rows}


def api(url: str, what: str, **parameters: str) -> Any:
    """The `data` of a reply."""
    return requests.get(f"{url}/api/v1/{what}", params=parameters, timeout=20).json()["data"]


@contextmanager
def served(exporter: str, parts: Parts) -> Iterator[str]:
    """Host and port of an exporter's page, without all that the real server has around it."""
    page = Page(exporter, parts.collectors)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = render(page.families(5.0), openmetrics=False)
            try:
                self.send_response(200)
                self.send_header("Content-Type", CONTENT_TYPE_TEXT)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                return  # whoever asked has gone

        def log_message(self, *_: object) -> None:
            """Nothing: tests do not read it."""

    with server(Handler) as address:
        yield address


@contextmanager
def server(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Host and port of a server with this handler."""
    listening = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    listening.daemon_threads = True
    thread = Thread(target=listening.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{listening.server_address[1]}"
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join(10)
