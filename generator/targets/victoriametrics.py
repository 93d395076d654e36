"""VictoriaMetrics: vmagent or VictoriaMetrics scrapes, vmalert evaluates.

vmalert reads rules as Prometheus does. The scrape configuration is read strictly, and knows neither
the sections of rules, alerting and remote write (which are flags there) nor all limits of a page.
"""

from typing import Any

from generator.build import build
from generator.built_files import ALERTS, CONFIGURATION, EVALUATION, TESTS, read
from generator.definitions import Definitions
from generator.targets import Target
from generator.yaml_text import comments_of, dump
from modelwatch.inventory import Inventory

FLAGS = (*EVALUATION, "remote_write")
"""What vmalert and vmagent are told by flags."""

LIMITS = {
    "body_size_limit": "max_scrape_size",
    "label_name_length_limit": "",
    "label_value_length_limit": "",
}
"""Limits of a page by their name here; the last two are -maxLabelNameLen and -maxLabelValueLen."""


def files(inventory: Inventory, definitions: Definitions) -> dict[str, str]:
    """Everything, with a scrape configuration that VictoriaMetrics accepts."""
    built = build(inventory, definitions)
    text = built[CONFIGURATION]
    scraped = dump(_scraped(read(text)), header=comments_of(text))
    return {path: text for path, text in built.items() if not _is_idle(path, built)} | {
        CONFIGURATION: scraped
    }


def _is_idle(path: str, built: dict[str, str]) -> bool:
    """Whether it is a test of a rule file without rules, which vmalert-tool takes for a mistake."""
    topic = path.removeprefix(TESTS).removesuffix("_test.yml")
    return path.startswith(TESTS) and not read(built[f"{ALERTS}{topic}.yml"])["groups"]


def _scraped(document: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in document.items() if key not in FLAGS}
    return {
        **kept,
        "global": {k: v for k, v in kept["global"].items() if k != "evaluation_interval"},
        "scrape_configs": [_job(job) for job in kept["scrape_configs"]],
    }


def _job(job: dict[str, Any]) -> dict[str, Any]:
    named = {LIMITS.get(key, key): value for key, value in job.items()}
    return {key: value for key, value in named.items() if key}


TARGET = Target(
    name="victoriametrics",
    title="VictoriaMetrics and vmalert",
    files=files,
    next_step="vmalert -dryRun -rule='{output}/prometheus/rules/*.yml'",
)
