"""Scenes for alerts: recorded series of one model by hand, and what promtool makes of them."""

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from generator.rule_files import WrittenAlert, alert_file, record_file, written_alerts
from generator.yaml_text import dump
from modelwatch.inventory import Inventory, Quantity, Settings, Threshold
from modelwatch.promql import select
from modelwatch.rules import Alert, RecordGroup, Scope, Urgency
from tests.real import program

SEVERITIES = {Urgency.NOW: "page", Urgency.SOON: "ticket", Urgency.WATCH: "dashboard"}

LIMITS = {
    "request_duration": (0.2, "5m", "200ms", "0.95"),
    "time_to_first_token": (1, "5m", "1s", "0.95"),
    "inter_token_latency": (0.05, "5m", "50ms", "0.95"),
    "queue_duration": (2, "5m", "2s", "0.95"),
    "waiting_requests": (20, "10m", "20", ""),
    "kv_cache": (0.95, "10m", "95%", ""),
    "preemptions": (0.2, "10m", "0.2", ""),
    "concurrency": (200, "10m", "200", ""),
    "error_ratio": (0.05, "10m", "5%", ""),
    "rate_limited_ratio": (0.05, "5m", "5%", ""),
    "provider_burst_ratio": (0.1, "2m", "10%", ""),
    "traffic_drop": (0.9, "15m", "90%", ""),
    "traffic_surge": (3, "15m", "3 times", ""),
    "silent": (0, "15m", "for 15m", ""),
    "version_regression": (2, "15m", "2 times", ""),
    "anomaly": (4, "30m", "4", ""),
}
FLOORS = {"requests": 20, "errors": 20, "version": 50, "slo": 5}

INVENTORY = Inventory(
    path="fleet.yaml",
    settings=Settings(
        stack_team="platform",
        grafana_url="https://grafana.example.com",
        runbook_url="https://runbooks.example.com",
    ),
    teams={},
    receivers={},
    models=(),
    pools=(),
    budgets=(),
    severities={},
    thresholds=tuple(
        Threshold(signal=signal, limit=Quantity(value=Decimal(str(value)), text=text), hold=hold)
        for signal, (value, hold, text, _) in LIMITS.items()
    ),
    floors=FLOORS,
)


def chat(name: str, **labels: str) -> str:
    """A series of the model `chat`."""
    return select(name, model="chat", environment="production", **labels)


@dataclass(frozen=True, kw_only=True)
class Fired:
    """An alert that fires, its summary, and its labels beyond those that follow from its kind."""

    name: str
    summary: str
    labels: Mapping[str, str] = field(default_factory=dict)


def facts_of_the_inventory() -> dict[str, str]:
    """Limits, floors and policies of `chat` as the recording layer would say them."""
    limits = {
        chat(
            "model:threshold:value",
            signal=signal,
            hold=hold,
            limit=text,
            **({"quantile": quantile} if quantile else {}),
        ): f"{value}x300"
        for signal, (value, hold, text, quantile) in LIMITS.items()
    }
    floors = {
        chat("model:floor:events", signal=signal): f"{value}x300"
        for signal, value in FLOORS.items()
    }
    policies = {
        chat(
            "model:alert_policy:info",
            urgency=str(urgency),
            severity=severity,
            team="assist",
            tier="1",
            owner="Ada",
        ): "1x300"
        for urgency, severity in SEVERITIES.items()
    }
    return {**limits, **floors, **policies}


def complaints(
    alerts: Sequence[Alert],
    series: Mapping[str, str],
    expected: Mapping[str, Sequence[Fired]],
    directory: Path,
    records: Sequence[RecordGroup] = (),
) -> str:
    """What promtool finds wrong when these alerts see these series; empty when all is as expected.

    `expected` says for moments such as `20m` which alerts fire; all others must be silent then.
    `records` are evaluated with the alerts, where a comparison is their work.
    """
    (directory / "alerts.yml").write_text(alert_file("scene", alerts, INVENTORY))
    (directory / "records.yml").write_text(record_file(records, INVENTORY.settings))
    known = {written.alert.name: written for written in written_alerts(alerts, INVENTORY)}
    test = {
        "rule_files": ["records.yml", "alerts.yml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": name, "values": values}
                    for name, values in {**facts_of_the_inventory(), **series}.items()
                ],
                "alert_rule_test": [
                    {
                        "eval_time": at,
                        "alertname": name,
                        "exp_alerts": [
                            _expected(known[name], one) for one in fired if one.name == name
                        ],
                    }
                    for at, fired in expected.items()
                    for name in known
                ],
            }
        ],
    }
    (directory / "test.yml").write_text(dump(test))
    done = subprocess.run(
        [program("promtool"), "test", "rules", "test.yml"],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def _expected(written: WrittenAlert, fired: Fired) -> dict[str, object]:
    identity = {
        "model": "chat",
        "environment": "production",
        "team": "assist",
        "tier": "1",
        "severity": SEVERITIES[written.alert.urgency],
    }
    own = {} if written.alert.scope is Scope.STACK else identity
    labels = {**own, **written.labels, **fired.labels}
    return {
        "exp_labels": labels,
        "exp_annotations": {
            name: fired.summary
            if name == "summary"
            else re.sub(r"{{ \$labels\.(\w+) }}", lambda found: labels[found[1]], text)
            for name, text in written.annotations.items()
        },
    }
