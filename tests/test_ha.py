"""Two Prometheus and two Alertmanagers: one notification, whichever of them dies."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from compose import answers
from compose.demo import webhook
from generator import tree
from generator.build import build
from generator.definitions import definitions
from generator.opening import inventory_at
from modelwatch.catalogue.stack import NOTIFICATIONS_DROPPED
from modelwatch.promql import select
from tests.faults.site import COMPRESSION, eventually, kill, watch
from tests.small_site import serving
from tests.wide import Wide, wide

pytestmark = [pytest.mark.real, pytest.mark.servers, pytest.mark.slow]

NAMES = ("alertmanager", "alertmanager-b", "prometheus", "prometheus-b")
GROUP_INTERVAL_S = 2 * 60 / COMPRESSION
RESEND_S = 60 / COMPRESSION
FLAGS = {
    "prometheus": f"--rules.alert.resend-delay={RESEND_S:.0f}s",
    # Longer than the time between two notifications, both Alertmanagers would tell their own half.
    "alertmanager": f"--cluster.peer-timeout={15 / COMPRESSION * 1000:.0f}ms",
}
"""What is not in the generated files: it passes faster as well."""

OVER_S = 4 * RESEND_S + 2 * GROUP_INTERVAL_S
"""What a false end would need: nothing is heard of the alert, and its group is told again."""

DOWN = "ModelEndpointDown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Both of both, a model whose page can fail, and who was told what."""

    servers: Wide
    inbox: webhook.Inbox
    broken: threading.Event = field(default_factory=threading.Event)

    def told(self) -> list[tuple[str, str]]:
        """Name and state of each alert of each notification but heartbeats, oldest first."""
        return [
            (alert["labels"]["alertname"], alert["status"])
            for came in self.inbox.listed()
            for alert in came["alerts"]
            if alert["labels"]["alertname"] != "Watchdog"
        ]

    def fires(self, name: str) -> list[str]:
        """Which Prometheus have the alert firing."""
        return [
            server
            for server in ("prometheus", "prometheus-b")
            if self.servers.running[server].alive
            and any(one["alertname"] == name for one in answers.firing(self.servers.url(server)))
        ]

    def dropped(self) -> list[float]:
        """How many alerts each Prometheus could send to no Alertmanager at all."""
        expr = f"sum by (instance) ({NOTIFICATIONS_DROPPED})"
        found = answers.query(self.servers.url("prometheus"), expr)
        return [one.value for one in sorted(found, key=lambda one: one.labels["instance"])]

    def page(self) -> ThreadingHTTPServer:
        broken = self.broken

        class Desk(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(503 if broken.is_set() else 200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(b'shelf_running{m="chat"} 1\n')

            def log_message(self, *_: object) -> None:
                """A scrape every second is no news."""

        return ThreadingHTTPServer(("127.0.0.1", 0), Desk)


def inventory(servers: Wide, page: int, inbox: int) -> str:
    """One model; both Prometheus have this one configuration."""
    a, b = servers.address("prometheus"), servers.address("prometheus-b")
    receivers = "\n".join(
        f'  {name}: {{webhook: {{url: "http://127.0.0.1:{inbox}/{name}"}}}}'
        for name in ("on-call", "tickets", "heartbeat")
    )
    return f"""\
settings:
  scrape_interval: 15s
  time_compression: {COMPRESSION}
  deadman: heartbeat
  alertmanager_version: "0.25"
  prometheus_url: http://{a}
  alertmanagers: ["{servers.address("alertmanager")}", "{servers.address("alertmanager-b")}"]
  stack_sources: [{{job: prometheus, targets: ["{a}", "{b}"]}}]
teams:
  assist: {{page: on-call, ticket: tickets}}
receivers:
{receivers}
engines:
  shelf: {{model_label: m, signals: {{requests_running: {{gauge: shelf_running}}}}}}
defaults: {{team: assist, tier: 1, limits: {{silent: off}}}}
models:
  - name: chat
    sources: [{{engine: shelf, targets: ["127.0.0.1:{page}"], model: chat}}]
"""


@contextmanager
def pair(folder: Path, path: str) -> Iterator[Pair]:
    """All four, in a healthy state that nobody is told of."""
    with wide(folder, path, NAMES) as servers:
        made = Pair(servers=servers, inbox=webhook.Inbox())
        with serving(made.page()) as page, serving(webhook.server(0, made.inbox)) as inbox:
            file = folder / "models.yaml"
            file.write_text(inventory(servers, page, inbox))
            tree.write(folder / "config", build(inventory_at(str(file)), definitions()))
            for name in NAMES:
                servers.start(name, FLAGS[name.removesuffix("-b")])
            eventually(lambda: _settled(servers), "both to be one cluster, and pages to be seen")
            yield made


def _settled(servers: Wide) -> bool:
    members = [
        len(
            requests.get(f"{servers.url(name)}/api/v2/status", timeout=5).json()["cluster"]["peers"]
        )
        for name in ("alertmanager", "alertmanager-b")
    ]
    up = select("up", job="shelf")
    return members == [2, 2] and all(
        [one.value for one in answers.query(servers.url(name), up)] == [1]
        and not answers.targets_down(servers.url(name))
        for name in ("prometheus", "prometheus-b")
    )


def test_an_incident_that_both_see_is_told_once_and_so_is_its_end(
    tmp_path: Path, native_path: str
) -> None:
    with pair(tmp_path, native_path) as both:
        both.broken.set()
        eventually(lambda: len(both.fires(DOWN)) == 2, "both to fire")
        eventually(both.told, "a notification")
        watch(2 * GROUP_INTERVAL_S)
        assert both.told() == [(DOWN, "firing")]
        both.broken.clear()
        eventually(lambda: len(both.told()) > 1, "its end")
        watch(2 * GROUP_INTERVAL_S)
        assert both.told() == [(DOWN, "firing"), (DOWN, "resolved")]


def test_when_one_prometheus_dies_nothing_ends_falsely_and_its_death_is_told(
    tmp_path: Path, native_path: str
) -> None:
    with pair(tmp_path, native_path) as both:
        both.broken.set()
        eventually(lambda: len(both.fires(DOWN)) == 2, "both to fire")
        eventually(both.told, "a notification")
        kill(both.servers.running["prometheus"])
        eventually(lambda: both.fires("TargetDown"), "the other one to miss it")
        eventually(lambda: len(both.told()) > 1, "its death to be told")
        watch(OVER_S)
        assert both.told() == [(DOWN, "firing"), ("TargetDown", "firing")]
        both.broken.clear()
        eventually(lambda: len(both.told()) > 2, "the end of the incident")
        assert both.told()[2:] == [(DOWN, "resolved")]


@pytest.mark.parametrize("dead", ["alertmanager", "alertmanager-b"])
def test_when_one_alertmanager_dies_an_incident_is_told_once(
    tmp_path: Path, native_path: str, dead: str
) -> None:
    with pair(tmp_path, native_path) as both:
        before = both.dropped()  # by a Prometheus that knows no Alertmanager yet
        kill(both.servers.running[dead])
        both.broken.set()
        eventually(lambda: len(both.fires(DOWN)) == 2, "both to fire")
        eventually(lambda: (DOWN, "firing") in both.told(), "a notification")
        watch(OVER_S)
        assert both.told().count((DOWN, "firing")) == 1
        assert (DOWN, "resolved") not in both.told()
        assert both.dropped() == before
