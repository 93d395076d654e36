"""Grafana alone: it evaluates the rules and tells people; Prometheus only scrapes and stores."""

from collections import defaultdict
from itertools import chain

from generator import managed_routes
from generator.build import build
from generator.built_files import (
    CONFIGURATION,
    DATASOURCES,
    EVALUATION,
    ROUTING,
    RULES,
    TEMPLATES,
    TESTS,
    Group,
    read,
    rule_groups,
    without,
)
from generator.definitions import Definitions
from generator.managed_rules import managed, panels_of, uneven
from generator.provisioning import ALERTMANAGER
from generator.rule_files import header
from generator.targets import Target
from generator.yaml_text import comments_of, dump
from modelwatch.inventory import Inventory
from modelwatch.problems import InventoryError, Problem

PROVISIONED = "grafana/provisioning/alerting/"
LEFT_OUT = (RULES, TESTS, "alertmanager/")
WHOLE_TREE = "Grafana has one tree of policies: this file replaces the one that is there."


def files(inventory: Inventory, definitions: Definitions) -> dict[str, str]:
    """Everything that Grafana reads at its start, and what Prometheus scrapes.

    Raises:
        InventoryError: time is compressed so much that Grafana cannot keep up.
    """
    built = build(inventory, definitions)
    kept = {path: text for path, text in built.items() if not path.startswith(LEFT_OUT)}
    return kept | {
        CONFIGURATION: without(built[CONFIGURATION], EVALUATION),
        DATASOURCES: _datasources(built[DATASOURCES]),
        **_rules(built, inventory, definitions),
        **_routes(built, inventory),
    }


def _rules(built: dict[str, str], inventory: Inventory, definitions: Definitions) -> dict[str, str]:
    by_file: dict[str, list[Group]] = defaultdict(list)
    for path, group in rule_groups(built):
        by_file[path].append(group)
    if wrong := uneven(chain.from_iterable(by_file.values())):
        raise InventoryError((_too_fast(inventory, wrong),))
    panels = panels_of(chain.from_iterable(definitions.alerts.values()), definitions.boards)
    return {
        f"{PROVISIONED}{path.removeprefix(RULES)}": dump(
            managed(path, groups, panels), header=header(inventory.settings)
        )
        for path, groups in by_file.items()
    }


def _routes(built: dict[str, str], inventory: Inventory) -> dict[str, str]:
    """Nothing without teams: then nobody is told anything."""
    if not inventory.teams:
        return {}
    routing = read(built[ROUTING])
    above = header(inventory.settings)
    templates = {
        path.removeprefix(TEMPLATES): text
        for path, text in built.items()
        if path.startswith(TEMPLATES)
    }
    documents = {
        "contact-points": (managed_routes.contact_points(routing), above),
        "policies": (managed_routes.policies(routing), f"{above}\n{WHOLE_TREE}"),
        "templates": (managed_routes.texts(templates), above),
        "timings": (managed_routes.timings(routing), above),
    }
    return {
        f"{PROVISIONED}{name}.yml": dump(document, header=note)
        for name, (document, note) in documents.items()
    }


def _datasources(text: str) -> str:
    """There is no Alertmanager, and nothing to manage in Prometheus."""
    document = read(text)
    found = [one for one in document["datasources"] if one["uid"] != ALERTMANAGER]
    for one in found:
        one["jsonData"] = {
            key: False if key == "manageAlerts" else value
            for key, value in one["jsonData"].items()
            if key != "alertmanagerUid"
        }
    return dump({**document, "datasources": found}, header=comments_of(text))


def _too_fast(inventory: Inventory, intervals: list[str]) -> Problem:
    return Problem(
        path=inventory.path,
        line=1,
        column=1,
        message=f"Grafana evaluates every 10 seconds or at multiples of it, not every "
        f"{', '.join(intervals)}",
        advice="set settings.time_compression: 1",
    )


TARGET = Target(
    name="grafana-alerting",
    title="Grafana that evaluates and tells by itself",
    files=files,
    next_step="cp -r {output}/grafana/provisioning /etc/grafana/ && curl --request POST "
    "--user admin http://localhost:3000/api/admin/provisioning/alerting/reload",
)
