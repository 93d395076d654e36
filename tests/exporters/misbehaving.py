"""A server that does exactly what a test scripts, however wrong: bytes, pauses, silence, resets.

A script is a sequence of steps for each connection, after its request has been read:
bytes are sent, a number waits so many seconds, `STALL` waits until the test is over and `RESET`
ends the connection without a farewell. After the last step the connection is closed.
"""

import contextlib
import json
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STALL = "stall"
RESET = "reset"
Step = bytes | float | str

CERTIFICATES = {
    "good": ("IP:127.0.0.1", "2"),
    "expired": ("IP:127.0.0.1", "-1"),
    "of another host": ("DNS:elsewhere.example", "2"),
}


@dataclass(slots=True)
class Received:
    """A request as it arrived; header names in lower case."""

    line: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True, kw_only=True)
class Server:
    """Plays one script per connection, the last one for all that follow."""

    scripts: Sequence[Sequence[Step]]
    listener: socket.socket
    url: str
    tls: ssl.SSLContext | None = None
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:  # closed: the test is over
                return
            script = self.scripts[min(self.connections, len(self.scripts) - 1)]
            self.connections += 1
            threading.Thread(target=self.play, args=(connection, script), daemon=True).start()

    def play(self, connection: socket.socket, script: Sequence[Step]) -> None:
        # The probe may have left already, which is part of what is tested.
        with contextlib.suppress(OSError), contextlib.closing(connection):
            if self.tls:
                with self.tls.wrap_socket(connection, server_side=True) as secured:
                    self.answer(secured, script)
            else:
                self.answer(connection, script)

    def answer(self, connection: socket.socket, script: Sequence[Step]) -> None:
        if not _speaks_tls_to_us(connection) and (request := _request(connection)):
            self.received.append(request)
        for step in script:
            if isinstance(step, bytes):
                connection.sendall(step)
            elif step == RESET:
                # Closing with a linger time of zero sends a reset.
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            elif self.over.wait(None if step == STALL else float(step)):
                return


@contextlib.contextmanager
def server(*scripts: Sequence[Step], tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Runs until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        scheme, port = "https" if tls else "http", listener.getsockname()[1]
        url = f"{scheme}://127.0.0.1:{port}"
        running = Server(scripts=scripts, listener=listener, url=url, tls=tls)
        thread = threading.Thread(target=running.serve, daemon=True)
        thread.start()
        try:
            yield running
        finally:
            running.over.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=5)


def _speaks_tls_to_us(connection: socket.socket) -> bool:
    """Whether a handshake arrives where none is expected; it holds no line to read."""
    secured = isinstance(connection, ssl.SSLSocket)
    return not secured and connection.recv(1, socket.MSG_PEEK) == b"\x16"


def _request(connection: socket.socket) -> Received | None:
    stream = connection.makefile("rb")
    line = stream.readline().decode("latin-1").strip()
    if not line:
        return None
    headers = {}
    while raw := stream.readline().decode("latin-1").strip():
        name, _, value = raw.partition(":")
        headers[name.strip().lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", "0")))
    return Received(line, headers, body)


def head(status: int = 200, content_type: str = "application/json", **headers: str) -> bytes:
    """Status line and headers; the body goes on until the connection ends. `_` is a dash."""
    lines = [f"HTTP/1.1 {status} Whatever", f"content-type: {content_type}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def whole(document: Any, status: int = 200, **headers: str) -> list[Step]:
    """A JSON answer in one piece, its length said."""
    body = json.dumps(document).encode()
    return [head(status, content_length=str(len(body)), **headers) + body]


def chunk(body: bytes) -> bytes:
    return f"{len(body):x}\r\n".encode() + body + b"\r\n"


def event(document: Any) -> bytes:
    """One server-sent event in a chunk of its own."""
    said = document if isinstance(document, str) else json.dumps(document)
    return chunk(f"data: {said}\n\n".encode())


EVENTS = head(content_type="text/event-stream; charset=utf-8", transfer_encoding="chunked")
"""How a stream begins."""

END = b"0\r\n\r\n"
"""How a chunked body ends."""


def said(text: str, **rest: Any) -> bytes:
    """One chunk of an OpenAI chat."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return event({"model": "m", "choices": [choice | rest]})


def certificates(folder: Path) -> dict[str, tuple[Path, Path]]:
    """Self-signed certificates and their keys by what they are like; see `CERTIFICATES`."""
    key = folder / "key.pem"
    request = folder / "request.pem"
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    _openssl("req", "-new", "-key", key, "-subj", "/CN=probe test", "-out", request)
    made = {}
    for name, (subject, days) in CERTIFICATES.items():
        extensions = folder / "extensions.txt"
        extensions.write_text(f"subjectAltName={subject}\nbasicConstraints=critical,CA:TRUE\n")
        made[name] = (folder / f"{name}.pem", key)
        _openssl(
            *("x509", "-req", "-in", request, "-key", key, "-days", days),
            *("-extfile", extensions, "-out", made[name][0]),
        )
    return made


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def context(pair: tuple[Path, Path]) -> ssl.SSLContext:
    """What a server with this certificate and key speaks TLS with."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*pair)
    return tls
