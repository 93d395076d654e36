"""The HTTP server of an exporter.

One event loop reads and writes; pages and doors work in threads of their own, so that neither a
slow source nor a slow door keeps anything else, above all the health check, from being answered.
"""

import ipaddress
import logging
import re
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from tornado import httputil, netutil
from tornado.httpserver import HTTPServer

from exporters.base.connections import IDLE_S, MOST_CONNECTIONS, Gate
from exporters.base.exchange import Exchange
from exporters.base.site import Site
from modelwatch.problems import ModelwatchError, Unreachable

if TYPE_CHECKING:
    from tornado.http1connection import HTTP1Connection

LOOPBACK = "127.0.0.1"
BACKLOG = 1024
"""Connections that wait to be accepted; one beyond tries again only after a second."""

_ADDRESS = re.compile(
    r"(?:\[(?P<six>[0-9a-fA-F:.%a-z]+)\]|(?P<host>[^:\[\]/\s]*)):(?P<port>\d{1,5})"
)


class _Requests(httputil.HTTPServerConnectionDelegate):
    """Hands every request of every connection to the site."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def start_request(
        self, server_conn: object, request_conn: httputil.HTTPConnection
    ) -> httputil.HTTPMessageDelegate:
        del server_conn
        return Exchange(self._site, cast("HTTP1Connection", request_conn))


def gate(site: Site, most: int = MOST_CONNECTIONS) -> Gate:
    """The way into the site; opened with the sockets to listen on, in a running event loop."""
    # What the library says of each odd request is counted here, and would only fill the log.
    logging.getLogger("tornado.general").setLevel(logging.ERROR)
    # Bodies are limited by the door they are for, times by ourselves; these limits never act.
    http = HTTPServer(_Requests(site), idle_connection_timeout=2 * IDLE_S, max_body_size=1 << 62)
    return Gate(http, site.rejected.count, lambda: site.guard.web.context, most)


def listen(address: str) -> list[socket.socket]:
    """Sockets bound to `host:port`, `[::1]:port` or `:port`, which is every address.

    Raises:
        ModelwatchError: this is no address.
        Unreachable: it is not ours to take.
    """
    found = _ADDRESS.fullmatch(address)
    if not found or int(found["port"]) > 65_535:
        raise ModelwatchError(
            f"'{address}' is no address; write host:port, [::1]:port, or :port for every address"
        )
    host = found["six"] or found["host"] or None
    try:
        return netutil.bind_sockets(int(found["port"]), host, backlog=BACKLOG)
    except OSError as failure:
        raise Unreachable(
            f"cannot listen on {address}: {failure.strerror}; choose another with --listen"
        ) from failure


def is_loopback(sockets: Sequence[socket.socket]) -> bool:
    """Whether only programs on this machine can connect."""
    return all(
        ipaddress.ip_address(one.getsockname()[0].partition("%")[0]).is_loopback for one in sockets
    )


def url_of(sockets: Sequence[socket.socket], scheme: str) -> str:
    """Where it is, for people."""
    host, port = sockets[0].getsockname()[:2]
    return f"{scheme}://[{host}]:{port}/" if ":" in host else f"{scheme}://{host}:{port}/"
