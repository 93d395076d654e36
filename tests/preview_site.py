"""What a preview is drawn from: a real Prometheus with every series, and a scripted one."""

import json
import math
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from zlib import crc32

import requests

from compose.ports import free_port
from tests import real
from tests.test_boards_answers import series

Json = dict[str, Any]
STEP_S = 15
HOURS = 1
RISING = ("_total{", "_bucket{", "_sum{", "_count{")


def value(name: str, sample: int) -> float:
    """A counter rises; what else there is goes up and down between 0.1 and 0.9."""
    if any(part in name for part in RISING):
        return float(sample * (1 + crc32(name.encode()) % 7))
    if "health" in name:
        return float((sample // 50 + crc32(name.encode())) % 4)
    return 0.5 + 0.4 * math.sin(sample / 40 + crc32(name.encode()) % 7)


def exposition(names: list[str], now: float) -> str:
    lines = [
        f"{name} {value(name, sample)} {now - HOURS * 3600 + sample * STEP_S}"
        for name in names
        for sample in range(HOURS * 3600 // STEP_S + 1)
    ]
    return "\n".join([*lines, "# EOF"]) + "\n"


@contextmanager
def filled(folder: Path, extra: tuple[str, ...] = ()) -> Iterator[str]:
    """The address of the Prometheus, which ends afterwards."""
    with holding(folder, exposition([*series(), *extra], time.time())) as url:
        yield url


@contextmanager
def holding(
    folder: Path, samples: str, *, configuration: str = "{}\n", path: str | None = None
) -> Iterator[str]:
    """The address of a Prometheus that has these samples, as OpenMetrics with times."""
    promtool, prometheus = real.program("promtool", path), real.program("prometheus", path)
    text, data = folder / "series.om", folder / "data"
    text.write_text(samples)
    subprocess.run(
        [promtool, "tsdb", "create-blocks-from", "openmetrics", text, data],
        check=True,
        capture_output=True,
    )
    (folder / "prometheus.yml").write_text(configuration)
    port = free_port()
    command = [
        str(prometheus),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={data}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-lifecycle",
    ]
    url = f"http://127.0.0.1:{port}"
    with (folder / "log").open("w") as log:
        running = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _await(url, running)
            yield url
        finally:
            running.terminate()
            running.wait(timeout=30)


def _await(url: str, running: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        assert running.poll() is None, "Prometheus ended"
        try:
            if requests.get(f"{url}/-/ready", timeout=1).ok:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.1)
    raise AssertionError("Prometheus is not ready")


class Scripted:
    """A server with Prometheus' query API that answers every query with the same series.

    Queries that contain `failing` fail; with `page` it is some other kind of server.
    """

    def __init__(self, labels: dict[str, str], *, failing: str = "", page: str = "") -> None:
        self.labels, self.failing, self.page = labels, failing, page
        self.queries: list[str] = []

    def answer(self, path: str, asked: dict[str, list[str]]) -> tuple[int, Json]:
        if found := re.fullmatch(r"/api/v1/label/(\w+)/values", path):
            name = found[1]
            return 200, {
                "status": "success",
                "data": [self.labels[name]] if name in self.labels else [],
            }
        query = asked["query"][0]
        self.queries.append(query)
        if self.failing and self.failing in query:
            return 422, {"status": "error", "errorType": "execution", "error": "too <many> samples"}
        if query == "1":
            result = {"resultType": "scalar", "result": [0, "1"]}
        elif not self.labels:
            result = {"resultType": "vector", "result": []}
        elif path.endswith("query_range"):
            values = [
                [float(asked[name][0]), value] for name, value in (("start", "1"), ("end", "2"))
            ]
            result = {"resultType": "matrix", "result": [{"metric": self.labels, "values": values}]}
        else:
            value = [float(asked["time"][0]), "2"]
            result = {"resultType": "vector", "result": [{"metric": self.labels, "value": value}]}
        return 200, {"status": "success", "data": result}


@contextmanager
def scripted(api: Scripted) -> Iterator[str]:
    """The address of the server, which ends afterwards."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply()

        def do_POST(self) -> None:
            self._reply()

        def _reply(self) -> None:
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            code, content = (200, {}) if api.page else api.answer(path, parse_qs(query or body))
            text = (api.page or json.dumps(content)).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
