"""Connections: how many, how long each may take to ask, and what is no HTTP at all.

A connection that waits, or dribbles, gives its place to a new one when all places are taken, so
that neither idle nor hostile ones can lock out a scrape.
"""

import asyncio
import contextlib
import email.utils
import http
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from enum import IntEnum
from typing import Any

from tornado import httputil, netutil
from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream, SSLIOStream, StreamClosedError, UnsatisfiableReadError

from exporters.base.exporter import Reply
from exporters.base.intake import Refused

MOST_CONNECTIONS = 256
"""Far more than one exporter needs, far fewer than the files that a process may open."""
MOST_HEADER_BYTES = 16_384
FIRST_BYTE_WITHIN_S = 10.0
HEADER_WITHIN_S = 10.0
IDLE_S = 300.0
"""A scraper keeps its connection; intervals above a few minutes are rare."""
LINGER_S = 1.0
"""How long the rest of a refused body is taken, so that its sender gets to read the refusal."""

_CUT_BYTES = 4 * MOST_HEADER_BYTES
"""Headers up to here are read, so that they can be refused in words."""
_LONGEST_LENGTH = 18
_WORDS_OF_THE_LIBRARY = b"HTTP/1.1 400 Bad Request\r\n\r\n"
_READ_BYTES = 65_536
_BUFFER_BYTES = 1 << 20


class Phase(IntEnum):
    """What a connection is doing, in the order in which it would be given up."""

    WAITING = 0
    SENDING = 1
    ANSWERED = 2


class Stream(IOStream):
    """A connection that reads the head of a request within a time, and refuses what is no HTTP."""

    def __init__(self, *arguments: Any, count: Callable[[str], None], **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.count = count
        self.phase = Phase.WAITING
        self.since = time.monotonic()
        self.asked_before = False

    def enter(self, phase: Phase) -> None:
        """Go on to the next phase."""
        self.phase, self.since = phase, time.monotonic()

    def read_until_regex(self, regex: bytes, max_bytes: int | None = None) -> Awaitable[bytes]:
        """The head of a request, which is all that the server uses this for."""
        del max_bytes
        return asyncio.ensure_future(self._head(regex))

    def write(self, data: bytes | memoryview) -> "asyncio.Future[None]":
        """Bytes to send; what the library says of chunks that are none becomes our refusal."""
        if data == _WORDS_OF_THE_LIBRARY:
            refused = Refused(400, "malformed", "the body is not sent as HTTP demands")
            self.count(refused.reason)
            data = _raw(refused.reply())
        return super().write(data)

    async def _head(self, regex: bytes) -> bytes:
        first = await self._first_byte()
        late = self.io_loop.call_later(HEADER_WITHIN_S, self._late, "the header took too long")
        try:
            rest: bytes = await super().read_until_regex(regex, max_bytes=_CUT_BYTES)
        except UnsatisfiableReadError:
            self.count("header_size")
            raise
        finally:
            self.io_loop.remove_timeout(late)
        self.asked_before = True
        if refused := _mistake(first + rest):
            self._refuse(refused)
            await linger(self)
            raise StreamClosedError
        return first + rest

    async def _first_byte(self) -> bytes:
        if self.asked_before:
            late = self.io_loop.call_later(IDLE_S, self.close)
        else:
            late = self.io_loop.call_later(FIRST_BYTE_WITHIN_S, self._late, "nothing was sent")
        try:
            first: bytes = await super().read_bytes(1)
        except StreamClosedError as closed:
            if isinstance(closed.real_error, ssl.SSLError):
                self.count("tls")
            raise
        finally:
            self.io_loop.remove_timeout(late)
        return first

    def _late(self, message: str) -> None:
        self._refuse(Refused(408, "slow", message))
        self.close()

    def _refuse(self, refused: Refused) -> None:
        self.count(refused.reason)
        with contextlib.suppress(StreamClosedError):
            self.write(_raw(refused.reply())).add_done_callback(_seen)


class SecureStream(Stream, SSLIOStream):
    """The same over TLS; the handshake counts as waiting for the first byte."""


def _seen(written: "asyncio.Future[None]") -> None:
    """Whoever left before the refusal was written is not worth a word in the log."""
    written.exception()


class Gate:
    """Lets connections in, up to a number."""

    def __init__(
        self,
        server: HTTPServer,
        count: Callable[[str], None],
        context: Callable[[], ssl.SSLContext | None],
        most: int = MOST_CONNECTIONS,
    ) -> None:
        self._server, self._count, self._context, self._most = server, count, context, most
        self._streams: list[Stream] = []
        self._closing: list[Callable[[], None]] = []

    def open(self, sockets: list[socket.socket]) -> None:
        """Accept connections from now on."""
        for listening in sockets:
            self._closing.append(netutil.add_accept_handler(listening, self._accept))
            self._closing.append(listening.close)

    def close(self) -> None:
        """Accept no more."""
        while self._closing:
            self._closing.pop(0)()

    async def close_all(self) -> None:
        """End every connection."""
        await self._server.close_all_connections()

    def _accept(self, connection: socket.socket, address: Any) -> None:
        if not self._has_room():
            self._count("connections")
            connection.close()
            return
        try:
            stream = self._stream(connection)
        except OSError:  # the other side is gone already, or TLS cannot begin
            self._count("tls")
            connection.close()
            return
        self._streams.append(stream)
        self._server.handle_stream(stream, address)

    def _stream(self, connection: socket.socket) -> Stream:
        limits = {"max_buffer_size": _BUFFER_BYTES, "read_chunk_size": _READ_BYTES}
        if (context := self._context()) is None:
            return Stream(connection, count=self._count, **limits)
        wrapped = netutil.ssl_wrap_socket(
            connection, context, server_side=True, do_handshake_on_connect=False
        )
        return SecureStream(wrapped, count=self._count, **limits)

    def _has_room(self) -> bool:
        """Make room by closing what has waited longest; nothing that is being answered."""
        if len(self._streams) >= self._most:
            self._streams = [stream for stream in self._streams if not stream.closed()]
        if len(self._streams) < self._most:
            return True
        longest = min(self._streams, key=lambda stream: (stream.phase, stream.since))
        if longest.phase is Phase.ANSWERED:
            return False
        self._count("connections")
        longest.close()
        self._streams.remove(longest)
        return True


async def linger(stream: IOStream) -> None:
    """Take what is still on its way, then close; closing at once would destroy our last words."""
    end = stream.io_loop.call_later(LINGER_S, stream.close)
    with contextlib.suppress(StreamClosedError, OSError):
        if not isinstance(stream, SSLIOStream) and not stream.writing():
            stream.socket.shutdown(socket.SHUT_WR)  # all is said; who reads need not wait for more
        while True:
            await stream.read_bytes(_READ_BYTES, partial=True)
    stream.io_loop.remove_timeout(end)
    stream.close()


def headers_of(reply: Reply, extra: Mapping[str, str] | None = None) -> httputil.HTTPHeaders:
    """All headers of an answer."""
    made = httputil.HTTPHeaders(
        {
            "Content-Type": reply.content_type,
            "Content-Length": str(len(reply.body)),
            "Date": email.utils.formatdate(usegmt=True),
            "X-Content-Type-Options": "nosniff",
        }
    )
    if reply.status in (204, 304):
        del made["Content-Length"]
    for name, value in {**reply.headers, **(extra or {})}.items():
        made[name] = value
    return made


def start_line_of(reply: Reply) -> httputil.ResponseStartLine:
    """Status and what it is called."""
    try:
        phrase = http.HTTPStatus(reply.status).phrase
    except ValueError:
        phrase = "Unknown"
    return httputil.ResponseStartLine("HTTP/1.1", reply.status, phrase)


def _raw(reply: Reply) -> bytes:
    """An answer for a connection on which no request was understood."""
    line = start_line_of(reply)
    lines = [f"HTTP/1.1 {line.code} {line.reason}"]
    lines += [f"{k}: {v}" for k, v in headers_of(reply, {"Connection": "close"}).get_all()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + reply.body


def _mistake(block: bytes) -> Refused | None:
    """What is wrong with the head of a request, as strict as a proxy before us could be."""
    if len(block) > MOST_HEADER_BYTES:
        return Refused(431, "header_size", f"the header is larger than {MOST_HEADER_BYTES} bytes")
    line, _, rest = block.decode("latin-1").lstrip("\r\n").partition("\n")
    try:
        start = httputil.parse_request_start_line(line.rstrip("\r"))
        headers = httputil.HTTPHeaders.parse(rest)
    except httputil.HTTPInputError as error:
        return Refused(400, "malformed", str(error))
    lengths = headers.get_list("Content-Length")
    if not start.path.startswith("/"):
        message = "the request must be for a path of this server"
    elif start.version == "HTTP/1.1" and len(headers.get_list("Host")) != 1:
        message = "there must be one Host header"
    elif "Transfer-Encoding" in headers and headers["Transfer-Encoding"].lower() != "chunked":
        message = "the only Transfer-Encoding known is chunked"
    elif "Transfer-Encoding" in headers and lengths:
        message = "a request has either Content-Length or Transfer-Encoding"
    elif len(lengths) > 1 or any(not _is_length(length) for length in lengths):
        message = "Content-Length must be one number"
    else:
        return None
    return Refused(400, "malformed", message)


def _is_length(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _LONGEST_LENGTH
