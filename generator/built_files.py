"""What we have built, read back as data: whoever takes it in another form, it is the same."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import yaml

from generator.rule_files import GROUP_SIZE
from generator.yaml_text import comments_of, dump

CONFIGURATION = "prometheus/prometheus.yml"
RULES = "prometheus/rules/"
TESTS = "prometheus/tests/"
INVENTORY = f"{RULES}inventory.yml"
ALERTS = f"{RULES}alerts-"
ABOUT_STACK = f"{ALERTS}stack.yml"
ROUTING = "alertmanager/alertmanager.yml"
TEMPLATES = "alertmanager/templates/"
DATASOURCES = "grafana/provisioning/datasources/modelwatch.yml"
EVALUATION = ("rule_files", "alerting")
"""Sections of a Prometheus that evaluates rules; without them it only scrapes."""

Group = dict[str, Any]


def rule_groups(files: Mapping[str, str]) -> Iterator[tuple[str, Group]]:
    """Every group that has rules, with the path of its file, in the order of the files."""
    for path, text in files.items():
        if path.startswith(RULES):
            yield from ((path, group) for group in read(text)["groups"] if group["rules"])


def read(text: str) -> dict[str, Any]:
    """A YAML document that we wrote ourselves."""
    document: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return document


def without(text: str, sections: Collection[str], *, note: str = "") -> str:
    """The document without some of its sections, and perhaps with one more line above it."""
    kept = {key: value for key, value in read(text).items() if key not in sections}
    return dump(kept, header=f"{comments_of(text)}{note}")


def packed(groups: Iterable[tuple[str, Group]]) -> list[Group]:
    """The same rules in as few groups as hold them, for whoever counts groups.

    Groups stay whole and in order, so that a rule still comes after those that it reads.
    """
    packs: dict[tuple[str, str], list[list[Any]]] = {}
    for path, group in groups:
        open_packs = packs.setdefault((_kind(path), group["interval"]), [])
        rules = group["rules"]
        room = (pack for pack in open_packs if len(pack) + len(rules) <= GROUP_SIZE)
        pack = next(room, None)
        if pack is None:
            open_packs.append(list(rules))
        else:
            pack.extend(rules)
    return [
        {"name": f"modelwatch-{kind}-{interval}-{number}", "interval": interval, "rules": rules}
        for (kind, interval), found in packs.items()
        for number, rules in enumerate(found, 1)
    ]


def _kind(path: str) -> str:
    if path == INVENTORY:
        return "inventory"
    return "alerts" if path.startswith(ALERTS) else "recorded"
