"""The same rules and targets in VictoriaMetrics: accepted, tested, and alive."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from generator import tree
from generator.built_files import read, rule_groups
from generator.definitions import definitions
from generator.opening import inventory_at
from generator.targets import targets
from modelwatch.promql import duration_seconds
from tests import real
from tests.command import run
from tests.exporters.sample import ROOT
from tests.faults.site import eventually
from tests.small_site import TEXT, page
from tests.wide import wide

pytestmark = pytest.mark.real

EXAMPLES = ("minimal", "demo", "everything")
DELAY_S = 30
"""vmalert evaluates so much late."""

SEEN_S = 300
"""A sample is seen for so long."""


@pytest.fixture(scope="module", params=EXAMPLES)
def output(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(ROOT / "examples" / f"{request.param}.yaml", tmp_path_factory.mktemp("out"))


def written(inventory: Path, folder: Path) -> Path:
    said = run("generate", inventory, "-o", folder, "--target", "victoriametrics")
    assert said.code == 0, said.err
    return folder


def accepted(program: str, *arguments: str) -> None:
    done = subprocess.run(
        [real.program(program, real.path_of_three()), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_vmalert_accepts_the_rules(output: Path) -> None:
    accepted("vmalert", "-dryRun", f"-rule={output}/prometheus/rules/*.yml")


def test_both_that_scrape_accept_the_configuration(output: Path) -> None:
    configuration = f"-promscrape.config={output}/prometheus/prometheus.yml"
    accepted("victoria-metrics", configuration, "-dryRun")
    accepted("vmagent", configuration, "-dryRun", "-remoteWrite.url=http://localhost:8428")


@pytest.mark.slow
def test_vmalert_finds_every_alert_as_promtool_does(output: Path) -> None:
    unit_tests(output, "*")


def test_vmalert_finds_latency_as_promtool_does(tmp_path: Path) -> None:
    output = written(ROOT / "examples" / "minimal.yaml", tmp_path)
    assert not (output / "prometheus" / "tests" / "kpi_test.yml").exists()
    unit_tests(output, "latency")


def unit_tests(output: Path, topic: str) -> None:
    tests = f"{output}/prometheus/tests/{topic}_test.yml"
    accepted("vmalert-tool", "unittest", "-disableAlertgroupLabel", f"--files={tests}")


def read_in_the_same_group(group: dict[str, Any]) -> Iterator[str]:
    recorded = {rule["record"] for rule in group["rules"] if "record" in rule}
    for rule in group["rules"]:
        unquoted = re.sub(r'"[^"]*"', '""', rule["expr"])
        yield from recorded.intersection(re.findall(r"[\w:]+", unquoted))


def test_what_a_group_reads_of_itself_is_still_seen_one_round_later(output: Path) -> None:
    files = {str(path.relative_to(output)): path.read_text() for path in output.rglob("*.yml")}
    chained = [group for _, group in rule_groups(files) if any(read_in_the_same_group(group))]
    assert chained
    for group in chained:
        assert duration_seconds(group["interval"]) + DELAY_S < SEEN_S, group["name"]


@pytest.mark.servers
def test_series_are_scraped_recorded_and_told_of(tmp_path: Path) -> None:
    path = real.path_of_three()
    file = tmp_path / "models.yaml"
    names = ("victoriametrics", "vmalert")
    with wide(tmp_path, path, names) as servers:
        there = servers.url("victoriametrics")
        with page('shelf_running{m="chat"} 3\n') as port:
            file.write_text(TEXT.format(folder=tmp_path, page=port))
            fleet = inventory_at(str(file))
            files = targets()["victoriametrics"].files(fleet, definitions())
            tree.write(tmp_path / "config", dict(files))
            rules = tmp_path / "config" / "prometheus"
            servers.start(
                "victoriametrics",
                f"-promscrape.config={rules}/prometheus.yml",
                "-search.latencyOffset=1s",
            )
            servers.start(
                "vmalert",
                f"-rule={rules}/rules/alerts-*.yml",
                "-rule.evalDelay=1s",
                "-remoteWrite.flushInterval=200ms",
                "-notifier.blackhole",
            )
            recorded = 'model:requests_running:sum{model="chat",environment="production"}'
            eventually(lambda: value(there, recorded) == 3, "the recorded series")
            eventually(lambda: "Watchdog" in firing(servers.url("vmalert")), "the heartbeat")
            assert "ModelEndpointDown" not in firing(servers.url("vmalert"))
        eventually(lambda: "ModelEndpointDown" in firing(servers.url("vmalert")), "the alert")
        kept = 'ALERTS{alertname="ModelEndpointDown",alertstate="firing",team="assist"}'
        eventually(lambda: value(there, kept) == 1, "the alert as a series")


def value(url: str, expr: str) -> float | None:
    answer = requests.get(f"{url}/api/v1/query", {"query": expr, "nocache": "1"}, timeout=10)
    answer.raise_for_status()
    found = answer.json()["data"]["result"]
    return float(found[0]["value"][1]) if found else None


def firing(url: str) -> set[str]:
    answer = requests.get(f"{url}/api/v1/alerts", timeout=10).json()
    return {one["name"] for one in answer["data"]["alerts"] if one["state"] == "firing"}


def test_what_vmalert_is_told_by_flags_is_not_in_the_configuration(output: Path) -> None:
    document = read((output / "prometheus" / "prometheus.yml").read_text())
    assert document.keys() <= {"global", "scrape_configs"}


def test_the_page_names_every_alert_that_reads_what_only_prometheus_says_of_itself() -> None:
    page_of_targets = (ROOT / "docs" / "targets.md").read_text()
    silent = {
        alert.name
        for alerts in definitions().alerts.values()
        for alert in alerts
        if "prometheus_" in alert.condition
    }
    assert silent == {name for name in silent if f"`{name}`" in page_of_targets}
    assert len(silent) == 6
