"""What Prometheus Operator makes of our objects is what our own files for Prometheus say.

The answers are its own code's (`tests/kubernetes/README.md`).
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from generator import inventory_series, prometheus, route_tests
from generator.definitions import definitions
from generator.opening import inventory_at
from modelwatch.catalogue import inventory as series
from modelwatch.inventory import Inventory
from tests.kubernetes.asked import ANSWERS, MODELS, Object, asked, documents, files
from tests.real import path_of_three, program
from tests.small_site import eventually
from tests.small_site import prometheus as running

NODES = ("node-a", "node-b")
COMPARED = {
    "body_size_limit",
    "honor_labels",
    "honor_timestamps",
    "label_limit",
    "label_name_length_limit",
    "label_value_length_limit",
    "sample_limit",
}


def inventory() -> Inventory:
    return inventory_at(str(MODELS))


def answer(name: str) -> Object:
    (document,) = documents((ANSWERS / name).read_text("utf-8"))
    found: Object = document
    return found


def test_the_operator_was_asked_about_the_objects_of_today() -> None:
    assert asked(files()) == (ANSWERS / "asked.yaml").read_text("utf-8"), (
        "ask again: tests/kubernetes/README.md"
    )


def label(names: str, key: str, value: str) -> dict[str, str]:
    key = key.replace(".", "_").replace("/", "_").replace("-", "_")
    return {
        f"__meta_kubernetes_{names}_label_{key}": value,
        f"__meta_kubernetes_{names}_labelpresent_{key}": "true",
    }


def pods(job: Object) -> Iterator[Object]:
    """Targets as discovery in a cluster finds them, for the objects that name none themselves."""
    kind, _, name = job["job_name"].split("/")[:3]
    exporter = name.removeprefix("modelwatch-")
    copies = {"gpu": 2, "inventory": 2}.get(exporter, 1)
    for number in range(copies):
        labels = {
            "__meta_kubernetes_namespace": "monitoring",
            "__meta_kubernetes_pod_name": f"{name}-{number}",
            "__meta_kubernetes_pod_node_name": NODES[number],
            "__meta_kubernetes_pod_container_name": "exporter",
            "__meta_kubernetes_pod_container_port_name": "metrics",
            "__meta_kubernetes_pod_phase": "Running",
            "__meta_kubernetes_endpoint_port_name": "metrics",
            "__meta_kubernetes_endpoint_address_target_kind": "Pod",
            "__meta_kubernetes_endpoint_address_target_name": f"{name}-{number}",
            "__meta_kubernetes_service_name": name,
        }
        for part in ("service", "pod"):
            labels |= label(part, "app.kubernetes.io/name", "modelwatch")
            labels |= label(part, "app.kubernetes.io/part-of", "modelwatch")
            labels |= label(part, "app.kubernetes.io/component", exporter)
        yield {"targets": [f"10.0.0.{number + 1}:1"], "labels": labels}
    assert kind in {"podMonitor", "serviceMonitor"}


def as_in_a_cluster(job: Object) -> str:
    """The job with found targets instead of a cluster to look for them in."""
    found = {key: value for key, value in job.items() if key != "kubernetes_sd_configs"}
    if "kubernetes_sd_configs" in job:
        found["static_configs"] = list(pods(job))
    return json.dumps(found).replace("$(SHARD)", "0")


@pytest.mark.real
def test_every_target_is_known_by_the_job_and_instance_that_the_rules_read(
    tmp_path: Path, search_path: str
) -> None:
    jobs = answer("prometheus.yml")["scrape_configs"]
    found: list[dict[str, str]] = []

    def targets(url: str) -> bool:
        reply = requests.get(f"{url}/api/v1/targets?state=active", timeout=5).json()
        found[:] = [one["labels"] for one in reply["data"]["activeTargets"]]
        return len(found) >= len(wanted)

    known = inventory()
    wanted = {
        *((row.labels["job"], row.labels["instance"]) for row in sources(known)),
        ("modelwatch-probe", "modelwatch-probe:9466"),
        ("modelwatch-quality", "modelwatch-quality:9467"),
        *(("modelwatch-inventory", f"modelwatch-inventory-{number}:9468") for number in range(2)),
    }
    with running(tmp_path, scrape=", ".join(map(as_in_a_cluster, jobs)), path=search_path) as url:
        eventually(lambda: targets(url))
    assert all(labels.keys() == {"job", "instance"} for labels in found)
    assert {(labels["job"], labels["instance"]) for labels in found} == wanted


def sources(known: Inventory) -> list[Any]:
    """What the rules join on, of sources that name their targets."""
    rows = inventory_series.constants(known, definitions().engines_of(known))
    return [
        row
        for row in rows
        if row.metric in {series.SOURCE, series.GPU_SOURCE} and "instance" in row.labels
    ]


def test_every_job_is_scraped_as_prometheus_yml_would_scrape_it() -> None:
    known = inventory()
    ours = prometheus.files(known, definitions().engines_of(known))
    (configuration,) = documents(ours["prometheus.yml"])
    wanted = {job["job_name"]: job for job in configuration["scrape_configs"]}
    seen = set()
    for job in answer("prometheus.yml")["scrape_configs"]:
        name = [rule for rule in job["relabel_configs"] if rule.get("target_label") == "job"][-1]
        own = wanted[name["replacement"]]
        seen.add(name["replacement"])
        for key in COMPARED:
            assert job.get(key) == own.get(key), (job["job_name"], key)
        assert job["scrape_interval"] == configuration["global"]["scrape_interval"]
        assert job["scrape_timeout"] == configuration["global"]["scrape_timeout"]
        for entry in ours_at(ours, name["replacement"]):
            if "static_configs" in job and "kubernetes_sd_configs" not in job:
                assert job["scheme"] == entry["labels"]["__scheme__"]
                assert job["metrics_path"] == entry["labels"]["__metrics_path__"]
    assert seen == wanted.keys() - {"prometheus", "alertmanager"}


def ours_at(ours: dict[str, str], job: str) -> list[Object]:
    return list(json.loads(ours.get(f"targets/{job}.json", "[]")))


@pytest.mark.real
@pytest.mark.parametrize("name", ["object", "secret"])
def test_everybody_is_told_what_alertmanager_yml_would_tell_them(tmp_path: Path, name: str) -> None:
    known = inventory()
    if name == "object":
        path, prefix = ANSWERS / "alertmanager.yml", "monitoring/modelwatch/"
    else:
        path, prefix = tmp_path / "alertmanager.yml", ""
        path.write_text(files()["kubernetes/components/alerting-secret/alertmanager.yaml"])
    amtool = program("amtool", path_of_three())
    command = (amtool, "config", "routes", "test", f"--config.file={path}")
    for one in route_tests.tests(known):
        receivers = ",".join(f"{prefix}{receiver}" for receiver in one["receivers"])
        labels = {**one["labels"], "modelwatch": "true"}
        done = subprocess.run(
            [*command, f"--verify.receivers={receivers}", *map("=".join, labels.items())],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{one['name']}: {done.stdout}{done.stderr}"


@pytest.mark.real
def test_alerts_of_others_reach_nobody_of_ours(tmp_path: Path) -> None:
    del tmp_path
    amtool = program("amtool", path_of_three())
    config = f"--config.file={ANSWERS / 'alertmanager.yml'}"
    done = subprocess.run(
        [amtool, "config", "routes", "test", config, "alertname=Watchdog", "severity=none"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "null"


def test_inhibition_and_hours_are_those_of_alertmanager_yml() -> None:
    (whole,) = documents(files()["kubernetes/components/alerting-secret/alertmanager.yaml"])
    told = answer("alertmanager.yml")
    rules = [{key: sorted(value) for key, value in rule.items()} for rule in told["inhibit_rules"]]
    assert rules == [
        {key: sorted(value) for key, value in rule.items()} for rule in whole["inhibit_rules"]
    ]
    named = {one["name"]: one for one in whole["time_intervals"]}
    assert set(named) == {"hours of assist", "hours of ranking"}
    (kept,) = told["mute_time_intervals"]
    assert kept["name"] == "monitoring/modelwatch/hours of assist"
    (times,) = kept["time_intervals"]
    (wanted,) = named["hours of assist"]["time_intervals"]
    assert times["weekdays"] == wanted["weekdays"]
    assert times["times"] == wanted["times"]
    note = files()["kubernetes/components/alerting/alertmanager-config.yaml"]
    assert "# Not here: 'hours of ranking'. An AlertmanagerConfig knows no time zones" in note


def test_secrets_of_receivers_are_keys_and_files_of_one_secret() -> None:
    text = files()["kubernetes/components/alerting/alertmanager-config.yaml"]
    (config,) = documents(text)
    (pagerduty,) = config["spec"]["receivers"][1]["pagerdutyConfigs"]
    assert pagerduty["routingKey"] == {"name": "modelwatch-receivers", "key": "pagerduty-key"}
    assert "/etc/modelwatch" not in text
    whole = files()["kubernetes/components/alerting-secret/alertmanager.yaml"]
    assert "routing_key_file: /etc/alertmanager/secrets/modelwatch-receivers/pagerduty-key" in whole
    assert "/etc/modelwatch" not in whole
