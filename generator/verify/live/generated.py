"""The rules that were generated, read back: what should be loaded."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

from modelwatch.promql import duration_seconds

RULES = "prometheus/rules/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A recording rule or an alert. `hold_s` and `keep_s` are zero where nothing is said."""

    alert: bool
    name: str
    expr: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    hold_s: float = 0
    keep_s: float = 0

    @property
    def shown(self) -> str:
        """As findings name it."""
        return f"{'alert' if self.alert else 'rule'} {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rules that are evaluated together."""

    path: str
    name: str
    interval_s: float
    rules: tuple[Rule, ...]


def generated(files: Mapping[str, str]) -> tuple[Group, ...]:
    """All groups, in the order of the files."""
    return tuple(
        group
        for path, text in files.items()
        if path.startswith(RULES) and path.endswith(".yml")
        for group in _groups(path, text)
    )


@lru_cache(maxsize=64)
def _groups(path: str, text: str) -> tuple[Group, ...]:
    """Of our own file, which is large in a large fleet, and asked for by several questions."""
    document = yaml.load(text, Loader=yaml.CSafeLoader)
    return tuple(
        Group(
            path=path,
            name=group["name"],
            interval_s=_seconds(group["interval"]),
            rules=tuple(_rules(group["rules"])),
        )
        for group in document["groups"]
    )


def _rules(written: list[dict[str, Any]]) -> Iterator[Rule]:
    for rule in written:
        yield Rule(
            alert="alert" in rule,
            name=rule.get("alert") or rule["record"],
            expr=str(rule["expr"]),
            labels={name: str(value) for name, value in rule.get("labels", {}).items()},
            annotations=rule.get("annotations", {}),
            hold_s=_seconds(rule.get("for", "0s")),
            keep_s=_seconds(rule.get("keep_firing_for", "0s")),
        )


def _seconds(duration: str) -> float:
    return float(duration_seconds(duration))
