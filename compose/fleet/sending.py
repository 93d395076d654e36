"""Sends events to an exporter as they happen, and does not insist: a demo may lose some."""

import contextlib
import json
import threading
import time
from collections.abc import Callable

import requests

SEND_EVERY_S = 0.5
TIMEOUT_S = 5.0

Event = dict[str, object]
Source = Callable[[], list[Event]]
"""What happened since the last call."""


def send_in_background(source: Source, url: str, token: str = "") -> None:
    """Send what there is, twice a second, until the process ends."""
    threading.Thread(target=_send, args=(source, url, token), daemon=True).start()


def _send(source: Source, url: str, token: str) -> None:
    headers = {"Content-Type": "application/x-ndjson"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    with requests.Session() as session:
        while True:
            time.sleep(SEND_EVERY_S)
            lines = "".join(f"{json.dumps(event)}\n" for event in source())
            with contextlib.suppress(requests.RequestException):
                session.post(
                    url,
                    data=lines.encode(),
                    headers=headers,
                    timeout=TIMEOUT_S,
                )
