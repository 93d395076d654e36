"""KPIs from metrics that the business has already, proved by promtool up to the alert."""

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator import kpi_rules
from generator.definitions import definitions
from generator.inventory_series import constants
from generator.rule_files import GROUP_SIZE, alert_file, record_file
from modelwatch.catalogue.recorded import (
    ALERT_POLICY,
    FLOOR_EVENTS,
    KPI,
    KPI_VOLUME,
    KPI_WEEK_BEFORE,
    LIMIT,
)
from modelwatch.inventory import Inventory
from modelwatch.promql import select
from modelwatch.resolved import resolved
from modelwatch.rules import RecordGroup
from tests.inventory_texts import ENGINES, MODEL, read_text

EXPOSED = """\
    kpi:
      click_through_rate: {drop: 20%}
"""
OWN = """\
    kpi:
      resolved: {drop: 20%, events: resolved_total, opportunities: chats_total}
      satisfaction: {drop: 10%, gauge: survey_ratio}
"""
DAY = 360
"""Steps of four minutes."""
SWITCH, LOOK = 7 * DAY, 8 * DAY + 20
"""When a figure changes, and when it has been so for a day; the week before is then complete."""


def inventory(text: str) -> Inventory:
    return read_text(MODEL + text)


def needed() -> tuple[RecordGroup, ...]:
    """The recorded rules of KPIs alone: the others have nothing to say here."""
    wanted = {KPI.name, KPI_VOLUME.name, KPI_WEEK_BEFORE.name}
    cut = (
        replace(group, records=tuple(r for r in group.records if "kpi" in r.metric.labels))
        for group in definitions().records
    )
    return tuple(g for g in cut if wanted & {record.metric.name for record in g.records})


def limits(found: Inventory) -> list[dict[str, str]]:
    """Who is told of the KPIs, their limits and floors, as the recorded layer has them."""
    return [
        {"series": select(row.metric, row.labels), "values": f"{row.value:f}x{LOOK}"}
        for row in resolved(constants(found, ENGINES))
        if row.metric == ALERT_POLICY
        or (row.metric in {LIMIT, FLOOR_EVENTS} and row.labels["signal"].startswith("kpi"))
    ]


def proved(promtool: Path, directory: Path, text: str, **test: Any) -> None:
    """Let promtool run one test on what is generated for the KPIs of the text."""
    found = inventory(text)
    rules = {
        "own.yml": record_file(kpi_rules.groups(found), found.settings),
        "recorded.yml": record_file(needed(), found.settings),
        "alerts.yml": alert_file("kpi", definitions().alerts["kpi"], found),
    }
    for name, content in rules.items():
        (directory / name).write_text(content, encoding="utf-8")
    series = [*test.pop("input_series"), *limits(found)]
    document = {
        "rule_files": list(rules),
        "evaluation_interval": "4m",
        "tests": [{"interval": "4m", "input_series": series, **test}],
    }
    (directory / "kpi_test.yml").write_text(yaml.safe_dump(document), encoding="utf-8")
    done = subprocess.run(
        [promtool, "test", "rules", directory / "kpi_test.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def fed(**values: str) -> list[dict[str, str]]:
    """Series of two replicas each: neither model nor environment is written on them."""
    return [
        {"series": f'{name}{{job="shop",instance="{instance}"}}', "values": text}
        for name, text in values.items()
        for instance in "ab"
    ]


def asked(expr: str, **twentieths: int) -> dict[str, Any]:
    """What must be recorded after a day, in twentieths: windows differ by a sample in 2.x."""
    return {
        "expr": f"round(20 * {expr})",
        "eval_time": f"{(DAY + 20) * 4}m",
        "exp_samples": [
            {"labels": f'{{model="chat",environment="production",kpi="{kpi}"}}', "value": value}
            for kpi, value in twentieths.items()
        ],
    }


@pytest.mark.real
def test_counters_give_a_share_of_a_day_and_a_gauge_its_mean(
    promtool: Path, tmp_path: Path
) -> None:
    proved(
        promtool,
        tmp_path,
        OWN,
        input_series=fed(
            resolved_total="0+60x400", chats_total="0+240x400", survey_ratio="0.8x400"
        ),
        promql_expr_test=[
            asked("model:kpi_events:rate5m_slow", resolved=10),
            asked("model:kpi_opportunities:rate5m_slow", resolved=40),
            asked("model:kpi:value", resolved=5, satisfaction=16),
            asked("model:kpi_opportunities:rate1d", resolved=40),
        ],
    )


def _counted(before: float, after: float) -> str:
    return f"0+{before}x{SWITCH} {before * SWITCH:g}+{after}x{DAY * 2}"


def _shown(before: float, after: float) -> str:
    return f"{before}x{SWITCH} {after}x{DAY * 2}"


COUNTERS = {"dropped": (60, 40), "held": (60, 55), "rare": (0.05, 0.01)}
GAUGES = {"gauge_dropped": (0.8, 0.6), "gauge_held": (0.8, 0.75)}
FIRES = ("dropped", "gauge_dropped")


@pytest.mark.real
def test_a_drop_against_last_week_fires_where_there_are_enough_events(
    promtool: Path, tmp_path: Path
) -> None:
    entries = [
        *(f"{kpi}: {{drop: 20%, events: {kpi}_n, opportunities: {kpi}_all}}" for kpi in COUNTERS),
        *(f"{kpi}: {{drop: 20%, gauge: {kpi}_ratio}}" for kpi in GAUGES),
    ]
    proved(
        promtool,
        tmp_path,
        "    kpi:\n" + "".join(f"      {entry}\n" for entry in entries),
        input_series=fed(
            **{f"{kpi}_n": _counted(*values) for kpi, values in COUNTERS.items()},
            **{f"{kpi}_all": _counted(4 * n, 4 * n) for kpi, (n, _) in COUNTERS.items()},
            **{f"{kpi}_ratio": _shown(*values) for kpi, values in GAUGES.items()},
        ),
        promql_expr_test=[
            {
                "expr": 'count by (kpi) (ALERTS{alertname="ModelKpiDropped",alertstate="firing"})',
                "eval_time": f"{LOOK * 4}m",
                "exp_samples": [{"labels": f'{{kpi="{kpi}"}}', "value": 1} for kpi in FIRES],
            }
        ],
    )


def test_a_kpi_under_canonical_names_needs_no_rule_of_its_own() -> None:
    assert kpi_rules.groups(inventory(EXPOSED)) == ()


def test_two_counters_are_two_rules_and_a_gauge_is_one() -> None:
    (group,) = kpi_rules.groups(inventory(OWN))
    names = [(record.labels["kpi"], record.metric.name) for record in group.records]
    assert names == [
        ("resolved", "model:kpi_events:rate5m_slow"),
        ("resolved", "model:kpi_opportunities:rate5m_slow"),
        ("satisfaction", "model:kpi:value"),
    ]


def test_many_kpis_are_split_into_groups_that_every_ruler_accepts() -> None:
    entries = "".join(
        f"      kpi_{number}: {{drop: 5%, gauge: gauge_{number}}}\n" for number in range(45)
    )
    found = inventory(f"    kpi:\n{entries}")
    groups = yaml.safe_load(record_file(kpi_rules.groups(found), found.settings))["groups"]
    assert [len(group["rules"]) for group in groups] == [GROUP_SIZE, GROUP_SIZE, 5]
    assert len({group["name"] for group in groups}) == 3
