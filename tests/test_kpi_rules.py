"""KPIs from metrics that the business has already, proved by promtool up to the alert."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator import kpi_rules
from generator.build import build
from generator.definitions import definitions
from generator.rule_files import GROUP_SIZE, record_file
from modelwatch.catalogue.recorded import FLOOR_EVENTS, KPI_WEEK_BEFORE
from modelwatch.inventory import Inventory
from modelwatch.rules import RecordGroup
from tests.inventory_texts import MODEL, read_text

OWN = """\
    kpi:
      resolved: {drop: 20% for 8m, events: resolved_total, opportunities: chats_total}
      satisfaction: {drop: 10% for 8m, gauge: survey_ratio}
"""
EXPOSED = """\
    kpi:
      click_through_rate: {drop: 20%}
"""
LABELS = '{{model="chat",environment="production",kpi="{}"}}'
RESOLVED, SATISFACTION = LABELS.format("resolved"), LABELS.format("satisfaction")
STEPS = 2 * 7 * 360
"""Four minutes each: two weeks."""


def inventory(text: str) -> Inventory:
    return read_text(MODEL + text)


def needed() -> tuple[RecordGroup, ...]:
    """The recorded groups between a KPI and its alert; the others have nothing to say here."""
    wanted = {KPI_WEEK_BEFORE.name, FLOOR_EVENTS.name}
    return tuple(
        group
        for group in definitions().records
        if group.name.startswith(("modelwatch-kpi", "modelwatch-policy", "modelwatch-limits"))
        or wanted & {record.metric.name for record in group.records}
    )


def proved(promtool: Path, directory: Path, text: str, **test: Any) -> None:
    """Let promtool run one test on what is generated for the KPIs of the text."""
    found = inventory(text)
    files = build(found, definitions())
    rules = {
        "inventory.yml": files["prometheus/rules/inventory.yml"],
        "own.yml": record_file(kpi_rules.groups(found), found.settings),
        "recorded.yml": record_file(needed(), found.settings),
        "alerts.yml": files["prometheus/rules/alerts-kpi.yml"],
    }
    for name, content in rules.items():
        (directory / name).write_text(content, encoding="utf-8")
    document = {
        "rule_files": list(rules),
        "evaluation_interval": "4m",
        "tests": [{"interval": "4m", **test}],
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


def asked(expr: str, minute: int, **samples: float) -> dict[str, Any]:
    return {
        "expr": f"round(1000 * {expr})",
        "eval_time": f"{minute}m",
        "exp_samples": [
            {"labels": LABELS.format(kpi), "value": 1000 * value} for kpi, value in samples.items()
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
            asked("model:kpi_events:rate5m_slow", 26 * 60, resolved=0.5),
            asked("model:kpi_opportunities:rate5m_slow", 26 * 60, resolved=2),
            asked("model:kpi:value", 26 * 60, resolved=0.25, satisfaction=0.8),
            asked("model:kpi_opportunities:rate1d", 26 * 60, resolved=2),
        ],
    )


@pytest.mark.real
@pytest.mark.parametrize(
    ("series", "firing"),
    [
        ({"resolved_total": "0+60x2600 156000+30x2600"}, {"resolved"}),
        ({"resolved_total": "0+60x2600 156000+54x2600"}, set()),
        ({"survey_ratio": "0.8x2600 0.6x2600"}, {"satisfaction"}),
        ({"survey_ratio": "0.8x2600 0.75x2600"}, set()),
        ({"chats_total": "0+0.1x5200", "resolved_total": "0+0.05x2600 130+0.01x2600"}, set()),
    ],
    ids=["share dropped", "share held", "gauge dropped", "gauge held", "too few events"],
)
def test_a_drop_against_last_week_fires_where_there_are_enough_events(
    promtool: Path, tmp_path: Path, series: dict[str, str], firing: set[str]
) -> None:
    held = {"resolved_total": "0+60x5200", "chats_total": "0+240x5200", "survey_ratio": "0.8x5200"}
    minute = (2600 + 400) * 4
    proved(
        promtool,
        tmp_path,
        OWN,
        input_series=fed(**{**held, **series}),
        promql_expr_test=[
            {
                "expr": 'count by (kpi) (ALERTS{alertname="ModelKpiDropped",alertstate="firing"})',
                "eval_time": f"{minute}m",
                "exp_samples": [{"labels": f'{{kpi="{kpi}"}}', "value": 1} for kpi in firing],
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
