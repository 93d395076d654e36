"""The same rules and routes as files that Grafana provisions its own alerting from."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema
import pytest

from generator.built_files import Group, read, rule_groups
from generator.definitions import definitions
from generator.managed_rules import uid
from generator.opening import inventory_at
from generator.targets import targets
from tests.command import run
from tests.exporters.sample import ROOT

EXAMPLES = ("minimal", "everything")
ALERTING = "grafana/provisioning/alerting/"
SCHEMA = json.loads((ROOT / "tests" / "grafana_alerting.schema.json").read_text())

Rule = dict[str, Any]


@cache
def written(example: str, target: str = "grafana-alerting") -> dict[str, str]:
    fleet = inventory_at(str(ROOT / "examples" / f"{example}.yaml"))
    return dict(targets()[target].files(fleet, definitions()))


def documents(example: str) -> dict[str, Any]:
    return {
        path.removeprefix(ALERTING): read(text)
        for path, text in written(example).items()
        if path.startswith(ALERTING)
    }


def groups(example: str) -> Iterator[Group]:
    for document in documents(example).values():
        yield from document.get("groups", [])


def rules(example: str) -> list[Rule]:
    return [rule for group in groups(example) for rule in group["rules"]]


def originals(example: str) -> list[tuple[str, Rule]]:
    """Rules as Prometheus has them, with the interval of their group."""
    return [
        (group["interval"], rule)
        for _, group in rule_groups(written(example, "prometheus"))
        for rule in group["rules"]
    ]


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_file_has_the_form_that_grafana_documents(example: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for path, document in documents(example).items():
        found = list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(document))
        assert not found, f"{path}: {found[0].message} at {list(found[0].path)}"


@pytest.mark.parametrize("example", EXAMPLES)
def test_no_rule_is_lost_and_each_keeps_its_expression_and_its_times(example: str) -> None:
    ours = [(group["interval"], rule) for group in groups(example) for rule in group["rules"]]
    for (interval, rule), (was, original) in zip(ours, originals(example), strict=True):
        assert interval == was
        assert rule["data"][0]["model"]["expr"] == original["expr"]
        assert rule["title"] == original.get("alert", original.get("record"))
        assert rule.get("labels", {}) == original.get("labels", {})
        if "alert" in original:
            assert rule["for"] == original.get("for", "0s")
            assert rule.get("keepFiringFor") == original.get("keep_firing_for")


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_uid_is_there_once_and_another_run_gives_the_same(example: str) -> None:
    found = [rule["uid"] for rule in rules(example)]
    assert len(set(found)) == len(found)
    integrations = [
        one["uid"]
        for point in documents(example)["contact-points.yml"]["contactPoints"]
        for one in point["receivers"]
    ]
    assert len(set(integrations)) == len(integrations)
    latency = {"alert": "ModelLatencyHigh", "labels": {"hold": "5m"}}
    assert uid(latency) == "ModelLatencyHigh-07c1d3487c85"


def test_a_rule_fires_where_its_query_yields_anything() -> None:
    rule = next(one for one in rules("minimal") if one["title"] == "ModelEndpointDown")
    query, there, firing = rule["data"]
    assert there["model"]["expression"] == (
        f"is_number(${query['refId']}) || is_nan(${query['refId']}) || is_inf(${query['refId']})"
    )
    assert firing["model"]["expression"] == there["refId"]
    assert rule["condition"] == firing["refId"]
    assert rule["noDataState"] == "OK"


def test_only_what_watches_the_stack_tells_of_a_data_source_that_does_not_answer() -> None:
    telling = {one["title"] for one in rules("minimal") if one.get("execErrState") == "Error"}
    about_stack = documents("minimal")["alerts-stack.yml"]["groups"][0]["rules"]
    assert telling == {one["title"] for one in about_stack}


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_text_names_the_value_of_the_query_and_an_alert_a_panel_of_a_board(example: str) -> None:
    boards = {
        path.rpartition("/")[2].removesuffix(".json"): json.loads(text)
        for path, text in written(example).items()
        if path.startswith("grafana/dashboards/")
    }
    for rule in (one for one in rules(example) if "record" not in one):
        texts = rule["annotations"]
        assert not re.search(r"\$value\b", " ".join(texts.values()))
        board = boards[rule["dashboardUid"]]
        ids = {panel["id"] for panel in all_panels(board["panels"])}
        assert rule["panelId"] in ids
        assert texts["__dashboardUid__"] == rule["dashboardUid"]
        assert texts["__panelId__"] == str(rule["panelId"])


def all_panels(found: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for panel in found:
        yield panel
        yield from all_panels(panel.get("panels", []))


def test_secrets_are_read_from_files_and_what_nobody_is_told_is_always_muted() -> None:
    found = documents("everything")
    settings = [
        one["settings"]
        for point in found["contact-points.yml"]["contactPoints"]
        for one in point["receivers"]
    ]
    secrets = [one for one in settings if "integrationKey" in one]
    assert all(one["integrationKey"].startswith("$__file{/") for one in secrets)
    assert secrets
    tree = found["policies.yml"]["policies"][0]
    timings = {one["name"] for one in found["timings.yml"]["muteTimes"]}
    points = {one["name"] for one in found["contact-points.yml"]["contactPoints"]}
    for policy in policies(tree):
        assert policy.get("receiver", tree["receiver"]) in points
        used = policy.get("mute_time_intervals", []) + policy.get("active_time_intervals", [])
        assert timings.issuperset(used)
    silent = [one for one in policies(tree) if "mute_time_intervals" in one]
    assert [one["object_matchers"] for one in silent] == [
        [["severity", "=~", "none|dashboard"]],
    ]


def policies(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield tree
    for one in tree.get("routes", []):
        yield from policies(one)


def test_a_fleet_in_a_hurry_is_too_fast_for_grafana() -> None:
    said = run("generate", "examples/demo.yaml", "-o", "/nowhere", "--target", "grafana-alerting")
    assert said.code == 1
    assert "Grafana evaluates every 10 seconds" in said.err
    assert "set settings.time_compression: 1" in said.err


def test_only_the_evaluation_moves_into_grafana() -> None:
    here, there = written("everything", "prometheus"), written("everything")
    gone = {re.sub(r"[\w-]+\.\w+$", "", path) for path in here.keys() - there.keys()}
    assert gone == {
        "alertmanager/",
        "alertmanager/templates/",
        "alertmanager/tests/",
        "prometheus/rules/",
        "prometheus/tests/",
    }
    assert all(path.startswith(ALERTING) for path in there.keys() - here.keys())
    assert {path for path in here.keys() & there.keys() if here[path] != there[path]} == {
        "grafana/provisioning/datasources/modelwatch.yml",
        "prometheus/prometheus.yml",
    }
    scraping = read(here["prometheus/prometheus.yml"])
    assert read(there["prometheus/prometheus.yml"]) == {
        key: value for key, value in scraping.items() if key not in ("rule_files", "alerting")
    }
