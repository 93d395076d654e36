"""One request and its answer."""

import asyncio
import contextlib
import logging
from functools import partial
from typing import Any, cast

from tornado import httputil
from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError

from exporters.base import page
from exporters.base.access import names_in_certificate
from exporters.base.connections import Phase, Stream, headers_of, linger, start_line_of
from exporters.base.exporter import Door, Reply
from exporters.base.intake import Refused, media_type
from exporters.base.passing import pass_through
from exporters.base.site import (
    HEALTHY,
    METRICS,
    MOST_HELD_BYTES,
    MOST_PAGES,
    OPEN,
    OWN,
    READY,
    Site,
)

_LOG = logging.getLogger(__name__)

BODY_WITHIN_S = 30.0
ANSWER_READ_WITHIN_S = 30.0
ANSWER_MADE_WITHIN_S = 300.0
"""After this nobody waits for a door any more; it has limits of its own."""

_IGNORED_BODY_BYTES = 65_536
"""A body that nobody asked for is taken, up to here, and thrown away."""
_ENCODINGS = ("", "identity", "gzip")
_TEXT = "text/plain; charset=utf-8"
_HTML = "text/html; charset=utf-8"
_STARTING = Reply(status=503, body=b"starting\n", content_type=_TEXT)
_NO_SCRIPTS = {"Content-Security-Policy": "default-src 'none'", "X-Frame-Options": "deny"}


class Exchange(httputil.HTTPMessageDelegate):
    """Takes a request as it arrives, and refuses it as early as can be known."""

    def __init__(self, site: Site, connection: HTTP1Connection) -> None:
        self.site, self.connection = site, connection
        self.stream = cast("Stream", connection.stream)
        self.method = self.path = self.query = ""
        self.headers = httputil.HTTPHeaders()
        self.door: Door | None = None
        self.body = bytearray()
        self.held = 0
        self.limit = _IGNORED_BODY_BYTES
        self.refused: Refused | None = None
        self.deadline: object = None
        self.task: asyncio.Task[None] | None = None
        self.makes_page = False
        self.stream.enter(Phase.WAITING)

    async def headers_received(
        self,
        start_line: httputil.RequestStartLine | httputil.ResponseStartLine,
        headers: httputil.HTTPHeaders,
    ) -> None:
        """The head is there and well-formed; the body, if there is one, is not read yet."""
        self.stream.enter(Phase.SENDING)
        self.method, self.headers = cast("httputil.RequestStartLine", start_line).method, headers
        path = cast("httputil.RequestStartLine", start_line).path
        self.path, _, self.query = path.partition("?")
        length = int(headers.get("Content-Length", "0"))
        try:
            await self._admit()
            if length > self.limit:
                raise _too_large(self.limit)
        except Refused as refused:
            self.refused = refused
        if length or "Transfer-Encoding" in headers:
            self.deadline = self.stream.io_loop.call_later(BODY_WITHIN_S, self._too_late)
            if self.refused:
                await self._dismiss(self.refused)

    async def data_received(self, chunk: bytes) -> None:
        """A part of the body."""
        if len(self.body) + len(chunk) > self.limit:
            await self._dismiss(_too_large(self.limit))
        elif self.site.held_bytes + len(chunk) > MOST_HELD_BYTES:
            await self._dismiss(Refused(503, "busy", "too much is being sent at once; try again"))
        else:
            self.body += chunk
            self.held += len(chunk)
            self.site.held_bytes += len(chunk)

    def finish(self) -> None:
        """All of the request is there."""
        self._no_deadline()
        self.stream.enter(Phase.ANSWERED)
        self.task = asyncio.ensure_future(self._answer())

    def on_connection_close(self) -> None:
        """The other side left, or was dismissed, in the middle of the request."""
        self._no_deadline()
        self._let_go()

    async def _admit(self) -> None:
        """Raise a refusal for what cannot be done, whatever the body is."""
        doors = self.site.doors.get(self.path, {})
        self.door = doors.get(self.method)
        if self.path not in OPEN:
            door = self.door or next(iter(doors.values()), None)
            names = names_in_certificate(self.stream.socket)
            await self.site.guard.admit(door, self.headers, names, self.site.checks)
        methods = self.site.methods(self.path)
        if not methods:
            raise Refused(404, "not_found", "there is nothing at this path")
        if self.method not in methods:
            raise Refused(405, "method", f"use {' or '.join(methods)} here")
        if self.door is not None and self.door.accepts:
            self.limit = self.door.max_body_bytes
            self._check_kind(self.door)

    def _check_kind(self, door: Door) -> None:
        kind = media_type({"content-type": self.headers.get("Content-Type", "")})
        if door.types and kind not in door.types:
            raise Refused(415, "content_type", f"send it as {' or '.join(door.types)}")
        if self.headers.get("Content-Encoding", "").lower() not in _ENCODINGS:
            raise Refused(415, "encoding", "send it as it is, or compressed with gzip")

    async def _answer(self) -> None:
        try:
            reply = self.refused.reply() if self.refused else await self._reply()
        except Refused as refused:
            reply = refused.reply()
        except TimeoutError:
            reply = Refused(503, "busy", "this took too long").reply()
        except Exception:  # noqa: BLE001  # a boundary: one request must not end the server
            _LOG.exception("%s %s failed", self.method, self.path)
            reply = Refused(500, "failed", "the exporter failed; its log says how").reply()
        finally:
            self._let_go()
        try:
            await self._send(reply)
        except Exception:  # noqa: BLE001  # the same: a door can give headers that none can be
            _LOG.exception("the answer to %s %s cannot be sent", self.method, self.path)
            self.stream.close()

    async def _reply(self) -> Reply:
        if self.path in OWN - {METRICS}:
            return self._own_reply()
        if self.site.families is None:
            return _STARTING
        if self.door is not None:
            body, self.body = bytes(self.body), bytearray()
            work = partial(pass_through, self.door, self.path, self.query, self.headers, body)
            return await asyncio.wait_for(self.site.requests.run(work), ANSWER_MADE_WITHIN_S)
        wanted = page.wanted(self.headers)
        if self.method == "HEAD":
            return page.without_body(wanted)
        if self.site.pages_out >= MOST_PAGES:
            raise Refused(503, "busy", "too many pages are being read; try again")
        self.site.pages_out += 1
        self.makes_page = True
        made = self.site.pages.run(partial(page.write, self.site.families, wanted))
        return await asyncio.wait_for(made, wanted.deadline_s + page.GRACE_S)

    def _own_reply(self) -> Reply:
        """What needs no thread."""
        if self.path == HEALTHY:
            return Reply(body=b"healthy\n", content_type=_TEXT)
        if not self.site.ready:
            return _STARTING
        if self.path == READY:
            return Reply(body=b"ready\n", content_type=_TEXT)
        return Reply(body=self.site.landing, content_type=_HTML, headers=_NO_SCRIPTS)

    async def _send(self, reply: Reply, *, last: bool = False) -> None:
        """Write the answer, and wait for it to be read, but not for ever."""
        if reply.status >= 400 and (reply.reason or self.door):
            self.site.rejected.count(reply.reason)
        late = self.stream.io_loop.call_later(ANSWER_READ_WITHIN_S, self._read_too_late)
        try:
            if not self.stream.closed():
                body = b"" if self.method == "HEAD" else reply.body
                headers = headers_of(reply, self._extra_headers(reply, last=last))
                if self.method == "HEAD" and self.path == METRICS:
                    del headers["Content-Length"]  # nobody knows
                written = self.connection.write_headers(start_line_of(reply), headers, body)
                if not last:
                    self.connection.finish()
                with contextlib.suppress(StreamClosedError):
                    await written
        finally:
            self.stream.io_loop.remove_timeout(late)
            if self.makes_page:
                self.site.pages_out -= 1

    def _extra_headers(self, reply: Reply, *, last: bool) -> dict[str, str]:
        extra = dict(self.site.guard.web.headers)
        if reply.status == 401:
            extra["WWW-Authenticate"] = self.site.guard.challenge(self.door)
        elif reply.status == 405:
            extra["Allow"] = ", ".join(self.site.methods(self.path))
        elif reply.status == 503 and "Retry-After" not in reply.headers:
            extra["Retry-After"] = "1"
        if last:
            extra["Connection"] = "close"
        return extra

    async def _dismiss(self, refused: Refused) -> None:
        """Refuse while the body is still on its way, and end the connection."""
        self._no_deadline()
        self._let_go()
        await self._send(refused.reply(), last=True)
        await linger(self.stream)

    def _too_late(self) -> None:
        refused = Refused(408, "slow", f"the body took more than {BODY_WITHIN_S:.0f} seconds")
        self.task = asyncio.ensure_future(self._send(refused.reply(), last=True))
        self.task.add_done_callback(lambda _: self.stream.close())

    def _read_too_late(self) -> None:
        self.site.rejected.count("slow")
        self.stream.close()

    def _no_deadline(self) -> None:
        if self.deadline is not None:
            self.stream.io_loop.remove_timeout(cast("Any", self.deadline))
            self.deadline = None

    def _let_go(self) -> None:
        """Give back the place that the body took, whoever has it now."""
        self.site.held_bytes -= self.held
        self.held = 0


def _too_large(limit: int) -> Refused:
    return Refused(413, "size", f"the body is larger than {limit} bytes")
