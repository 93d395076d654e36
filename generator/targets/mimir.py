"""Mimir: its ruler and its Alertmanager are loaded through their API, with mimirtool.

Whatever scrapes and sends samples there, Alloy or an agent, finds whom in `prometheus/targets`.
"""

from typing import Any

from generator.build import build
from generator.built_files import (
    CONFIGURATION,
    DATASOURCES,
    ROUTING,
    RULES,
    TESTS,
    packed,
    read,
    rule_groups,
)
from generator.definitions import Definitions
from generator.provisioning import secret
from generator.rule_files import header
from generator.targets import Target
from generator.yaml_text import comments_of, dump
from modelwatch.inventory import Inventory
from modelwatch.problems import InventoryError, Problem

NAMESPACE = "modelwatch"
GROUPS = 70
"""Groups that a tenant may have, unless Mimir's limits are raised."""

LEFT_OUT = (RULES, TESTS, CONFIGURATION)

LOAD = r"""#!/bin/sh
# Loads rules and routing into Mimir. MIMIR_ADDRESS, MIMIR_TENANT_ID and MIMIR_API_KEY say where.
set -eu
cd "$(dirname "$0")/.."
umask 077
filled=$(mktemp)
trap 'rm -f "$filled"' EXIT HUP INT TERM

# Mimir reads no secrets from files: what stands in them is filled in here, and kept nowhere.
awk -v quote="'" '
  match($0, /\$__file\{[^}]*\}/) {
    path = substr($0, RSTART + 8, RLENGTH - 9)
    if ((getline secret < path) <= 0) {
      print "cannot read a secret from " path > "/dev/stderr"
      exit 1
    }
    close(path)
    gsub(quote, quote quote, secret)
    head = substr($0, 1, RSTART - 1)
    sub(/["\047]$/, "", head)
    $0 = head quote secret quote
  }
  { print }
' alertmanager/alertmanager.yml >"$filled"

mimirtool rules sync --namespaces=modelwatch mimir/rules.yml
cd alertmanager/templates
mimirtool alertmanager load "$filled" *.tmpl
"""


def files(inventory: Inventory, definitions: Definitions) -> dict[str, str]:
    """Rules in one namespace, routing without files, boards.

    Raises:
        InventoryError: there are more groups than a tenant may have.
    """
    built = build(inventory, definitions)
    groups = packed(rule_groups(built))
    if len(groups) > GROUPS:
        raise InventoryError((_too_many(inventory, len(groups)),))
    rules = {"namespace": NAMESPACE, "groups": groups}
    kept = {path: text for path, text in built.items() if not path.startswith(LEFT_OUT)}
    return kept | {
        "mimir/load.sh": LOAD,
        "mimir/rules.yml": dump(rules, header=header(inventory.settings)),
        ROUTING: _routing(built[ROUTING]),
        DATASOURCES: built[DATASOURCES]
        .replace("prometheusType: Prometheus", "prometheusType: Mimir")
        .replace("implementation: prometheus", "implementation: mimir"),
    }


def _too_many(inventory: Inventory, count: int) -> Problem:
    return Problem(
        path=inventory.path,
        line=1,
        column=1,
        message=f"{count} rule groups; Mimir takes {GROUPS} of a tenant",
        advice="set settings.constants: exporter, and let the inventory exporter serve them",
    )


def _routing(text: str) -> str:
    """Secrets are named as in Grafana's files, and filled in by `load.sh`."""
    document = read(text)
    changed = {
        "receivers": [_inline(receiver) for receiver in document["receivers"]],
        "templates": ["modelwatch.tmpl", "teams.tmpl"],
    }
    return dump({**document, **changed}, header=comments_of(text))


def _inline(settings: Any) -> Any:
    """What a setting `*_file` names, in place of the file."""
    if isinstance(settings, list):
        return [_inline(one) for one in settings]
    if not isinstance(settings, dict):
        return settings
    return {
        key.removesuffix("_file"): secret(value) if key.endswith("_file") else _inline(value)
        for key, value in settings.items()
    }


TARGET = Target(
    name="mimir",
    title="Mimir's ruler and Alertmanager, by mimirtool",
    files=files,
    next_step="MIMIR_ADDRESS=https://mimir.example.com MIMIR_TENANT_ID=models "
    "sh {output}/mimir/load.sh",
)
