"""Rule files: recording rules and alerts as Prometheus, Mimir, Thanos and vmalert read them."""

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote

from generator.bridging import bridged
from generator.yaml_text import comment, dump, flow
from modelwatch import limits, promql
from modelwatch.catalogue.recorded import ALERT_POLICY, BUDGET_POLICY, POOL_POLICY
from modelwatch.inventory import Inventory, Settings, Threshold
from modelwatch.rules import HOLD, IDENTITY, Alert, Constant, RecordGroup, Scope

GROUP_SIZE = 20
"""Rules per group that every ruler accepts; Mimir refuses more by default."""

HEADER = "Written by modelwatch from the inventory. Changes are lost with the next generate."

_POLICY = {
    Scope.MODEL: ALERT_POLICY,
    Scope.POOL: POOL_POLICY,
    Scope.BUDGET: BUDGET_POLICY,
}
_POLICY_LABELS = ("team", "tier", "severity")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenAlert:
    """An alert as it stands in the file. Holds are nominal, `labels` are the static ones."""

    alert: Alert
    expr: str
    hold: str
    keep_firing: str | None
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


def written_alerts(alerts: Iterable[Alert], inventory: Inventory) -> tuple[WrittenAlert, ...]:
    """Every alert of a topic, once per hold that the inventory uses for it."""
    return tuple(
        _written(alert, hold, inventory.settings)
        for alert in alerts
        for hold in holds(alert, inventory)
    )


def holds(alert: Alert, inventory: Inventory) -> tuple[str, ...]:
    """The hold times under which the alert is written; none when no limit of its kind is set."""
    if alert.hold != HOLD:
        return (alert.hold,)
    signals = _held_signals(alert.condition)
    found = {limit.hold for limit in _thresholds(inventory) if limit.signal in signals}
    return tuple(sorted(found, key=promql.duration_seconds))


def _held_signals(condition: str) -> set[str]:
    selectors = [part for part in re.findall(r"\{([^}]*)\}", condition) if HOLD in part]
    return {
        name
        for selector in selectors
        for names in re.findall(r'signal=~?"([^"]+)"', selector)
        for name in names.split("|")
    }


def _thresholds(inventory: Inventory) -> Iterator[Threshold]:
    yield from inventory.thresholds
    for model in inventory.models:
        yield from limits.thresholds(model)
    for pool in inventory.pools:
        yield from pool.thresholds


def _written(alert: Alert, hold: str, settings: Settings) -> WrittenAlert:
    labels = {
        "signal": alert.signal,
        "signal_class": str(alert.signal_class),
        "urgency": str(alert.urgency),
        "confidence": alert.confidence,
        "modelwatch": "true",
        **alert.extra,
    }
    if alert.scope is Scope.STACK:
        labels |= {"severity": alert.severity or "ticket", "team": settings.stack_team}
    if alert.hold == HOLD:
        labels["hold"] = hold
    return WrittenAlert(
        alert=alert,
        expr=expression(alert, hold),
        hold=hold,
        keep_firing=alert.keep_firing if settings.keep_firing_for else None,
        labels={key: value for key, value in labels.items() if value},
        annotations={
            "summary": alert.summary,
            "description": alert.description,
            "action": "\n".join(f"{n}. {step}" for n, step in enumerate(alert.action, 1)),
            "runbook_url": f"{settings.runbook_url.rstrip('/')}/{alert.name}.md",
            "dashboard_url": dashboard_url(alert, settings),
        },
    )


def expression(alert: Alert, hold: str) -> str:
    """The condition joined with who is told and how urgently. Durations are nominal."""
    condition = formatted(alert.condition.replace(HOLD, hold))
    if alert.scope is Scope.STACK:
        return condition
    policy = promql.select(_POLICY[alert.scope], urgency=str(alert.urgency))
    identity = IDENTITY[alert.scope]
    return (
        f"(\n{textwrap.indent(condition, '  ')}\n)\n"
        f"* {promql.on(*identity)} group_left ({', '.join(_POLICY_LABELS)})\n{policy}"
    )


def dashboard_url(alert: Alert, settings: Settings) -> str:
    """The board of the alert with its subject and the last three hours filled in."""
    variables = {
        Scope.MODEL: ("model", "environment"),
        Scope.POOL: ("pool", "environment"),
        Scope.BUDGET: ("budget",),
        Scope.STACK: (),
    }[alert.scope]
    chosen = "".join(f"var-{name}={{{{ $labels.{name} }}}}&" for name in variables)
    return f"{settings.grafana_url.rstrip('/')}/d/{quote(alert.board)}?{chosen}from=now-3h&to=now"


def formatted(expr: str) -> str:
    """The expression with one blank-free line per line, indented by the brackets around it."""
    depth = 0
    lines = []
    for line in filter(None, (part.strip() for part in expr.split("\n"))):
        closing = len(line) - len(line.lstrip(")}"))
        lines.append("  " * max(0, depth - closing) + line)
        depth += sum(map(line.count, "({")) - sum(map(line.count, ")}"))
    return "\n".join(lines)


def alert_file(topic: str, alerts: Sequence[Alert], inventory: Inventory) -> str:
    """The rule file of one topic."""
    settings = inventory.settings
    rules = [_alert_rule(written, settings) for written in written_alerts(alerts, inventory)]
    groups = [
        {
            "name": f"modelwatch-alerts-{topic}{suffix}",
            "interval": promql.shortened("30s", settings.time_compression),
            "rules": part,
        }
        for suffix, part in _parts(rules)
    ]
    return dump({"groups": groups}, header=header(settings))


def _alert_rule(written: WrittenAlert, settings: Settings) -> dict[str, object]:
    compression = settings.time_compression
    rule: dict[str, object] = {
        "alert": written.alert.name,
        "expr": promql.compressed(bridged(written.expr, settings), compression),
    }
    if promql.duration_seconds(written.hold):
        rule["for"] = promql.shortened(written.hold, compression)
    if written.keep_firing:
        rule["keep_firing_for"] = promql.shortened(written.keep_firing, compression)
    return {**rule, "labels": dict(written.labels), "annotations": dict(written.annotations)}


def record_file(groups: Iterable[RecordGroup], settings: Settings) -> str:
    """A file of recording rules; SLO windows that nobody uses are left to the caller."""
    compression = settings.time_compression
    written = [
        {
            "name": f"{group.name}{suffix}",
            "interval": promql.shortened(group.interval, compression),
            "rules": [
                {
                    "record": str(record.metric),
                    "expr": promql.compressed(
                        formatted(bridged(record.expr, settings)), compression
                    ),
                    **({"labels": dict(record.labels)} if record.labels else {}),
                }
                for record in part
            ],
        }
        for group in groups
        for suffix, part in _parts(group.records)
    ]
    return dump({"groups": written}, header=header(settings))


def constant_file(
    constants: Sequence[Constant], settings: Settings, *, group: str = "modelwatch-inventory"
) -> str:
    """The inventory's own series as constant rules, one line each: small, readable diffs."""
    interval = promql.shortened("60s", settings.time_compression)
    lines = [comment(header(settings)), "groups:\n"]
    for suffix, part in _parts(constants, first="-1"):
        lines.append(f"  - name: {group}{suffix}\n    interval: {interval}\n")
        lines.append("    rules:\n")
        lines.extend(
            f"      - {{record: {constant.metric}, expr: vector({constant.value:f}), "
            f"labels: {flow(constant.labels)}}}\n"
            for constant in part
        )
    return "".join(lines)


def header(settings: Settings) -> str:
    """The comment above a generated file."""
    if settings.time_compression == 1:
        return HEADER
    return (
        f"{HEADER}\nEvery duration is divided by {settings.time_compression} "
        "(settings.time_compression): names keep the nominal one."
    )


def _parts(rules: Sequence[T], first: str = "") -> Iterator[tuple[str, Sequence[T]]]:
    for number, start in enumerate(range(0, len(rules), GROUP_SIZE), 1):
        yield (first if number == 1 else f"-{number}"), rules[start : start + GROUP_SIZE]
