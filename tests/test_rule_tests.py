"""Every alert of ours, proved with a fleet's own numbers: it fires, stays silent, resolves."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.inventory_series import constants
from generator.proofs import Case, concerns, feeds, sample_labels, subjects
from generator.rule_files import alert_file, written_alerts
from generator.rule_tests import files
from modelwatch import resolved
from modelwatch.discovery import constants_named
from modelwatch.inventory import Inventory
from modelwatch.rules import Alert
from modelwatch.templates import labels_used
from tests.fleets import ENGINES, fleet

TOPICS: Mapping[str, tuple[Alert, ...]] = {
    topic: tuple(alerts) for topic, alerts in constants_named("alerts", "ALERTS").items()
}
ALERTS = [alert for alerts in TOPICS.values() for alert in alerts]
IDS = [alert.name for alert in ALERTS]


def generated(inventory: Inventory) -> dict[str, str]:
    known = resolved.fleet(constants(inventory, ENGINES))
    return files(inventory, concerns(TOPICS, inventory, known), known)


def written(directory: Path, inventory: Inventory) -> dict[str, str]:
    """The generated rules and tests on disk, as a user has them."""
    tests = generated(inventory)
    for folder in ("rules", "tests"):
        (directory / folder).mkdir()
    for name, text in tests.items():
        (directory / "tests" / name).write_text(text, encoding="utf-8")
    for topic, alerts in TOPICS.items():
        path = directory / "rules" / f"alerts-{topic}.yml"
        path.write_text(alert_file(topic, alerts, inventory), encoding="utf-8")
    return tests


def promtool_on(promtool: Path, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [promtool, "test", "rules", path], capture_output=True, text=True, check=False
    )


@pytest.fixture(name="plain", scope="module")
def _plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("plain")
    written(directory, fleet())
    return directory


@pytest.mark.real
@pytest.mark.parametrize("topic", TOPICS)
def test_the_generated_tests_pass(promtool: Path, plain: Path, topic: str) -> None:
    done = promtool_on(promtool, plain / "tests" / f"{topic}_test.yml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.real
@pytest.mark.parametrize("topic", ["availability", "latency", "budget"])
def test_they_pass_when_time_is_compressed_and_nothing_keeps_firing(
    promtool: Path, tmp_path: Path, topic: str
) -> None:
    written(tmp_path, fleet(time_compression=20, keep_firing_for=False))
    done = promtool_on(promtool, tmp_path / "tests" / f"{topic}_test.yml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.real
@pytest.mark.parametrize(
    ("what", "changed"),
    [
        ("a comparison", (r"\n( +)> on", r"\n\1< on")),
        ("the hold", (r"for: 5m", r"for: 1h")),
        ("a text", (r"over its limit", r"above its limit")),
        ("a label", (r"confidence: high", r"confidence: low")),
        ("the floor", (r"and on \(model, environment\)\n[^\n]+", "")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_rule_that_is_changed_by_hand_fails_its_tests(
    promtool: Path, tmp_path: Path, what: str, changed: tuple[str, str]
) -> None:
    written(tmp_path, fleet())
    path = tmp_path / "rules" / "alerts-latency.yml"
    text = path.read_text(encoding="utf-8")
    broken = re.sub(*changed, text)
    assert broken != text, what
    path.write_text(broken, encoding="utf-8")
    assert promtool_on(promtool, tmp_path / "tests" / "latency_test.yml").returncode == 1


@pytest.mark.parametrize("alert", ALERTS, ids=IDS)
def test_every_alert_is_tested_or_named_as_not_applicable(plain: Path, alert: Alert) -> None:
    topic = next(topic for topic, alerts in TOPICS.items() if alert in alerts)
    text = (plain / "tests" / f"{topic}_test.yml").read_text(encoding="utf-8")
    names = [test["name"] for test in yaml.safe_load(text)["tests"]]
    fires = [name for name in names if name.startswith(f"{alert.name} {Case.FIRES.value}")]
    excused = f"# Not applicable: {alert.name}: " in text
    assert bool(fires) is not excused


def test_the_test_fleet_meets_nearly_every_alert(plain: Path) -> None:
    texts = [path.read_text(encoding="utf-8") for path in (plain / "tests").iterdir()]
    excused = re.findall(r"# Not applicable: (\w+):", "".join(texts))
    # A promise of inter-token latency is the same code as the other latency promises.
    assert all(name.startswith("ModelInterTokenBurn") for name in excused)


@pytest.mark.parametrize("alert", ALERTS, ids=IDS)
def test_every_alert_can_be_silent_and_says_so_in_its_proof(alert: Alert) -> None:
    rules = written_alerts([alert], fleet())
    found, _ = subjects(alert, rules, resolved.fleet(constants(fleet(), ENGINES)))
    for subject in found[:1]:
        firing = feeds(subject, Case.FIRES)
        if firing:
            assert feeds(subject, Case.BELOW) != firing
        if alert.proof.has_quiet:
            assert feeds(subject, Case.QUIET) != firing


@pytest.mark.parametrize("alert", ALERTS, ids=IDS)
def test_every_label_in_a_text_is_one_that_prometheus_knows_there(alert: Alert) -> None:
    rules = written_alerts([alert], fleet())
    found, _ = subjects(alert, rules, resolved.fleet(constants(fleet(), ENGINES)))
    for subject in found:
        for text in subject.rule.annotations.values():
            assert labels_used(text) <= {*sample_labels(subject), *alert.labels}


def _severities(document: dict[str, Any]) -> set[str]:
    return {
        expected["exp_labels"]["severity"]
        for test in document["tests"]
        for check in test["alert_rule_test"]
        for expected in check["exp_alerts"]
    }


def test_subjects_are_chosen_so_that_every_severity_is_met(plain: Path) -> None:
    document = yaml.safe_load((plain / "tests/saturation_test.yml").read_text(encoding="utf-8"))
    assert _severities(document) == {"ticket", "dashboard"}
    document = yaml.safe_load((plain / "tests/availability_test.yml").read_text(encoding="utf-8"))
    assert {"page", "ticket"} <= _severities(document)


def test_more_models_of_a_kind_need_no_more_tests() -> None:
    inventory = fleet()
    twins = tuple(replace(inventory.models[0], name=f"chat-{number}") for number in range(20))
    larger = replace(inventory, models=(*inventory.models, *twins))
    one, many = generated(inventory), generated(larger)
    assert {name: text.count("- name:") for name, text in one.items()} == {
        name: text.count("- name:") for name, text in many.items()
    }


def test_the_same_inventory_gives_the_same_bytes() -> None:
    assert generated(fleet()) == generated(fleet())
