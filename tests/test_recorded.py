"""The recorded layers: every rule proved by promtool on numbers that can be added up by hand."""

import shutil
import subprocess
from collections import Counter, defaultdict
from pathlib import Path

import pytest
import yaml

from generator.definitions import definitions
from generator.inventory_series import constants
from generator.rule_files import GROUP_SIZE, record_file
from modelwatch import defaults
from modelwatch.catalogue import Layer, Metric, metrics, recorded
from modelwatch.discovery import constants_named
from modelwatch.inventory import Settings
from modelwatch.promql import select
from modelwatch.reading import read
from modelwatch.resolved import resolved
from modelwatch.rules import Constant, RecordGroup
from modelwatch.supply import SIGNALS_OF

GROUPS: tuple[RecordGroup, ...] = tuple(
    group for groups in constants_named("alerts.recorded", "GROUPS").values() for group in groups
)
EXAMPLES = Path(__file__).parent.parent / "examples"
MICRO = 10**6
"""Numbers are compared in millionths: promtool compares exactly, and sums of floats are not."""
CASES = sorted((Path(__file__).parent / "recorded").glob("*.yaml"))

WRITTEN_BY_ENGINES = {
    recorded.GPU_UTILIZATION,
    recorded.GPU_MEMORY_USED,
    recorded.GPU_MEMORY_TOTAL,
    recorded.GPU_POWER,
    recorded.GPU_POWER_LIMIT,
    recorded.GPU_TEMPERATURE,
    recorded.GPU_THROTTLED,
    recorded.GPU_XID,
    recorded.GPU_XID_ERRORS,
    recorded.GPU_ECC,
    recorded.HOST_CPU,
    recorded.HOST_MEMORY,
    recorded.HOST_DISK,
}
"""Series of single cards and hosts: engine rules write them, from whichever exporter there is."""


def _file_of(group: RecordGroup) -> str:
    return f"{group.name.removeprefix('modelwatch-')}.yml"


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with one rule file per group: groups of different speeds are proved apart."""
    directory = tmp_path_factory.mktemp("recorded")
    for group in GROUPS:
        (directory / _file_of(group)).write_text(record_file((group,), Settings()))
    return directory


def _run(*arguments: str | Path) -> None:
    """Run a program that must succeed; what it says explains why it did not."""
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.real
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_promtool_computes_what_the_case_expects(case: Path, rules: Path, promtool: Path) -> None:
    copied = shutil.copy(case, rules / case.name)
    _run(promtool, "test", "rules", copied)


@pytest.mark.real
@pytest.mark.parametrize("compression", [1, 20], ids=lambda factor: f"divided by {factor}")
def test_promtool_loads_all_groups_in_one_file(
    compression: int, tmp_path: Path, promtool: Path
) -> None:
    path = tmp_path / "recorded.yml"
    path.write_text(record_file(GROUPS, Settings(time_compression=compression)))
    _run(promtool, "check", "rules", "--lint=all", "--lint-fatal", path)


@pytest.mark.real
@pytest.mark.parametrize("name", ["minimal", "demo", "everything"])
def test_policy_limits_and_floors_are_recorded_as_the_generator_resolves_them(
    name: str, rules: Path, promtool: Path
) -> None:
    path = EXAMPLES / f"{name}.yaml"
    known = definitions()
    inventory = read(str(path), path.read_bytes(), known.engines)
    rows = constants(inventory, known.engines_of(inventory))
    expected = defaultdict(list)
    for row in resolved(rows):
        expected[row.metric].append({"labels": _labels(row), "value": round(row.value * MICRO)})
    assert expected
    case = rules / f"resolved-{name}.yaml"
    case.write_text(
        yaml.safe_dump(
            {
                "rule_files": [_file_of(group) for group in GROUPS if _is_policy(group)],
                "evaluation_interval": "1m",
                "tests": [
                    {
                        "interval": "1m",
                        "input_series": [
                            {"series": f"{row.metric}{_labels(row)}", "values": f"{row.value:f}x5"}
                            for row in rows
                        ],
                        "promql_expr_test": [
                            {
                                "expr": f"round({metric} * {MICRO})",
                                "eval_time": "3m",
                                "exp_samples": samples,
                            }
                            for metric, samples in expected.items()
                        ],
                    }
                ],
            }
        )
    )
    _run(promtool, "test", "rules", case)


def _labels(row: Constant) -> str:
    return select("", row.labels)


def _is_policy(group: RecordGroup) -> bool:
    return any(
        group.name.startswith(f"modelwatch-{subject}")
        for subject in ("policy", "limits", "floors", "promises")
    )


def test_groups_are_small_enough_for_every_ruler_and_run_at_one_of_three_speeds() -> None:
    speeds = {"": "30s", "mid": "60s", "slow": "4m"}
    for group in GROUPS:
        ending = group.name.rpartition("-")[2]
        assert group.interval == speeds.get(ending, speeds[""]), group.name
        assert len(group.records) <= GROUP_SIZE, group.name
    names = [group.name for group in GROUPS]
    assert len(set(names)) == len(names)


def test_every_default_of_the_fleet_has_a_rule_that_gives_it_to_the_models() -> None:
    given: dict[Metric, set[tuple[str, str]]] = {
        recorded.LIMIT: set(),
        recorded.FLOOR_EVENTS: set(),
    }
    for record in (record for group in GROUPS for record in group.records):
        if record.metric in given and record.labels:
            given[record.metric].add((record.labels["signal"], defaults.part(record.labels)))
    assert given[recorded.LIMIT] == {(kind.signal, kind.part) for kind in defaults.LIMITS.values()}
    assert given[recorded.FLOOR_EVENTS] == {(signal, "") for signal in defaults.FLOORS}


def test_each_signal_of_an_engine_can_be_named_unavailable() -> None:
    named = {
        record.labels["signal"]
        for group in GROUPS
        for record in group.records
        if record.metric is recorded.UNAVAILABLE
    }
    assert named == set(SIGNALS_OF["model"])


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_every_series_of_a_group_is_expected_in_a_case_of_it(group: RecordGroup) -> None:
    queries = [query for case in CASES for query in _queries(case) if _file_of(group) in query[0]]
    missing = [
        str(record.metric)
        for record in group.records
        if not any(str(record.metric) in expr for _, expr in queries)
    ]
    assert not missing


def _queries(case: Path) -> list[tuple[list[str], str]]:
    document = yaml.safe_load(case.read_text())
    return [
        (document["rule_files"], query["expr"])
        for test in document["tests"]
        for query in test["promql_expr_test"]
    ]


def test_every_series_of_the_upper_layers_is_written_by_exactly_one_group() -> None:
    layers = {Layer.MODEL, Layer.SLO, Layer.BUDGET, Layer.GPU}
    wanted = {metric for metric in metrics() if metric.layer in layers} - WRITTEN_BY_ENGINES
    written = Counter(
        metric for group in GROUPS for metric in {record.metric for record in group.records}
    )
    assert {metric.name for metric in wanted} == {
        metric.name for metric in written if metric.layer in layers
    }
    in_several = {metric for metric, count in written.items() if count > 1}
    assert in_several == {recorded.LIMIT}  # too many defaults for one group


def test_the_engine_layer_is_written_by_engines_only() -> None:
    assert not [
        str(record.metric)
        for group in GROUPS
        for record in group.records
        if record.metric.layer is Layer.ENGINE or record.metric in WRITTEN_BY_ENGINES
    ]
