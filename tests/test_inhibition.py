"""Which alert of ours mutes which, by their labels alone."""

import itertools
import re
from typing import Any

import pytest

from generator import routes
from generator.inhibition import inhibit_rules
from modelwatch.discovery import constants_named
from tests.fleets import fleet


@pytest.mark.parametrize("rule", inhibit_rules(), ids=str)
def test_no_alert_without_the_equal_labels_takes_part_in_inhibition(rule: dict[str, Any]) -> None:
    there = {f'{label}=~".+"' for label in rule["equal"]}
    assert there <= set(rule["source_matchers"])
    assert there <= set(rule["target_matchers"])


def _static_labels() -> list[dict[str, str]]:
    subject = {"model": "m", "environment": "e", "slo": "s", "budget": "b"}
    alerts = [alert for topic in constants_named("alerts", "ALERTS").values() for alert in topic]
    return [
        {
            **subject,
            "alertname": alert.name,
            "signal": alert.signal,
            "signal_class": str(alert.signal_class),
            "urgency": str(alert.urgency),
            **alert.extra,
        }
        for alert in alerts
    ]


def _fit(labels: dict[str, str], matchers: list[str]) -> bool:
    for matcher in matchers:
        name, operator, value = re.fullmatch(r'(\w+)(=~|!=|=)"(.*)"', matcher).groups()  # type: ignore[union-attr]  # ours
        found = labels.get(name, "")
        same = re.fullmatch(value, found) is not None if operator == "=~" else found == value
        if same is (operator == "!="):
            return False
    return True


def _mutes(alerts: list[dict[str, str]]) -> set[tuple[str, str]]:
    """Cause and symptom, by name."""
    return {
        (source["alertname"], target["alertname"])
        for source, target in itertools.permutations(alerts, 2)
        for rule in inhibit_rules()
        if _fit(source, rule["source_matchers"]) and _fit(target, rule["target_matchers"])
    }


def test_no_alerts_of_ours_can_mute_each_other_in_a_circle() -> None:
    alerts = _static_labels()
    mutes = _mutes(alerts)
    assert mutes
    names = {alert["alertname"] for alert in alerts}
    while names:
        free = {name for name in names if not any((other, name) in mutes for other in names)}
        assert free, f"these mute each other: {sorted(names)}"
        names -= free


@pytest.mark.parametrize(
    ("cause", "symptom"),
    [
        ("ModelEndpointDown", "ModelSilent"),
        ("ModelAvailabilityBurn1h", "ModelProviderErrorBurst"),
        ("ModelErrorsHigh", "ModelRateLimited"),
        ("ModelErrorsHigh", "ModelAvailabilityBurn1h"),
        ("ModelFirstTokenSlow", "ModelKvCacheFull"),
        ("ModelFirstTokenSlow", "ModelRequestsWaiting"),
        ("ModelProviderDegraded", "ModelProviderErrorBurst"),
        ("ModelAccuracyDropped", "ModelRealisedAccuracyLow"),
        ("ModelAccuracyDropped", "ModelEstimatedAccuracyLow"),
        ("ModelAccuracyDropped", "ModelConceptDrift"),
    ],
)
def test_a_cause_mutes_its_symptom_and_never_the_other_way(cause: str, symptom: str) -> None:
    mutes = _mutes(_static_labels())
    assert (cause, symptom) in mutes
    assert (symptom, cause) not in mutes


def test_a_burst_waits_longer_than_other_tickets_and_keeps_working_hours() -> None:
    tickets = next(
        route for route in routes.root(fleet())["routes"] if route["receiver"] == "assist/ticket"
    )
    (burst,) = tickets["routes"]
    assert burst["matchers"] == ['trouble="transient"']
    assert (tickets["group_wait"], burst["group_wait"]) == ("5m", "10m")
    assert burst["active_time_intervals"] == tickets["active_time_intervals"]
