"""Thanos: Prometheus scrapes, Thanos Rule evaluates over everything that its querier reaches.

A store that does not answer fails every rule, which is Thanos' default and right: a sum that lacks
a part is no number. Only what watches the stack goes on with the rest, or nobody would tell.
"""

import re

from generator.build import build
from generator.built_files import (
    ABOUT_STACK,
    CONFIGURATION,
    DATASOURCES,
    EVALUATION,
    TESTS,
    without,
)
from generator.definitions import Definitions
from generator.targets import Target
from modelwatch.inventory import Inventory

TEST_OF_IT = f"{TESTS}stack_test.yml"
UNLABELLED = (
    "Thanos' sidecar needs settings.external_labels: they tell this Prometheus from others."
)


def files(inventory: Inventory, definitions: Definitions) -> dict[str, str]:
    """Everything, where Prometheus only scrapes. promtool would refuse the stack's rules."""
    built = build(inventory, definitions)
    note = "" if inventory.settings.external_labels else UNLABELLED
    changed = {
        CONFIGURATION: without(built[CONFIGURATION], EVALUATION, note=note),
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
