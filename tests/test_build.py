"""What is generated: the same bytes each time, few rules, and programs that accept all of it."""

import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml

from compose import programs
from generator import receivers, route_tests, tree
from generator.build import build
from generator.definitions import definitions
from generator.opening import inventory_at
from generator.rule_files import GROUP_SIZE
from modelwatch.inventory import Inventory, Receiver
from modelwatch.reading import read
from tests.inventory_texts import ROOT

FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
EXAMPLES = ("minimal", "demo", "everything")
GENERATED = ROOT / "examples/generated"
KINDS = (
    '{{name: m{n}, sources: [{{engine: vllm, targets: ["g{n}:8000"], model: x}}], '
    "slo: {{availability: 99.9%, latency: 95% under 5s}}, limits: {{latency: p95 > 1s for 5m}}}}",
    '{{name: m{n}, tier: 1, sources: [{{engine: triton, targets: ["t{n}:8002"]}}], '
    "price: {{request: 0.01 USD per request}}}}",
    "{{name: m{n}, sources: [{{engine: litellm, job: gateway, model: m{n}}}], "
    "quality: {{truth: {{good: above 0.7}}}}, kpi: {{clicks: {{drop: 20%}}}}}}",
)
"""Three kinds of model, each with promises, limits or figures that the others have not."""


def example(name: str) -> Inventory:
    return inventory_at(str(ROOT / f"examples/{name}.yaml"))


@cache
def files_of(name: str) -> dict[str, str]:
    return build(example(name), definitions())


def fleet_of(size: int) -> Inventory:
    """So many models of the three kinds in turn."""
    models = "".join(f"  - {KINDS[n % len(KINDS)].format(n=n)}\n" for n in range(size))
    text = (
        "receivers: {hook: {webhook: {url_file: /etc/hook}}}\n"
        f"teams: {{assist: {{page: hook}}}}\ndefaults: {{team: assist}}\nmodels:\n{models}"
    )
    return read("models.yaml", text.encode(), definitions().engines)


def groups_of(files: dict[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every rule group with the file it stands in."""
    for path, text in files.items():
        if path.startswith("prometheus/rules/"):
            for group in yaml.load(text, Loader=FAST)["groups"]:  # noqa: S506  # it is a safe one
                yield path, group


def rules_of(files: dict[str, str]) -> Iterator[dict[str, Any]]:
    for _, group in groups_of(files):
        yield from group["rules"]


def alerts_of(files: dict[str, str]) -> list[dict[str, Any]]:
    return [rule for rule in rules_of(files) if "alert" in rule]


@pytest.fixture(params=EXAMPLES)
def files(request: pytest.FixtureRequest) -> dict[str, str]:
    return files_of(request.param)


@pytest.fixture(name="written", scope="module", params=EXAMPLES)
def _written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files on disk, as a user has them."""
    root: Path = tmp_path_factory.mktemp(request.param)
    tree.write(root, files_of(request.param))
    return root


# Bytes.


def test_the_same_inventory_gives_the_same_bytes() -> None:
    assert build(example("demo"), definitions()) == files_of("demo")


PRINT_DIGEST = """
import hashlib, json
from generator.build import build
from generator.definitions import definitions
from generator.opening import inventory_at
files = build(inventory_at("examples/everything.yaml"), definitions())
print(hashlib.sha256(json.dumps(list(files.items())).encode()).hexdigest())
"""


def test_the_bytes_do_not_depend_on_how_python_orders_its_sets() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", PRINT_DIGEST],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
        for seed, zone in (("0", "UTC"), ("1", "Asia/Tokyo"), ("4711", "America/Lima"))
    }
    assert len(digests) == 1
    (digest,) = digests
    assert len(digest.strip()) == len(hashlib.sha256().hexdigest())


def test_the_path_of_the_inventory_is_not_in_the_files() -> None:
    moved = replace(example("demo"), path="elsewhere/models.yaml")
    assert build(moved, definitions()) == files_of("demo")


def test_every_file_ends_with_one_newline_and_has_no_carriage_return(
    files: dict[str, str],
) -> None:
    wrong = [
        path
        for path, text in files.items()
        if not text.endswith("\n") or text.endswith("\n\n") or "\r" in text
    ]
    assert wrong == []


def test_paths_are_sorted_and_stay_below_the_tree(files: dict[str, str]) -> None:
    assert list(files) == sorted(files)
    assert all(re.fullmatch(r"[a-z]+(/[A-Za-z0-9_.-]+)+", path) for path in files)
    assert not any(".." in path for path in files)


def test_the_committed_example_is_up_to_date_byte_for_byte() -> None:
    on_disk = {
        str(path.relative_to(GENERATED)): path.read_text(encoding="utf-8")
        for path in GENERATED.rglob("*")
        if path.is_file() and path.name != tree.MANIFEST
    }
    expected = files_of("demo")
    assert on_disk.keys() == expected.keys(), "run: make examples"
    assert [path for path in expected if on_disk[path] != expected[path]] == []
    assert not tree.change(GENERATED, expected)


# Rules.


def test_a_thousand_models_have_the_rules_of_ten() -> None:
    def counted(size: int) -> tuple[Counter[str], Counter[str]]:
        built = build(fleet_of(size), definitions())
        kinds: Counter[str] = Counter()
        for path, group in groups_of(built):
            for rule in group["rules"]:
                constant = path.endswith("inventory.yml")
                kinds["constant" if constant else "alert" if "alert" in rule else "record"] += 1
        paths = Counter(path.split("/")[0] for path in built if "/targets/" not in path)
        return kinds, paths

    (ten, ten_paths), (thousand, thousand_paths) = counted(10), counted(1000)
    assert ten["alert"] == thousand["alert"] > 50
    assert ten["record"] == thousand["record"] > 100
    assert ten["constant"] < thousand["constant"]
    assert ten_paths == thousand_paths


def test_a_group_has_no_more_rules_than_every_ruler_accepts(files: dict[str, str]) -> None:
    sizes = {group["name"]: len(group["rules"]) for _, group in groups_of(files)}
    assert {name: size for name, size in sizes.items() if not 0 < size <= GROUP_SIZE} == {}
    assert GROUP_SIZE == 20


def test_a_group_name_stands_once_in_all_files(files: dict[str, str]) -> None:
    names = Counter(group["name"] for _, group in groups_of(files))
    assert [name for name, count in names.items() if count > 1] == []


def test_groups_and_rules_use_only_keys_that_every_ruler_knows(files: dict[str, str]) -> None:
    groups = [group for _, group in groups_of(files)]
    assert {key for group in groups for key in group} == {"name", "interval", "rules"}
    recorded = {key for rule in rules_of(files) if "record" in rule for key in rule}
    assert recorded <= {"record", "expr", "labels"}
    alerting = {key for rule in alerts_of(files) for key in rule}
    assert alerting <= {"alert", "expr", "for", "keep_firing_for", "labels", "annotations"}


NOT_PORTABLE = {
    "a fixed time": r"@",
    "a look into the future": r"offset\s+-",
    "an experimental function": r"\b(limitk|limit_ratio|info|sort_by_label|mad_over_time"
    r"|double_exponential_smoothing|ts_of_\w+|first_over_time)\s*\(",
    "a native histogram": r"\bhistogram_(count|sum|avg|fraction|stddev)\s*\(",
}


def outside_strings(expr: str) -> str:
    return re.sub(r'"(\\.|[^"\\])*"', '""', expr)


@pytest.mark.parametrize("what", NOT_PORTABLE)
def test_no_expression_needs_a_newer_or_special_ruler(files: dict[str, str], what: str) -> None:
    pattern = re.compile(NOT_PORTABLE[what])
    exprs = {rule["expr"] for rule in rules_of(files)}
    assert [expr for expr in exprs if pattern.search(outside_strings(expr))] == []


def test_every_expression_is_promql_for_a_second_parser(files: dict[str, str]) -> None:
    for expr in {rule["expr"] for rule in rules_of(files)}:
        assert promql.parse(expr) is not None


# Alerts.


def test_every_alert_says_how_urgent_it_is_and_whose(files: dict[str, str]) -> None:
    for rule in alerts_of(files):
        joined = re.search(
            r"group_left \(team, tier, severity\)\n\w+:alert_policy:\w+", rule["expr"]
        )
        own = {"severity", "team"} <= rule["labels"].keys()
        assert bool(joined) != own, rule["alert"]


def test_every_alert_has_a_summary_and_links_to_a_page_that_is_generated(
    files: dict[str, str],
) -> None:
    for rule in alerts_of(files):
        texts = rule["annotations"]
        assert all(texts[name].strip() for name in ("summary", "description", "action"))
        page = texts["runbook_url"].rpartition("/")[2]
        assert f"runbooks/{page}" in files
        assert page == f"{rule['alert']}.md"


def test_every_alert_links_to_a_board_that_is_generated(files: dict[str, str]) -> None:
    for rule in alerts_of(files):
        found = re.search(r"/d/([a-z-]+)\?", rule["annotations"]["dashboard_url"])
        assert found
        assert f"grafana/dashboards/{found[1]}.json" in files


# Real programs.


def passes(*command: str | Path, cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.real
def test_promtool_finds_nothing_wrong_with_the_rules(promtool: Path, written: Path) -> None:
    rules = sorted((written / "prometheus/rules").glob("*.yml"))
    passes(promtool, "check", "rules", "--lint=all", "--lint-fatal", *rules, cwd=written)


@pytest.mark.real
def test_promtool_finds_nothing_wrong_with_the_configuration(promtool: Path, written: Path) -> None:
    path = written / "prometheus/prometheus.yml"
    passes(promtool, "check", "config", "--lint=all", "--lint-fatal", path, cwd=written)


@pytest.mark.real
@pytest.mark.parametrize(
    ("search_path", "written"),
    [
        ("on PATH", "demo"),
        ("3.x", "minimal"),
        pytest.param("3.x", "demo", marks=pytest.mark.slow),
        pytest.param("3.x", "everything", marks=pytest.mark.slow),
        pytest.param("on PATH", "everything", marks=pytest.mark.slow),
        pytest.param("on PATH", "minimal", marks=pytest.mark.slow),
    ],
    indirect=True,
)
def test_the_generated_rule_tests_pass(promtool: Path, written: Path) -> None:
    tests = sorted((written / "prometheus/tests").glob("*_test.yml"))
    assert len(tests) == len(definitions().alerts)
    passes(promtool, "test", "rules", *tests, cwd=written)


def for_this_alertmanager(inventory: Inventory, amtool: Path) -> Inventory:
    """The inventory for the installed release, without what it refuses for that one."""
    found = programs.find("amtool", path=str(amtool.parent))
    assert found
    version = ".".join(found.version.split(".")[:2])
    settings = replace(inventory.settings, alertmanager_version=version)
    asked = replace(inventory, settings=settings)
    refused = {problem.line for problem in receivers.problems(asked)}
    plain = {"url": "http://localhost:1/"}
    kept = {
        name: Receiver(name=name, kind="webhook", settings=plain)
        if receiver.line in refused
        else receiver
        for name, receiver in inventory.receivers.items()
    }
    return replace(asked, receivers=kept)


@pytest.mark.real
@pytest.mark.parametrize("name", EXAMPLES)
def test_amtool_accepts_the_routing_and_every_route_test_holds(
    amtool: Path, tmp_path: Path, name: str
) -> None:
    tree.write(tmp_path, build(for_this_alertmanager(example(name), amtool), definitions()))
    config = tmp_path / "alertmanager/alertmanager.yml"
    passes(amtool, "check-config", config, cwd=tmp_path)
    text = (tmp_path / "alertmanager/tests/routes.yml").read_text(encoding="utf-8")
    commands = list(route_tests.commands(text, config=str(config)))
    assert len(commands) > 5
    for command in commands:
        passes(amtool, *command.arguments[1:], cwd=tmp_path)
