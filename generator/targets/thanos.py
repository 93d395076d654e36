"""Thanos: Prometheus scrapes, Thanos Rule evaluates over everything that its querier reaches.

A store that does not answer fails every rule, which is Thanos' default and right: a sum that lacks
a part is no number. Only what watches the stack goes on with the rest, or nobody would tell.
"""

import re

from generator.build import build
from generator.definitions import Definitions
from generator.rule_groups import read
from generator.targets import Target
from generator.yaml_text import comments_of, dump
from modelwatch.inventory import Inventory

CONFIGURATION = "prometheus/prometheus.yml"
ABOUT_STACK = "prometheus/rules/alerts-stack.yml"
TEST_OF_IT = "prometheus/tests/stack_test.yml"
DATASOURCES = "grafana/provisioning/datasources/modelwatch.yml"
ELSEWHERE = ("rule_files", "alerting")
UNLABELLED = "Thanos' sidecar needs settings.external_labels, which tell this Prometheus from others."


def files(inventory: Inventory, definitions: Definitions) -> dict[str, str]:
    """Everything, where Prometheus only scrapes. promtool would refuse the stack's rules."""
    built = build(inventory, definitions)
    text = built[CONFIGURATION]
    kept = {key: value for key, value in read(text).items() if key not in ELSEWHERE}
    note = "" if inventory.settings.external_labels else f"{UNLABELLED}\n"
    changed = {
        CONFIGURATION: dump(kept, header=f"{comments_of(text)}{note}"),
        ABOUT_STACK: re.sub(
            r"^    interval: .*$",
            r"\g<0>\n    partial_response_strategy: warn",
            built[ABOUT_STACK],
            flags=re.MULTILINE,
        ),
        DATASOURCES: built[DATASOURCES].replace(
            "prometheusType: Prometheus", "prometheusType: Thanos"
        ),
    }
    return {path: text for path, text in (built | changed).items() if path != TEST_OF_IT}


TARGET = Target(
    name="thanos",
    title="Thanos Rule, with Prometheus that scrapes",
    files=files,
    next_step="thanos tools rules-check --rules='{output}/prometheus/rules/*.yml'",
)
