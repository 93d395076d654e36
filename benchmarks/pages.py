"""The pages of a fleet of vLLM servers, and one server that answers for all of them.

Prometheus asks it as a proxy, so that every model has an address of its own without a socket of its
own. A page is a function of the time alone: history can be written for it, and all models behave
alike, which changes no cost.
"""

import math
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import time
from urllib.parse import urlsplit

from exporters.engines.vllm import ENGINE
from modelwatch.engine import Histogram

REQUESTS_PER_S = 2.0
FINISHED = {"stop": 0.92, "length": 0.07, "abort": 0.009, "error": 0.001}
"""Shares of requests by why they ended."""

MEANS_S = {
    "request_duration": 1.5,
    "time_to_first_token": 0.2,
    "inter_token_latency": 0.03,
    "queue_duration": 0.1,
}
PER_REQUEST = {
    "vllm:prompt_tokens_total": 600,
    "vllm:prompt_tokens_cached_total": 150,
    "vllm:generation_tokens_total": 200,
    "vllm:num_preemptions_total": 0.002,
    "vllm:admission_rejections_total": 0.001,
}
GAUGES = {
    "vllm:num_requests_running": 3,
    "vllm:num_requests_waiting": 0,
    "vllm:kv_cache_usage_perc": 0.4,
}
_BIRTH = 1_700_000_000
"""When every counter was zero, as a Unix time."""

_MODEL = "\x00"
"""Stands for the name of the model in a page that is rendered once for all."""


def counted(seconds: float, share: float = 1.0) -> int:
    """Requests at a Unix time, or a share of them."""
    return int((seconds - _BIRTH) * REQUESTS_PER_S * share)


def below(signal: str, boundary_s: float) -> float:
    """The share of observations up to a boundary: waiting times of a memoryless server."""
    return 1 - math.exp(-boundary_s / MEANS_S[signal])


def buckets(signal: str) -> tuple[str, dict[str, float]]:
    """The metric of a distribution, and the share of observations in each of its buckets."""
    row = next(row for row in ENGINE.rows if isinstance(row, Histogram) and row.signal == signal)
    shares = {str(float(boundary)): below(signal, float(boundary)) for boundary in row.buckets}
    return row.names[0], {**shares, "+Inf": 1.0}


def page(model: str, seconds: float) -> str:
    """The metrics page of a model at a Unix time."""
    return _rendered(int(seconds)).replace(_MODEL, model)


@lru_cache(maxsize=4)
def _rendered(seconds: int) -> str:
    return "".join(f"{line}\n" for line in _lines(seconds))


def _lines(seconds: int) -> Iterator[str]:
    own = f'engine="0",model_name="{_MODEL}"'
    for signal, mean in MEANS_S.items():
        name, shares = buckets(signal)
        yield f"# TYPE {name} histogram"
        for boundary, share in shares.items():
            yield f'{name}_bucket{{{own},le="{boundary}"}} {counted(seconds, share)}'
        yield f"{name}_sum{{{own}}} {counted(seconds) * mean}"
        yield f"{name}_count{{{own}}} {counted(seconds)}"
    yield "# TYPE vllm:request_success counter"
    for reason, share in FINISHED.items():
        labels = f'{own},finished_reason="{reason}"'
        yield f"vllm:request_success_total{{{labels}}} {counted(seconds, share)}"
    for name, each in PER_REQUEST.items():
        yield f"# TYPE {name} counter"
        yield f"{name}{{{own}}} {counted(seconds, each)}"
    for name, value in GAUGES.items():
        yield f"# TYPE {name} gauge"
        yield f"{name}{{{own}}} {value}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay quiet when a Prometheus that is being ended hangs up; tell of anything else."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # as given


@contextmanager
def served() -> Iterator[str]:
    """Answer for every model on a loopback port; yields the address of the proxy."""
    server = _Server(("127.0.0.1", 0), _Proxy)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer for the server that the request names."""
        host = urlsplit(self.path).hostname or ""
        body = page(host.partition(".")[0], time()).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: there are thousands of requests."""
