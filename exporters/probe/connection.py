"""One HTTP request over a connection of its own: every phase timed, all of it before a deadline.

Sockets are ours, because no client library times name lookup, connecting and the handshake apart
and holds one deadline for the whole exchange; h11 speaks HTTP on them. Nothing is followed
(a redirect could carry the key elsewhere) and no proxy is taken from the environment.
"""

import contextlib
import functools
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import h11

LARGEST_HEAD = 64 * 1024
LARGEST_ANSWER = 1024 * 1024
"""Bytes of headers and of body that are read at most; a model's answer to a probe is far less."""

PHASES = ("dns", "connect", "tls", "first_byte", "body")
"""In this order; `first_byte` begins with the request sent, `body` with the headers read."""


class Lost(Exception):  # noqa: N818 - it says what became of the exchange
    """The exchange ended early; `outcome` is one of `measuring.OUTCOMES`."""

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


@dataclass(slots=True, kw_only=True)
class Course:
    """How far an exchange got and when it must be over; times are of `clock`, in seconds."""

    clock: Callable[[], float] = time.monotonic
    ends: float
    phases_s: dict[str, float] = field(default_factory=dict)
    certificate_expires_s: float | None = None

    def left(self) -> float:
        """Seconds until the deadline; never zero, which would mean a socket that does not wait.

        Raises:
            Lost: there are none.
        """
        seconds = self.ends - self.clock()
        if seconds <= 0:
            raise Lost("timeout")
        return seconds

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time the block; a phase that is not finished is not in `phases_s`."""
        began = self.clock()
        yield
        self.phases_s[name] = self.clock() - began


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What to send. Header names are in lower case; `ca_file` replaces the system's authorities."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)  # the key is among them
    body: bytes
    ca_file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """How an answer begins, and its body as it arrives."""

    status: int
    headers: Mapping[str, str]
    pieces: Iterator[bytes]


@contextlib.contextmanager
def exchange(call: Call, course: Course) -> Iterator[Head]:
    """Send the call; the connection is closed when the block ends.

    Raises:
        Lost: also from reading `pieces`.
    """
    url = urlsplit(call.url)
    secure = url.scheme == "https"
    port = url.port or (443 if secure else 80)
    trusted = _trusted(call.ca_file) if secure else None
    sock = _connected(url.hostname or "", port, course)
    try:
        if trusted:
            sock = _secured(sock, trusted, url.hostname or "", course)
        head = _asked(sock, call, course)
        with course.phase("body"):
            yield head
    finally:
        sock.close()


def _trusted(ca_file: str) -> ssl.SSLContext:
    try:
        changed_ns = Path(ca_file).stat().st_mtime_ns if ca_file else int(time.time() // 3600)
        return _authorities(ca_file, changed_ns)
    except OSError:  # the file is missing or holds no certificate
        raise Lost("tls_error") from None


@functools.lru_cache(maxsize=64)
def _authorities(ca_file: str, _version: int) -> ssl.SSLContext:
    """Kept, because reading the system's authorities takes 25 ms; read anew each hour."""
    context = ssl.create_default_context(cafile=ca_file or None)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _addresses(host: str, port: int, course: Course) -> list[tuple[Any, ...]]:
    """What the name stands for. The lookup has no time limit of its own, so it has a thread."""
    found: queue.SimpleQueue[list[tuple[Any, ...]] | None] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            found.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except (OSError, UnicodeError):  # unknown, or no name at all
            found.put(None)

    with course.phase("dns"):
        threading.Thread(target=look_up, name="probe-dns", daemon=True).start()
        try:
            addresses = found.get(timeout=course.left())
        except queue.Empty:
            raise Lost("timeout") from None
        if not addresses:
            raise Lost("dns_error")
    return addresses


def _connected(host: str, port: int, course: Course) -> socket.socket:
    """A connection to the first address that takes one.

    Each address gets its share of the time that is left, so that one that swallows packets
    (IPv6 without a route, say) does not use it all up.
    """
    addresses = _addresses(host, port, course)
    late = False
    with course.phase("connect"):
        for position, (family, kind, protocol, _, address) in enumerate(addresses):
            share = course.left() / (len(addresses) - position)
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(share)
                sock.connect(address)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as error:
                sock.close()
                late = late or isinstance(error, TimeoutError)
            else:
                break
        else:
            raise Lost("timeout" if late else "connect_error")
    return sock


def _secured(
    plain: socket.socket, trusted: ssl.SSLContext, host: str, course: Course
) -> ssl.SSLSocket:
    with course.phase("tls"), contextlib.ExitStack() as unless_secured:
        try:
            sock = trusted.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
            unless_secured.callback(sock.close)
            sock.settimeout(course.left())
            sock.do_handshake()
        except TimeoutError:
            raise Lost("timeout") from None
        except (OSError, ValueError):  # refused, reset, or a name no certificate can have
            raise Lost("tls_error") from None
        unless_secured.pop_all()
    expires = (sock.getpeercert() or {}).get("notAfter")
    if isinstance(expires, str):
        course.certificate_expires_s = float(ssl.cert_time_to_seconds(expires))
    return sock


def _asked(sock: socket.socket, call: Call, course: Course) -> Head:
    """Send the request and read until the answer's headers are there."""
    protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=LARGEST_HEAD)
    message = _message(protocol, call)
    # A server may refuse and hang up before it has read everything; its answer counts.
    with contextlib.suppress(ConnectionError):
        _sent(sock, message, course)
    began = course.clock()
    while True:
        try:
            event = protocol.next_event()
        except h11.RemoteProtocolError:
            raise Lost(
                "bad_answer" if "first_byte" in course.phases_s else "connect_error"
            ) from None
        if event is h11.NEED_DATA:
            received = _received(sock, course, "connect_error")
            if received:
                course.phases_s.setdefault("first_byte", course.clock() - began)
            protocol.receive_data(received)
        elif isinstance(event, h11.Response):
            break
    return Head(
        status=event.status_code,
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in event.headers},
        pieces=_pieces(sock, protocol, course),
    )


def _message(protocol: h11.Connection, call: Call) -> bytes:
    url = urlsplit(call.url)
    path = quote(url.path or "/", safe="/%:@!$&'()*+,;=~")
    target = f"{path}?{quote(url.query, safe='/%:@!$&()*+,;=~?')}" if url.query else path
    headers = {
        "host": url.netloc.rpartition("@")[2],
        **call.headers,
        "content-length": str(len(call.body)),
        "connection": "close",
    }
    try:
        request = h11.Request(method=call.method, target=target, headers=list(headers.items()))
        parts = [protocol.send(request), protocol.send(h11.Data(data=call.body))]
    except (h11.LocalProtocolError, UnicodeError):  # a header that HTTP does not allow
        raise Lost("client_error") from None  # without the reason, which could quote the key
    return b"".join([part or b"" for part in (*parts, protocol.send(h11.EndOfMessage()))])


def _sent(sock: socket.socket, message: bytes, course: Course) -> None:
    rest = memoryview(message)
    while rest:
        sock.settimeout(course.left())
        try:
            rest = rest[sock.send(rest) :]
        except TimeoutError:
            raise Lost("timeout") from None


def _received(sock: socket.socket, course: Course, lost: str) -> bytes:
    """The next bytes, b"" at the end. The wait is what is left, so that trickling does not help."""
    sock.settimeout(course.left())
    try:
        return sock.recv(64 * 1024)
    except TimeoutError:
        raise Lost("timeout") from None
    except ssl.SSLError:  # TLS 1.3 says only now that it wants a client's certificate
        raise Lost("tls_error" if lost == "connect_error" else lost) from None
    except OSError:
        raise Lost(lost) from None


def _pieces(sock: socket.socket, protocol: h11.Connection, course: Course) -> Iterator[bytes]:
    size = 0
    while True:
        try:
            event = protocol.next_event()
        except h11.RemoteProtocolError:  # cut short, or no chunks where chunks were said
            raise Lost("bad_answer") from None
        if event is h11.NEED_DATA:
            protocol.receive_data(_received(sock, course, "bad_answer"))
        elif isinstance(event, h11.Data):
            size += len(event.data)
            if size > LARGEST_ANSWER:
                raise Lost("bad_answer")
            yield bytes(event.data)
        else:
            return
