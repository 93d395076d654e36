"""What Python resolves beforehand is what Prometheus records from the same inventory."""

import subprocess
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from alerts.recorded import limits, policy, promises
from generator.inventory_series import constants
from generator.rule_files import constant_file, record_file
from modelwatch import promql, resolved
from modelwatch.catalogue.metric import Metric
from modelwatch.catalogue.recorded import (
    ALERT_POLICY,
    BUDGET_POLICY,
    FLOOR_EVENTS,
    LIMIT,
    POOL_POLICY,
    SLO_ALLOWED,
    SLO_DAYS,
    SLO_FLOOR,
)
from modelwatch.inventory import Settings
from modelwatch.rules import Constant
from tests.fleets import ENGINES, fleet

RESOLVED = (
    ALERT_POLICY,
    POOL_POLICY,
    BUDGET_POLICY,
    LIMIT,
    FLOOR_EVENTS,
    SLO_ALLOWED,
    SLO_DAYS,
    SLO_FLOOR,
)


@pytest.fixture(name="rows", scope="module")
def _rows() -> tuple[Constant, ...]:
    return constants(fleet(), ENGINES)


@pytest.mark.real
@pytest.mark.parametrize("metric", RESOLVED, ids=str)
def test_python_and_prometheus_fill_in_the_same_defaults(
    tmp_path: Path, promtool: Path, rows: tuple[Constant, ...], metric: Metric
) -> None:
    groups = (*policy.GROUPS, *limits.GROUPS, *promises.GROUPS)
    (tmp_path / "inventory.yml").write_text(constant_file(rows, Settings()), encoding="utf-8")
    (tmp_path / "recorded.yml").write_text(record_file(groups, Settings()), encoding="utf-8")
    expected = [
        {"labels": promql.select(row.metric, row.labels), "value": _as_computed(row)}
        for row in resolved.resolved(rows)
        if row.metric == metric
    ]
    assert expected
    query = {"expr": str(metric), "eval_time": "10m", "exp_samples": expected}
    document = {
        "rule_files": ["inventory.yml", "recorded.yml"],
        "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": [], "promql_expr_test": [query]}],
    }
    path = tmp_path / "test.yml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    done = subprocess.run(
        [promtool, "test", "rules", path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _as_computed(row: Constant) -> float:
    """The float that PromQL's own subtraction gives; 0.001 exactly is more than it can say."""
    return 1.0 - float(1 - row.value) if row.metric == SLO_ALLOWED else float(row.value)


def _limits(rows: tuple[Constant, ...], model: str, signal: str) -> list[tuple[str, Decimal]]:
    known = resolved.fleet(rows)
    return [
        (row.labels["limit"], row.value)
        for row in known.of(LIMIT, {"model": model, "signal": signal})
    ]


def test_a_model_without_a_limit_has_the_fleet_s(rows: tuple[Constant, ...]) -> None:
    assert _limits(rows, "summarize", "waiting_requests") == [("20", Decimal(20))]


def test_an_own_limit_takes_the_place_of_the_fleet_s(rows: tuple[Constant, ...]) -> None:
    assert _limits(rows, "vision", "waiting_requests") == [("7", Decimal(7))]


def test_a_limit_that_is_off_is_no_limit(rows: tuple[Constant, ...]) -> None:
    assert _limits(rows, "chat", "kv_cache") == []
    assert _limits(rows, "vision", "kv_cache") != []


def test_a_number_that_nobody_wrote_down_is_an_error(rows: tuple[Constant, ...]) -> None:
    with pytest.raises(KeyError, match="no model:threshold:value"):
        resolved.fleet(rows).value({"model": "chat"}, LIMIT, signal="no-such-signal")


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        ("chat", True),
        ("cha", False),
        ("!chat", False),
        ("!x", True),
        ("~c.*|x", True),
        ("~ha", False),
        ("!~c.*", False),
        ("!", True),
    ],
)
def test_labels_fit_a_selector_as_prometheus_would_say(wanted: str, fits: bool) -> None:
    assert resolved.matches({"model": "chat"}, {"model": wanted}) is fits
