"""A receiver of notifications for the demo: keeps them, prints them, hands them out again.

Alertmanager posts to `/<receiver>`; `GET /notifications` lists what came, oldest first. Runbooks
of the generated tree are served under `/runbooks/`, so that the link in a notification works.
"""

import argparse
import json
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

KEPT = 1000
"""Notifications that are kept; the heartbeat alone sends one every few seconds."""


@dataclass(slots=True, kw_only=True)
class Inbox:
    """What came, with the time of arrival (seconds since 1970) and the path it was sent to."""

    notifications: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, receiver: str, notification: dict[str, Any]) -> None:
        """Keep one more, and forget the oldest when there are too many."""
        with self.lock:
            self.notifications.append({**notification, "to": receiver, "at": time.time()})
            del self.notifications[:-KEPT]

    def listed(self) -> list[dict[str, Any]]:
        """All that are kept."""
        with self.lock:
            return list(self.notifications)


def server(
    port: int, inbox: Inbox, runbooks: Path | None = None, host: str = "127.0.0.1"
) -> ThreadingHTTPServer:
    """The HTTP server, not yet serving; port 0 takes a free one."""

    class Desk(BaseHTTPRequestHandler):
        """One request."""

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            notification = _read(self.rfile.read(length))
            if notification is None:
                self._answer(400, "a notification is a JSON object\n")
                return
            receiver = self.path.strip("/")
            inbox.put(receiver, notification)
            sys.stdout.write(line(receiver, notification) + "\n")
            sys.stdout.flush()
            self._answer(200, "")

        def do_GET(self) -> None:
            if self.path == "/notifications":
                self._answer(200, json.dumps(inbox.listed()), "application/json")
            elif self.path.startswith("/runbooks/") and (text := self._runbook()):
                self._answer(200, text)
            else:
                self._answer(404, "here are only /notifications and /runbooks/<alert>.md\n")

        def _runbook(self) -> str:
            """Only a plain file name: nothing outside the folder can be asked for."""
            file = (runbooks or Path()) / Path(self.path).name
            return file.read_text() if runbooks and file.is_file() else ""

        def _answer(self, status: int, text: str, kind: str = "text/plain") -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Requests are told by what they bring, not by their HTTP lines."""

    return ThreadingHTTPServer((host, port), Desk)


def _read(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def line(receiver: str, notification: dict[str, Any]) -> str:
    """A notification in one line: to whom, state, names and the first summary."""
    alerts = notification.get("alerts", [])
    names = sorted({alert.get("labels", {}).get("alertname", "?") for alert in alerts})
    summary = next((a["annotations"]["summary"] for a in alerts if _has_summary(a)), "")
    return f"{receiver}: {notification.get('status', '?')} {', '.join(names)} {summary}".rstrip()


def _has_summary(alert: dict[str, Any]) -> bool:
    return "summary" in alert.get("annotations", {})


def main(arguments: list[str] | None = None) -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(prog="python -m compose.demo.webhook", description=__doc__)
    parser.add_argument("--port", type=int, default=9406)
    parser.add_argument("--runbooks", type=Path)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--mark", help="told apart from others by this; not used otherwise")
    chosen = parser.parse_args(arguments)
    server(chosen.port, Inbox(), chosen.runbooks, chosen.host).serve_forever()


if __name__ == "__main__":
    main()
