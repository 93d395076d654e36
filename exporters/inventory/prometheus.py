"""Queries of a Prometheus, with an end to how long they take and how much they answer.

The client is that of the standard library, so that the socket is at hand: it is shut when time is
up, whatever the server does. Nothing is followed (a token is for one server), and neither a proxy
nor a login is taken from the environment.
"""

import base64
import contextlib
import json
import math
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlencode, urlsplit

from modelwatch.problems import Unreachable

MAX_BYTES = 32 << 20
"""Longest answer that is read; one of 1 000 budgets has 0.2 MB."""

_OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One series of an instant query's answer. Values that are no number are left out of it."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Prometheus:
    """Where queries go. The token is read anew each time, so that it may be rotated."""

    url: str
    token_file: Path | None = None
    ca_file: Path | None = None
    timeout_s: float = 20.0

    def query(self, expr: str, at: float) -> list[Row]:
        """The values of an expression at a moment.

        Raises:
            Unreachable: there was no answer in time, or none that makes sense.
        """
        try:
            status, body = self._answer(expr, at)
        except (OSError, HTTPException, ValueError) as failure:
            raise Unreachable(f"{self._name} did not answer: {_reason(failure)}") from None
        if status != _OK:
            raise Unreachable(f"{self._name} did not answer: {_refusal(status, body)}")
        try:
            return _rows(json.loads(body))
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
            raise Unreachable(f"{self._name} answered with what no query answers") from None

    @property
    def _name(self) -> str:
        """The server in messages, without a login that its address may hold."""
        return f"Prometheus at {urlsplit(self.url).netloc.rpartition('@')[2]}"

    def _answer(self, expr: str, at: float) -> tuple[int, bytes]:
        form = {"query": expr, "time": f"{at:.3f}", "timeout": f"{math.ceil(self.timeout_s)}s"}
        url = urlsplit(self.url)
        path, headers = f"{url.path.rstrip('/')}/api/v1/query", self._headers(url)
        with contextlib.closing(self._connection(url)) as connection:
            connection.connect()
            with _shut_after(connection.sock, self.timeout_s):
                connection.request("POST", path, urlencode(form), headers)
                with connection.getresponse() as answer:
                    body = answer.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise HTTPException(f"more than {MAX_BYTES >> 20} MB")
        return answer.status, body

    def _connection(self, url: SplitResult) -> HTTPConnection:
        host = url.hostname or ""
        if url.scheme != "https":
            return HTTPConnection(host, url.port, timeout=self.timeout_s)
        own = self.ca_file.read_text(encoding="utf-8") if self.ca_file else None
        trusted = ssl.create_default_context(cadata=own)
        return HTTPSConnection(host, url.port, timeout=self.timeout_s, context=trusted)

    def _headers(self, url: SplitResult) -> dict[str, str]:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if self.token_file:
            token = self.token_file.read_text(encoding="utf-8").strip()
            headers["Authorization"] = f"Bearer {token}"
        elif url.username is not None:
            login = f"{unquote(url.username)}:{unquote(url.password or '')}"
            headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
        return headers


@contextlib.contextmanager
def _shut_after(sock: socket.socket, seconds: float) -> Iterator[None]:
    """End what is done with a connection when time is up: timeouts count from byte to byte.

    Raises:
        TimeoutError: it was up.
    """
    late = threading.Event()

    def shut() -> None:
        late.set()
        with contextlib.suppress(OSError):  # closed already
            # Not the method of a TLS socket, which would also change what the reader is using.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, shut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, HTTPException):
        if not late.is_set():
            raise
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError


def _refusal(status: int, body: bytes) -> str:
    """The status and, as far as Prometheus says it, the reason."""
    try:
        reason = str(json.loads(body)["error"])[:200]
    except (ValueError, KeyError, TypeError, RecursionError):
        reason = ""
    return f"status {status}{f', {reason}' if reason else ''}"


def _reason(failure: Exception) -> str:
    """What happened in short; never the text of an error that could quote the token."""
    if isinstance(failure, TimeoutError):
        return "not in time"
    if isinstance(failure, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {failure.verify_message}"
    if isinstance(failure, OSError) and failure.filename:
        return f"cannot read {failure.filename}: {failure.strerror}"
    if isinstance(failure, OSError) and failure.strerror:
        return failure.strerror
    return type(failure).__name__


def _rows(document: Mapping[str, object]) -> list[Row]:
    if document["status"] != "success":
        raise ValueError("not a success")
    answer = document["data"]
    if not isinstance(answer, dict) or answer["resultType"] != "vector":
        raise ValueError("not a vector")
    rows = [
        Row(labels={str(k): str(v) for k, v in one["metric"].items()}, value=float(one["value"][1]))
        for one in answer["result"]
    ]
    return [row for row in rows if math.isfinite(row.value)]
