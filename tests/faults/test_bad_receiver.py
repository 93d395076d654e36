"""A receiver that answers 500 for a while: told by another way, and told itself afterwards."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from compose.demo import webhook
from tests.faults.site import COMPRESSION, HEAD, eventually, measured, model, site, watch

pytestmark = [pytest.mark.real, pytest.mark.servers, pytest.mark.slow]

TEXT = (
    HEAD.replace("deadman: heartbeat", "deadman: heartbeat, stack_team: platform").replace(
        "teams:\n", "teams:\n  platform: {page: other, ticket: tickets}\n"
    )
    + f"models:\n{model('mute', 1)}"
).replace("receivers:\n", 'receivers:\n  other: {webhook: {url: "http://127.0.0.1:1/"}}\n')


def failing(inbox: webhook.Inbox, sick: set[str]) -> ThreadingHTTPServer:
    """The inbox, but for receivers that are `sick`."""

    class Desk(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver = self.path.strip("/")
            if receiver not in sick:
                inbox.put(receiver, json.loads(body))
            self.send_response(500 if receiver in sick else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    return ThreadingHTTPServer(("127.0.0.1", 0), Desk)


def test_what_could_not_be_delivered_arrives_later_and_the_failure_by_another_way(
    tmp_path: Path, native_path: str
) -> None:
    inbox, sick = webhook.Inbox(), {"on-call"}
    server = failing(inbox, sick)
    with site(tmp_path, TEXT, native_path, server=server, inbox=inbox) as where:
        eventually(lambda: where.told("NotificationsFailing"), "the other way", 300)
        assert {one.to for one in where.told("NotificationsFailing")} == {"other"}
        assert not where.told("ModelEndpointDown")
        sick.clear()
        eventually(lambda: where.told("ModelEndpointDown"), "the receiver to be told")
        watch(4 * 60 / COMPRESSION)
        told = [(one.to, one.status) for one in where.told("ModelEndpointDown")]
        measured("told after the recovery", told)
        assert set(told) == {("on-call", "firing")}
        assert len(told) <= 2
        eventually(
            lambda: where.told("NotificationsFailing")[-1].status == "resolved", "all to be well"
        )
