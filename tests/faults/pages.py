"""Pages for tests that scrape: one that counts itself, and those that misbehave."""

import contextlib
import gzip
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(slots=True, kw_only=True)
class Counted:
    """How many pages were asked for, and which of them were served whole."""

    asked: int = 0
    served: list[int] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    during: Callable[[], None] | None = None
    """Done once, after half of the next page is sent."""

    def next(self) -> int:
        with self.lock:
            self.asked += 1
            return self.asked

    def take(self) -> Callable[[], None] | None:
        with self.lock:
            found, self.during = self.during, None
            return found


def counting(book: Counted, labels: str) -> ThreadingHTTPServer:
    """Every page has its own number, which is one more than that of the page before."""

    class Desk(Quiet):
        def do_GET(self) -> None:
            number = book.next()
            lines = [f"shelf_running{{{labels}}} 1", f"shelf_pages_total{{{labels}}} {number}"]
            body = "".join(f"{line}\n" for line in lines).encode()
            during = book.take()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[:20])
            if during:
                during()
                return  # whoever asked is gone
            self.wfile.write(body[20:])
            book.served.append(number)

    return ThreadingHTTPServer(("127.0.0.1", 0), Desk)


class Quiet(BaseHTTPRequestHandler):
    """Tells nothing of what it is asked."""

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def hanging() -> socket.socket:
    """Accepts whoever connects and never says a word."""
    return socket.create_server(("127.0.0.1", 0), backlog=512)


def dripping() -> ThreadingHTTPServer:
    """Begins well, then sends one byte a second."""

    class Desk(Quiet):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            with contextlib.suppress(OSError):  # whoever asked has gone
                for letter in b"shelf_running 1\n" * 10:
                    self.wfile.write(bytes([letter]))
                    time.sleep(1)

    return ThreadingHTTPServer(("127.0.0.1", 0), Desk)


def huge(size: int, *, packed: bool) -> ThreadingHTTPServer:
    """A page of so many bytes; `packed` sends it as little more than nothing."""
    line = b'shelf_running{m="%08d"} 1\n'
    page = b"".join(line % number for number in range(size // len(line % 0)))
    body = gzip.compress(page, 1) if packed else page

    class Desk(Quiet):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            if packed:
                self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            with contextlib.suppress(OSError):  # whoever asked has had enough
                self.wfile.write(body)

    return ThreadingHTTPServer(("127.0.0.1", 0), Desk)


def flapping(labels: str) -> ThreadingHTTPServer:
    """Every other answer is an error."""
    book = Counted()

    class Desk(Quiet):
        def do_GET(self) -> None:
            body = f"shelf_running{{{labels}}} 1\n".encode()
            self.send_response(200 if book.next() % 2 else 500)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return ThreadingHTTPServer(("127.0.0.1", 0), Desk)


def fixed(text: str) -> ThreadingHTTPServer:
    """Always the same."""

    class Desk(Quiet):
        def do_GET(self) -> None:
            body = text.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return ThreadingHTTPServer(("127.0.0.1", 0), Desk)


def answering(text: str) -> ThreadingHTTPServer:
    """Says the same to whatever is posted."""

    class Desk(Quiet):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = text.encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return ThreadingHTTPServer(("127.0.0.1", 0), Desk)
