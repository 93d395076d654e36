"""What differs for a carrier, and that nothing else does."""

import os
import re
import stat
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from generator.built_files import packed, read, rule_groups
from generator.definitions import definitions
from generator.opening import inventory_at
from generator.rule_files import GROUP_SIZE
from generator.targets import targets
from generator.targets.mimir import GROUPS, NAMESPACE
from modelwatch.inventory import RemoteWrite
from modelwatch.problems import InventoryError
from tests import real
from tests.command import run
from tests.exporters.sample import ROOT

EXAMPLES = ("minimal", "demo", "everything")
STACK = "prometheus/rules/alerts-stack.yml"
STACK_TEST = "prometheus/tests/stack_test.yml"
SCRAPING = "prometheus/prometheus.yml"
DATASOURCES = "grafana/provisioning/datasources/modelwatch.yml"
ROUTING = "alertmanager/alertmanager.yml"


@cache
def written(example: str, target: str = "prometheus") -> dict[str, str]:
    fleet = inventory_at(str(ROOT / "examples" / f"{example}.yaml"))
    return dict(targets()[target].files(fleet, definitions()))


def changes(example: str, target: str) -> tuple[set[str], set[str], set[str]]:
    """Paths that are gone, new, and different."""
    here, there = written(example), written(example, target)
    both = here.keys() & there.keys()
    return (
        here.keys() - there.keys(),
        there.keys() - here.keys(),
        {path for path in both if here[path] != there[path]},
    )


def difference(here: Any, there: Any) -> dict[str, tuple[Any, Any]]:
    """What two documents of one shape say differently, by the way to it."""
    if isinstance(here, Mapping) and isinstance(there, Mapping):
        pairs = {key: (here.get(key), there.get(key)) for key in (*here, *there)}
    elif isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        pairs = {str(n): pair for n, pair in enumerate(zip(here, there, strict=True))}
    else:
        return {} if here == there else {"": (here, there)}
    return {
        f"{key}.{way}".rstrip("."): found
        for key, (one, other) in pairs.items()
        for way, found in difference(one, other).items()
    }


def said_differently(example: str, target: str, path: str) -> dict[str, tuple[Any, Any]]:
    return difference(read(written(example)[path]), read(written(example, target)[path]))


@pytest.mark.parametrize("example", EXAMPLES)
def test_thanos_rule_evaluates_and_prometheus_scrapes(example: str) -> None:
    assert changes(example, "thanos") == ({STACK_TEST}, set(), {SCRAPING, STACK, DATASOURCES})
    assert said_differently(example, "thanos", SCRAPING).keys() == {"rule_files", "alerting"}
    assert said_differently(example, "thanos", STACK) == {
        "groups.0.partial_response_strategy": (None, "warn")
    }
    assert said_differently(example, "thanos", DATASOURCES) == {
        "datasources.0.jsonData.prometheusType": ("Prometheus", "Thanos")
    }


def test_a_sidecar_needs_external_labels_and_the_file_says_so() -> None:
    fleet = inventory_at(str(ROOT / "examples" / "minimal.yaml"))
    advice = "sidecar needs settings.external_labels"
    assert advice in written("minimal", "thanos")[SCRAPING]
    settings = replace(fleet.settings, external_labels={"cluster": "eu-1"})
    labelled = targets()["thanos"].files(replace(fleet, settings=settings), definitions())
    assert advice not in labelled[SCRAPING]


@pytest.mark.parametrize("example", EXAMPLES)
def test_victoriametrics_takes_every_rule_as_it_is(example: str) -> None:
    gone, new, changed = changes(example, "victoriametrics")
    idle = {f"prometheus/tests/{topic}_test.yml" for topic in ("gpu_use", "kpi")}
    assert gone == (idle if example == "minimal" else set())
    assert (new, changed) == (set(), {SCRAPING})
    found = said_differently(example, "victoriametrics", SCRAPING)
    assert {re.sub(r".*\.", "", way) for way in found} - {"remote_write"} == {
        "alerting",
        "body_size_limit",
        "evaluation_interval",
        "label_name_length_limit",
        "label_value_length_limit",
        "max_scrape_size",
        "rule_files",
    }


def test_victoriametrics_is_told_by_flags_where_to_send_samples() -> None:
    fleet = inventory_at(str(ROOT / "examples" / "minimal.yaml"))
    storage = RemoteWrite(url="http://storage/api/v1/write")
    settings = replace(fleet.settings, remote_write=(storage,))
    found = targets()["victoriametrics"].files(replace(fleet, settings=settings), definitions())
    assert "remote_write" not in read(found[SCRAPING])


@pytest.mark.parametrize("example", EXAMPLES)
def test_mimir_gets_rules_and_routing_through_its_api(example: str) -> None:
    gone, new, changed = changes(example, "mimir")
    assert {path.rpartition("/")[0] for path in gone - {SCRAPING}} == {
        "prometheus/rules",
        "prometheus/tests",
    }
    assert new == {"mimir/load.sh", "mimir/rules.yml"}
    assert changed == {DATASOURCES, ROUTING}
    assert said_differently(example, "mimir", DATASOURCES) == {
        "datasources.0.jsonData.prometheusType": ("Prometheus", "Mimir"),
        "datasources.1.jsonData.implementation": ("prometheus", "mimir"),
    }
    routing = said_differently(example, "mimir", ROUTING)
    assert {way.partition(".")[0] for way in routing} <= {"receivers", "templates"}


@pytest.mark.parametrize("example", EXAMPLES)
def test_mimir_gets_every_rule_once_within_its_limits(example: str) -> None:
    document = read(written(example, "mimir")["mimir/rules.yml"])
    assert document["namespace"] == NAMESPACE
    groups = document["groups"]
    assert len(groups) <= GROUPS
    assert len({group["name"] for group in groups}) == len(groups)
    assert all(len(group["rules"]) <= GROUP_SIZE for group in groups)
    here = [
        (group["interval"], str(rule))
        for _, group in rule_groups(written(example))
        for rule in group["rules"]
    ]
    assert sorted(here) == sorted((g["interval"], str(r)) for g in groups for r in g["rules"])


def test_packed_groups_keep_their_order_and_are_not_torn_apart() -> None:
    rules = [{"record": f"a:{n}", "expr": "vector(1)"} for n in range(45)]
    groups = [
        ("prometheus/rules/recorded.yml", {"interval": "30s", "rules": rules[:12]}),
        ("prometheus/rules/recorded.yml", {"interval": "30s", "rules": rules[12:27]}),
        ("prometheus/rules/recorded.yml", {"interval": "60s", "rules": rules[27:40]}),
        ("prometheus/rules/recorded.yml", {"interval": "30s", "rules": rules[40:]}),
    ]
    found = [(group["name"], group["rules"]) for group in packed(groups)]
    assert found == [
        ("modelwatch-recorded-30s-1", rules[:12] + rules[40:]),
        ("modelwatch-recorded-30s-2", rules[12:27]),
        ("modelwatch-recorded-60s-1", rules[27:40]),
    ]


def test_a_fleet_with_too_many_groups_for_mimir_is_told_what_to_do() -> None:
    fleet = inventory_at(str(ROOT / "examples" / "minimal.yaml"))
    models = tuple(replace(fleet.models[0], name=f"chat-{n}") for n in range(200))
    many = replace(fleet, models=models)
    with pytest.raises(InventoryError, match=r"rule groups; Mimir takes 70 .*constants: exporter"):
        targets()["mimir"].files(many, definitions())
    served = replace(many, settings=replace(fleet.settings, constants="exporter"))
    assert "mimir/rules.yml" in targets()["mimir"].files(served, definitions())


MIMIRTOOL = """#!/bin/sh
printf '%s\\n' "$*" >>"$LOADED/calls"
case "$1" in
  rules) cp "$4" "$LOADED/rules.yml" ;;
  alertmanager) cp "$3" "$LOADED/alertmanager.yml"; shift 3; cp "$@" "$LOADED" ;;
esac
"""


def loaded(folder: Path) -> subprocess.CompletedProcess[str]:
    """`load.sh` with a mimirtool that only keeps what it is given."""
    programs = folder / "programs"
    programs.mkdir()
    tool = programs / "mimirtool"
    tool.write_text(MIMIRTOOL)
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    (folder / "loaded").mkdir()
    (folder / "rest").mkdir()
    return subprocess.run(
        ["sh", folder / "out" / "mimir" / "load.sh"],
        env={
            "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),
            "LOADED": str(folder / "loaded"),
            "TMPDIR": str(folder / "rest"),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def with_slack(folder: Path) -> None:
    text = (ROOT / "examples" / "minimal.yaml").read_text()
    (folder / "models.yaml").write_text(text.replace("/etc/modelwatch", str(folder)))
    said = run("generate", folder / "models.yaml", "-o", folder / "out", "--target", "mimir")
    assert said.code == 0, said.err
    assert f"sh {folder}/out/mimir/load.sh" in said.out


@pytest.mark.real
def test_secrets_are_filled_in_when_mimir_is_loaded_and_kept_nowhere(tmp_path: Path) -> None:
    with_slack(tmp_path)
    (tmp_path / "slack-url").write_text("https://hooks.slack.com/services/it's#1\n")
    done = loaded(tmp_path)
    assert done.returncode == 0, done.stderr
    there = tmp_path / "loaded"
    configured = read((there / "alertmanager.yml").read_text())
    slack = configured["receivers"][1]["slack_configs"][0]
    assert slack["api_url"] == "https://hooks.slack.com/services/it's#1"
    assert list((tmp_path / "rest").iterdir()) == []
    assert "hooks.slack.com" not in "".join(
        path.read_text() for path in (tmp_path / "out").rglob("*") if path.is_file()
    )
    assert all((there / name).exists() for name in (*configured["templates"], "rules.yml"))
    rules, routing = (there / "calls").read_text().splitlines()
    assert rules == "rules sync --namespaces=modelwatch mimir/rules.yml"
    assert routing.startswith("alertmanager load ")
    amtool = real.program("amtool")
    checked = subprocess.run(
        [amtool, "check-config", there / "alertmanager.yml"], capture_output=True, check=False
    )
    assert checked.returncode == 0


def test_a_secret_that_is_not_there_stops_before_anything_is_loaded(tmp_path: Path) -> None:
    with_slack(tmp_path)
    done = loaded(tmp_path)
    assert done.returncode != 0
    assert f"cannot read a secret from {tmp_path}/slack-url" in done.stderr
    assert not (tmp_path / "loaded" / "calls").exists()


@pytest.mark.parametrize("target", sorted(targets()))
def test_what_was_written_for_a_target_is_up_to_date_for_it_only(
    target: str, tmp_path: Path
) -> None:
    generate = ("generate", ROOT / "examples" / "minimal.yaml", "-o", tmp_path)
    assert run(*generate, "--target", target).code == 0
    assert run(*generate, "--target", target, "--check").code == 0
    other = "thanos" if target == "prometheus" else "prometheus"
    said = run(*generate, "--target", other, "--check")
    assert said.code == 1
    assert ("--target thanos" in said.err) == (other == "thanos")


@pytest.mark.real
def test_promtool_accepts_every_rule_file_of_prometheus_form(tmp_path: Path) -> None:
    promtool = real.program("promtool")
    for target in ("victoriametrics", "thanos"):
        files = written("minimal", target)
        paths = [path for path in files if path.startswith("prometheus/rules/")]
        for path in paths:
            if (target, path) == ("thanos", STACK):
                continue
            there = tmp_path / target / path
            there.parent.mkdir(parents=True, exist_ok=True)
            there.write_text(files[path])
        found = sorted((tmp_path / target).rglob("*.yml"))
        checked = subprocess.run(
            [promtool, "check", "rules", *found], capture_output=True, text=True, check=False
        )
        assert checked.returncode == 0, checked.stderr
