"""What the demo promises of its incidents: who is told is somebody, and every promise is played."""

from pathlib import Path

import pytest

from compose.fleet.incidents import INCIDENTS
from generator import alertmanager
from generator.definitions import definitions
from generator.opening import inventory_at

ALERTS = {alert.name: alert for topic in definitions().alerts.values() for alert in topic}
EXAMPLE = inventory_at(str(Path(__file__).parents[2] / "examples" / "demo.yaml"))
RECEIVERS = {one["name"] for one in alertmanager.configuration(EXAMPLE)["receivers"]}
ACTS = "".join(file.read_text() for file in Path(__file__).parent.glob("test_*.py"))


@pytest.mark.parametrize("name", INCIDENTS)
def test_every_incident_is_played_by_an_act(name: str) -> None:
    assert f'"{name}"' in ACTS


@pytest.mark.parametrize("name", INCIDENTS)
def test_what_is_promised_exists(name: str) -> None:
    incident = INCIDENTS[name]
    assert {told.receiver for told in incident.told} <= RECEIVERS
    assert {*(told.alert for told in incident.told), *incident.muted} <= set(ALERTS)
