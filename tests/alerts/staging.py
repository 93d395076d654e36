"""Scenes by hand for alerts of every scope: what is fed, what must be told, what must not."""

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from generator.rule_files import WrittenAlert, alert_file, written_alerts
from generator.yaml_text import dump
from modelwatch import defaults, promql
from modelwatch.inventory import Inventory, Quantity, Settings, Threshold
from modelwatch.promql import select
from modelwatch.rules import Alert, Scope

SEVERITIES = {"now": "page", "soon": "ticket", "watch": "dashboard"}

IDENTITY = {
    Scope.MODEL: {"model": "chat", "environment": "production"},
    Scope.POOL: {"environment": "production", "pool": "a100"},
    Scope.BUDGET: {"budget": "assist", "environment": "production"},
    Scope.STACK: {},
}
_POLICY = {
    Scope.MODEL: "model:alert_policy:info",
    Scope.POOL: "gpu:alert_policy:info",
    Scope.BUDGET: "budget:alert_policy:info",
}
_OWNER = {"team": "assist", "tier": "1"}
MINUTES = 500

# Signals whose limits follow from scores and KPIs have no default of the fleet.
_HOLDS = {
    "quality_below": "1h",
    "quality_above": "1h",
    "evaluation_age": "10m",
    "kpi_drop": "1h",
}


def _limits() -> Iterator[Threshold]:
    for kinds in (defaults.LIMITS, defaults.POOL_LIMITS):
        for rows in defaults.fleet(kinds).values():
            yield from rows
    for signal, hold in _HOLDS.items():
        yield Threshold(signal=signal, limit=Quantity(value=Decimal(1), text="1"), hold=hold)


INVENTORY = Inventory(
    path="fleet.yaml",
    settings=Settings(stack_team="platform"),
    teams={},
    receivers={},
    models=(),
    pools=(),
    budgets=(),
    severities={},
    thresholds=tuple(_limits()),
    floors=defaults.FLOORS,
)


def chat(name: str, **labels: str) -> str:
    """A series of the model `chat`."""
    return select(name, IDENTITY[Scope.MODEL] | labels)


def pool(name: str, **labels: str) -> str:
    """A series of the GPU pool `a100`."""
    return select(name, IDENTITY[Scope.POOL] | labels)


def budget(name: str, **labels: str) -> str:
    """A series of the budget `assist`."""
    return select(name, IDENTITY[Scope.BUDGET] | labels)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """An alert with series for which it fires, and changes to them that keep it silent.

    Values are constants or, with a `+`, promtool's notation of a counter; an empty value takes the
    series away.
    """

    alert: str
    hold: str
    summary: str
    fires: Mapping[str, float | str]
    silent: Mapping[str, Mapping[str, float | str]]
    labels: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.alert


def complaints(promtool: Path, alerts: Sequence[Alert], scene: Scene, directory: Path) -> str:
    """What promtool finds wrong with the scene; empty when all is as it should be."""
    (directory / "alerts.yml").write_text(alert_file("scene", alerts, INVENTORY))
    rule = next(
        rule
        for rule in written_alerts(alerts, INVENTORY)
        if (rule.alert.name, rule.hold) == (scene.alert, scene.hold)
    )
    hold = int(promql.duration_seconds(scene.hold) / 60)
    late = hold + 8
    moments = {f"{late}m": [_told(rule, scene)]} | ({f"{hold - 1}m": []} if hold else {})
    document = {
        "rule_files": ["alerts.yml"],
        "evaluation_interval": "1m",
        "tests": [
            _test("fires", scene, scene.fires, moments),
            *(
                _test(reason, scene, {**scene.fires, **changed}, {f"{late}m": []})
                for reason, changed in scene.silent.items()
            ),
        ],
    }
    (directory / "test.yml").write_text(dump(document))
    done = subprocess.run(
        [promtool, "test", "rules", "test.yml"],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def _test(
    name: str,
    scene: Scene,
    series: Mapping[str, float | str],
    moments: Mapping[str, list[dict[str, object]]],
) -> dict[str, object]:
    fed = {**_policies(), **series}
    return {
        "name": f"{scene.alert}: {name}",
        "interval": "1m",
        "input_series": [
            {"series": name, "values": f"{value}x{MINUTES}"}
            for name, value in fed.items()
            if value != ""
        ],
        "alert_rule_test": [
            {"eval_time": at, "alertname": scene.alert, "exp_alerts": told}
            for at, told in moments.items()
        ],
    }


def _policies() -> dict[str, float]:
    return {
        select(metric, IDENTITY[scope] | _OWNER, urgency=urgency, severity=severity): 1
        for scope, metric in _POLICY.items()
        for urgency, severity in SEVERITIES.items()
    }


def _told(rule: WrittenAlert, scene: Scene) -> dict[str, object]:
    scope = rule.alert.scope
    who = _OWNER | {"severity": SEVERITIES[rule.alert.urgency]} if scope in _POLICY else {}
    labels = {**IDENTITY[scope], **who, **rule.labels, **scene.labels}
    said = {
        name: re.sub(r"{{ \$labels\.(\w+) }}", lambda found: labels.get(found[1], ""), text)
        for name, text in rule.annotations.items()
    }
    return {"exp_labels": labels, "exp_annotations": {**said, "summary": scene.summary}}
