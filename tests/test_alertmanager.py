"""Routing: who is told of what. Proved with amtool and a running Alertmanager."""

import json
import re
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator import alertmanager, receivers, route_tests
from modelwatch.inventory import Inventory, Receiver
from modelwatch.problems import InventoryError
from tests.fleets import fleet
from tests.real import program

KINDS = {
    "slack": {"channel": "#a", "url_file": "/run/secrets/slack"},
    "pagerduty": {"routing_key_file": "/run/secrets/pagerduty"},
    "email": {
        "to": "a@example.com",
        "from": "m@example.com",
        "smarthost": "mail.example.com:587",
        "username": "m",
        "password_file": "/run/secrets/mail",
    },
    "webhook": {"url": "http://127.0.0.1:1/"},
    "jsm": {"api_key_file": "/run/secrets/jsm"},
}


def written(directory: Path, inventory: Inventory) -> Path:
    for name, text in alertmanager.files(inventory).items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return directory / "alertmanager.yml"


def with_receiver(kind: str, settings: dict[str, str], *, version: str) -> Inventory:
    inventory = fleet(alertmanager_version=version)
    receiver = Receiver(name="on-call", kind=kind, settings=settings, line=7)
    return replace(inventory, receivers={**inventory.receivers, "on-call": receiver})


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.real
@pytest.mark.parametrize("kind", KINDS)
def test_alertmanager_accepts_every_kind_of_receiver_that_it_knows(
    tmp_path: Path, kind: str
) -> None:
    path = written(tmp_path, with_receiver(kind, KINDS[kind], version="0.25"))
    checked = run(program("amtool"), "check-config", path)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_kind_of_the_inventory_is_known() -> None:
    assert set(receivers.KINDS) == {*KINDS, "teams"}


@pytest.mark.real
@pytest.mark.parametrize("compression", [1, 20])
def test_every_route_test_holds(tmp_path: Path, compression: int) -> None:
    path = written(tmp_path, fleet(time_compression=compression))
    program("amtool")
    text = (tmp_path / "tests/routes.yml").read_text(encoding="utf-8")
    commands = tuple(route_tests.commands(text, config=str(path)))
    failed = [command.name for command in commands if run(*command.arguments).returncode]
    assert not failed
    assert len(commands) == len(yaml.safe_load(text)["tests"]) == 5 + 3 * 5


@pytest.mark.real
def test_a_route_test_fails_when_a_route_is_missing(tmp_path: Path) -> None:
    path = written(tmp_path, fleet())
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["route"]["routes"] = [
        route for route in document["route"]["routes"] if 'severity="page"' not in route["matchers"]
    ]
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    program("amtool")
    text = (tmp_path / "tests/routes.yml").read_text(encoding="utf-8")
    failed = [
        command.name
        for command in route_tests.commands(text, config=str(path))
        if run(*command.arguments).returncode
    ]
    assert "a page of assist pages" in failed


@pytest.mark.parametrize(
    ("kind", "settings", "version", "needed"),
    [
        ("webhook", {"url_file": "/x"}, "0.25", "0.26"),
        ("jsm", {"url_file": "/x"}, "0.25", "0.26"),
        ("teams", {"url_file": "/x"}, "0.27", "0.28"),
    ],
)
def test_what_the_named_alertmanager_cannot_do_is_refused_with_a_way_out(
    kind: str, settings: dict[str, str], version: str, needed: str
) -> None:
    with pytest.raises(InventoryError) as caught:
        alertmanager.files(with_receiver(kind, settings, version=version))
    (problem,) = caught.value.problems
    assert (problem.path, problem.line) == ("fleet.yaml", 7)
    assert f"needs Alertmanager {needed}, the inventory is for {version}" in problem.message
    assert "raise settings.alertmanager_version" in problem.advice
    assert alertmanager.files(with_receiver(kind, settings, version=needed))


def test_a_version_older_than_we_write_for_is_refused() -> None:
    with pytest.raises(InventoryError, match=r"0\.24 is too old"):
        alertmanager.files(fleet(alertmanager_version="0.24"))


def test_email_without_a_sender_is_refused() -> None:
    with pytest.raises(InventoryError, match="e-mail needs `smarthost`"):
        alertmanager.files(with_receiver("email", {"to": "a@example.com"}, version="0.28"))


def test_no_secret_stands_in_a_generated_file() -> None:
    for kind, settings in (*KINDS.items(), ("teams", {"url_file": "/x"})):
        text = "".join(
            alertmanager.files(with_receiver(kind, dict(settings), version="0.28")).values()
        )
        written_as = (
            r"^\s*-?\s*(api_url|webhook_url|routing_key|api_key|auth_password|url_file): (\S+)"
        )
        for field, value in re.findall(written_as, text, re.MULTILINE):
            assert value.startswith("/") or (field, value) == ("api_url", receivers.JSM_API)


def test_a_team_with_one_way_only_gets_everything_by_it() -> None:
    by_name = {entry["name"]: entry for entry in alertmanager.configuration(fleet())["receivers"]}
    assert by_name["vision/ticket"]["webhook_configs"] == by_name["vision/page"]["webhook_configs"]
    tickets = by_name["assist/ticket"]["webhook_configs"]
    assert by_name["platform/page"]["webhook_configs"] == tickets


def test_tickets_keep_the_working_hours_of_their_team_and_pages_do_not() -> None:
    document = alertmanager.configuration(fleet())
    by_receiver = {route["receiver"]: route for route in document["route"]["routes"]}
    assert by_receiver["assist/ticket"]["active_time_intervals"] == ["hours of assist"]
    assert "active_time_intervals" not in by_receiver["assist/page"]
    (hours,) = document["time_intervals"]
    assert hours["time_intervals"][0]["location"] == "Europe/Berlin"


class _Listener(BaseHTTPRequestHandler):
    received: list[tuple[str, dict[str, Any]]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((self.path, json.loads(body)))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as in the library
        """Stay silent."""


@pytest.fixture(name="received")
def _received() -> Iterator[tuple[list[tuple[str, dict[str, Any]]], int]]:
    found: list[tuple[str, dict[str, Any]]] = []
    handler = type("Handler", (_Listener,), {"received": found})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found, server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(name="told")
def _told(
    tmp_path: Path, received: tuple[list[tuple[str, dict[str, Any]]], int]
) -> Iterator[tuple[list[tuple[str, dict[str, Any]]], str]]:
    """A running Alertmanager that tells our listener, and its address."""
    found, listener = received
    secret = tmp_path / "slack-url"
    secret.write_text(f"http://127.0.0.1:{listener}/slack", encoding="utf-8")
    inventory = with_receiver("slack", {"channel": "#a", "url_file": str(secret)}, version="0.25")
    inventory = replace(inventory, settings=replace(inventory.settings, time_compression=60))
    config = written(tmp_path, inventory)
    port = _free_port()
    log = (tmp_path / "log").open("w")
    process = subprocess.Popen(
        [
            program("alertmanager"),
            f"--config.file={config}",
            f"--storage.path={tmp_path / 'state'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ],
        stdout=log,
        stderr=log,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(lambda: _answers(f"{url}/-/ready"))
        yield found, url
    finally:
        process.terminate()
        process.wait(10)
        log.close()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:  # noqa: S310  # our own address
            return bool(reply.status == 200)
    except (urllib.error.URLError, ConnectionError):
        return False


def _wait_for(condition: Any, seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def _post(url: str, alerts: list[dict[str, Any]]) -> None:
    request = urllib.request.Request(  # noqa: S310  # our own address
        f"{url}/api/v2/alerts",
        json.dumps(alerts).encode(),
        {"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=5).close()  # noqa: S310


def _alert(name: str, **labels: str) -> dict[str, Any]:
    return {
        "labels": {
            "alertname": name,
            "team": "assist",
            "tier": "1",
            "severity": "page",
            "environment": "production",
            **labels,
        },
        "startsAt": datetime(2026, 3, 1, 3, tzinfo=UTC).isoformat(),
        "annotations": {
            "summary": f"{name} says what is wrong",
            "action": "1. Look.\n2. Think.\n3. Act.",
            "dashboard_url": "http://g/d/modelwatch-model?var-model=chat&from=now-3h&to=now",
            "runbook_url": f"http://r/{name}.md",
        },
    }


@pytest.mark.real
def test_a_page_says_everything_that_somebody_woken_at_night_needs(
    told: tuple[list[tuple[str, dict[str, Any]]], str],
) -> None:
    found, url = told
    labels = {"model": "chat", "signal": "request_duration", "signal_class": "latency"}
    _post(url, [_alert("ModelLatencyHigh", limit="p95 > 5s", **labels)])
    _wait_for(lambda: found)
    (message,) = found[0][1]["attachments"]
    board = "http://g/d/modelwatch-model?var-model=chat&from=1772330400000&to=now"
    assert message["title"] == "[page] ModelLatencyHigh: chat (production)"
    assert message["title_link"] == board
    assert message["color"] == "danger"
    assert message["text"].strip().splitlines() == [
        "*ModelLatencyHigh says what is wrong*",
        "Subject: chat (production)",
        "Owner: assist, #assist",
        "Impact: tier 1, critical to the business",
        "Limit: p95 > 5s",
        "First checks:",
        "1. Look.",
        "2. Think.",
        "3. Act.",
        f"<{board}|Board> · <http://r/ModelLatencyHigh.md|Runbook>",
    ]


@pytest.mark.real
def test_the_cause_is_told_and_its_symptoms_are_not(
    told: tuple[list[tuple[str, dict[str, Any]]], str],
) -> None:
    _, url = told
    infra = {"signal_class": "infra", "urgency": "now"}
    quality = {"signal_class": "quality", "urgency": "watch", "signal": "quality_below"}
    _post(
        url,
        [
            _alert("Down", model="a", signal="targets_up", **infra),
            _alert("Errors", model="a", signal="error_ratio", **infra),
            _alert("ScoreOfA", model="a", **quality),
            _alert("ScoreOfB", model="b", **quality),
            _alert("ErrorsOfC", model="c", signal="error_ratio", **infra),
            _alert("ScoreOfC", model="c", **quality),
            _alert("WholeOfD", model="d", correlated="true", signal="x", **infra),
            _alert("ErrorsOfD", model="d", signal="error_ratio", **infra),
            _alert("HostDown", signal="targets_up", **infra),
            _alert("FleetQuality", **quality),
            _alert("Burn1h", model="e", slo="latency", window="1h", signal="latency"),
            _alert("Burn3d", model="e", slo="latency", window="3d", signal="latency"),
            _alert("OtherBurn3d", model="e", slo="availability", window="3d", signal="x"),
        ],
    )

    def muted() -> set[str]:
        with urllib.request.urlopen(f"{url}/api/v2/alerts", timeout=5) as reply:  # noqa: S310
            return {
                alert["labels"]["alertname"]
                for alert in json.load(reply)
                if alert["status"]["inhibitedBy"]
            }

    expected = {"Errors", "ScoreOfA", "ScoreOfC", "ErrorsOfD", "Burn3d"}
    _wait_for(lambda: expected <= muted())
    assert muted() == expected


@pytest.mark.real
def test_the_contact_of_a_team_is_printed_as_written_whatever_braces_it_has(
    told: tuple[list[tuple[str, dict[str, Any]]], str],
) -> None:
    found, url = told
    _post(url, [_alert("Burst", team="vision", model="v")])
    _wait_for(lambda: found)
    text = found[0][1]["attachments"][0]["text"]
    assert 'Owner: vision, #"vision" {{ braces }}' in text
