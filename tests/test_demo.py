"""The story of the demo, on real programs and on ports that nobody else uses."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from compose import answers
from compose.demo import demo, stage, story, webhook
from compose.fleet.incidents import INCIDENTS
from compose.native import stack as native
from compose.ports import Ports
from generator import stack
from generator.definitions import definitions
from generator.series import predict
from modelwatch.catalogue import Layer, metrics
from modelwatch.catalogue.exporters import EXPORTER_UP
from modelwatch.catalogue.gpu_usage import MODEL_CARDS
from modelwatch.catalogue.probe import PROBE_SUCCESS_RATIO
from modelwatch.catalogue.recorded import GPU_XID_ERRORS, SCORE
from modelwatch.catalogue.spend import CALENDAR_START
from modelwatch.discovery import constants_named
from modelwatch.inventory import Inventory
from modelwatch.problems import ModelwatchError, Unreachable
from modelwatch.reading import read
from tests import real
from tests.incidents.acts import DEMO, on_free_ports

pytestmark = pytest.mark.servers

EXAMPLE = Path(__file__).parent.parent / "examples" / "demo.yaml"
(PROMISED,) = INCIDENTS[demo.INCIDENT].told
ALERT: Mapping[str, Any] = {
    "status": "firing",
    "labels": {
        "alertname": "ModelLatencyHigh",
        "severity": "page",
        "team": "vision",
        "tier": "1",
        "model": "vision",
        "environment": "production",
        "signal": "request_duration",
    },
    "annotations": {
        "summary": "vision is slow.",
        "description": "It has been slow for a while.",
        "action": "1. Look at the queue.\n2. " + "Scale out before restarting anything. " * 4,
        "runbook_url": "http://127.0.0.1:1/runbooks/ModelLatencyHigh.md",
        "dashboard_url": "http://localhost:3000/d/modelwatch-model",
    },
}


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    """An inventory in a file, where the exporters read it as well."""
    file = tmp_path / "demo.yaml"
    file.write_text(on_free_ports(DEMO))
    return read(str(file), file.read_bytes(), definitions().engines)


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "demo"
    demo.stop(tmp_path / "demo")


@pytest.mark.real
@real.first_on("3.x")
def test_the_incident_is_delivered_and_resolves(
    inventory: Inventory, data_dir: Path, native_path: str
) -> None:
    said: list[str] = []
    told = demo.run(inventory, stack.write, data_dir=data_dir, say=said.append, path=native_path)

    assert told.receiver == "on-call"
    assert told.alert["labels"]["alertname"] == "ModelLatencyHigh"
    assert told.alert["labels"]["severity"] == "page"
    assert told.seconds < 110
    text = "\n".join(said)
    assert re.search(r"^ +\d+\.\d s  no alert fires", text, re.MULTILINE), text
    assert "Mo Chen, #vision-oncall" in text
    assert "limit of 200ms" in text
    url = told.scene.stack.prometheus_url
    assert answers.rule_errors(url) == []
    _no_more_series_than_predicted(url, inventory)
    _every_exporter_feeds_the_rules(url)
    for link in re.findall(r"http://127\.0\.0\.1:\d+/(?:runbooks|notifications)\S*", text):
        assert requests.get(link, timeout=5).ok, link

    requests.post(f"{told.scene.control_url}/incident/clear", timeout=5)
    deadline = time.monotonic() + 90
    while not demo.in_inbox(told.scene.inbox_url, "resolved", PROMISED):
        assert time.monotonic() < deadline
        time.sleep(0.5)

    assert demo.stop(data_dir)
    assert not [process for process in told.scene.running if process.alive]
    assert not demo.stop(data_dir)


def _every_exporter_feeds_the_rules(url: str) -> None:
    """Sooner or later: on a busy machine a scrape can take too long, and its series are gone."""
    every = set(constants_named("exporters", "EXPORTER"))
    seen: set[str] = set()
    missing = {
        str(series)
        for series in (PROBE_SUCCESS_RATIO, SCORE, MODEL_CARDS, GPU_XID_ERRORS, CALENDAR_START)
    }
    deadline = time.monotonic() + 60
    while missing or seen != every:
        assert time.monotonic() < deadline, (missing, every - seen)
        seen |= {one.labels["exporter"] for one in answers.query(url, f"{EXPORTER_UP} == 1")}
        missing = {series for series in missing if not answers.query(url, series)}
        time.sleep(0.5)


def _no_more_series_than_predicted(url: str, inventory: Inventory) -> None:
    constant = "|".join(one.name for one in metrics() if one.layer is Layer.INVENTORY)
    ours = f'{{__name__=~"(model|engine|slo|budget|gpu|stack):.+|ALERTS|ALERTS_.+|{constant}"}}'
    prediction = predict(inventory, definitions())
    found = answers.query(url, f"count by (model, environment) ({ours})")
    counts = {(one.labels.get("model"), one.labels.get("environment")): one.value for one in found}
    for key, most in prediction.models.items():
        assert 100 < counts[key] <= most, (key, counts[key], most)
    assert sum(counts.values()) <= prediction.total


def test_a_story_needs_somebody_who_is_told(inventory: Inventory, data_dir: Path) -> None:
    with pytest.raises(ModelwatchError, match=r"nobody is told of .provider-burst.*vision-slow"):
        demo.run(inventory, stack.write, data_dir=data_dir, incident="provider-burst")
    assert not data_dir.exists()


@pytest.mark.real
def test_nothing_is_left_running_when_the_story_fails(
    inventory: Inventory, data_dir: Path, native_path: str
) -> None:
    def broken(fleet: Inventory, folder: Path) -> None:
        stack.write(fleet, folder)
        (folder / "prometheus" / "prometheus.yml").write_text("nonsense: 1")

    with pytest.raises(Unreachable, match="Prometheus ended by itself"):
        demo.run(inventory, broken, data_dir=data_dir, say=lambda _: None, path=native_path)
    assert native.state(data_dir) is None
    assert not [one for one in stage.known_helpers(data_dir) if one.alive]


def test_a_port_in_use_is_named(inventory: Inventory) -> None:
    port = stage.page_ports(inventory)["triton"]
    busy = webhook.server(port, webhook.Inbox())
    try:
        with pytest.raises(Unreachable, match=f"triton {port}"):
            stage.page_ports(inventory)
    finally:
        busy.server_close()


@pytest.mark.real
def test_the_demo_sends_nothing_outside_this_machine(inventory: Inventory) -> None:
    local = stage.localised(inventory, Ports(prometheus=1, alertmanager=2), "http://127.0.0.1:3")
    assert local.settings.alertmanagers == ("127.0.0.1:2",)
    assert local.settings.prometheus_url == "http://127.0.0.1:1"
    assert {dict(one.settings)["url"] for one in local.receivers.values()} == {
        f"http://127.0.0.1:3/{name}" for name in inventory.receivers
    }


def test_a_notification_reads_well() -> None:
    lines = story.notification(
        ALERT, receiver="on-call", owner="Mo Chen", contact="#vision", board_note="(yours)"
    )
    assert lines[:3] == [
        "PAGE to on-call: ModelLatencyHigh",
        "=================================",
        "vision is slow.",
    ]
    assert "Owner:   vision, Mo Chen, #vision" in lines
    assert "Runbook: http://127.0.0.1:1/runbooks/ModelLatencyHigh.md" in lines
    assert lines[lines.index("Board:   http://localhost:3000/d/modelwatch-model") + 1] == (
        "         (yours)"
    )
    checks = lines[lines.index("First checks:") + 1 :]
    assert checks[0] == "1. Look at the queue."
    assert checks[1].startswith("2. Scale out")
    assert checks[2].startswith("   ")
    assert max(map(len, lines)) <= story.WIDTH


def test_steps_carry_the_time() -> None:
    said: list[str] = []
    times = iter([100.0, 103.25])
    teller = story.Teller(say=said.append, now=lambda: next(times))
    teller.step("ready")
    teller.detail(["more"])
    assert said == ["    3.2 s  ready", "           more"]


def test_a_table_has_columns() -> None:
    assert story.table([["model", "p95"], ["agent-of-x", "2 s"]]) == [
        "model       p95",
        "agent-of-x  2 s",
    ]


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[str]:
    import threading

    (tmp_path / "state.json").write_text("secret")
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "ModelLatencyHigh.md").write_text("# Slow\n")
    server = webhook.server(0, webhook.Inbox(), tmp_path / "runbooks")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_inbox_keeps_what_it_is_sent(inbox: str, capsys: pytest.CaptureFixture[str]) -> None:
    body = {"status": "firing", "alerts": [ALERT]}
    assert requests.post(f"{inbox}/on-call", json=body, timeout=5).ok
    (kept,) = requests.get(f"{inbox}/notifications", timeout=5).json()
    assert kept["to"] == "on-call"
    assert kept["alerts"] == [json.loads(json.dumps(ALERT))]
    assert demo.in_inbox(inbox, "firing", PROMISED) == ("on-call", ALERT)
    assert demo.in_inbox(inbox, "resolved", PROMISED) is None
    said = capsys.readouterr().out
    assert said == "on-call: firing ModelLatencyHigh vision is slow.\n"


@pytest.mark.parametrize("body", [b"hello", b"5", b"\xff\xfe"])
def test_the_inbox_refuses_what_is_no_notification(inbox: str, body: bytes) -> None:
    assert requests.post(f"{inbox}/on-call", data=body, timeout=5).status_code == 400
    assert requests.get(f"{inbox}/notifications", timeout=5).json() == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/runbooks/ModelLatencyHigh.md", 200),
        ("/runbooks/Unknown.md", 404),
        ("/runbooks/../state.json", 404),
        ("/runbooks/%2e%2e/state.json", 404),
        ("/state.json", 404),
    ],
)
def test_the_inbox_serves_runbooks_and_no_other_file(inbox: str, path: str, status: int) -> None:
    request = requests.Request("GET", inbox).prepare()
    request.url = inbox + path
    with requests.Session() as session:
        assert session.send(request, timeout=5).status_code == status
