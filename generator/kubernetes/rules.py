"""PrometheusRule objects: the groups of the rule files, each object well below the limits."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from generator.kubernetes.kustomization import Component
from generator.kubernetes.objects import HEADER, metadata
from generator.rule_files import constant_file
from generator.yaml_text import comment, dump
from modelwatch.inventory import Settings
from modelwatch.rules import Constant

LIMIT = 160 * 1024
"""Bytes of text per object. `kubectl apply` keeps a copy of the object as JSON in an annotation,
and all annotations together hold 256 KiB (`TotalAnnotationSizeLimitB` of k8s.io/apimachinery); a
request to etcd holds 1.5 MiB."""


def component(
    built: Mapping[str, str], constants: Sequence[Constant], settings: Settings
) -> Component:
    """Rules of the built rule files, and the inventory's own series by model.

    A model's constants are an object of their own: adding a model adds one, and changes no other.
    """
    objects = {
        **_shared(built),
        **(_owned(constants, settings) if settings.constants == "rules" else {}),
    }
    return Component(
        name="rules",
        title="Recording rules and alerts, for Prometheus Operator.",
        files=objects,
        resources=tuple(objects),
    )


def _shared(built: Mapping[str, str]) -> dict[str, str]:
    """Rules that are the same in number for any number of models."""
    return {
        file: text
        for path, content in built.items()
        if path.startswith("prometheus/rules/") and path != "prometheus/rules/inventory.yml"
        for file, text in _objects(f"modelwatch-{PurePosixPath(path).stem}", content)
    }


def _owned(constants: Iterable[Constant], settings: Settings) -> dict[str, str]:
    by_owner: dict[str, list[Constant]] = defaultdict(list)
    for row in constants:
        by_owner[_owner(row)].append(row)
    return {
        f"inventory/{file}": text
        for owner, rows in by_owner.items()
        for file, text in _objects(owner, constant_file(rows, settings, group=owner))
    }


def _owner(row: Constant) -> str:
    """Names of models and environments have no dots, so that these two stay apart."""
    if "model" in row.labels:
        return f"modelwatch-inventory.{row.labels['model']}.{row.labels['environment']}"
    return "modelwatch-inventory"


def _objects(name: str, content: str) -> Iterator[tuple[str, str]]:
    """The groups of a rule file as one object, or as several where they are too large for one."""
    for number, groups in enumerate(_packed(_groups(content)), 1):
        own = (name if number == 1 else f"{name}-{number}").replace("_", "-")
        head = {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": metadata(own, "rules"),
        }
        body = "".join(f"  {line}" if line.strip() else line for group in groups for line in group)
        yield f"{own}.yaml", f"{comment(HEADER)}{dump(head)}spec:\n  groups:\n{body}"


def _groups(content: str) -> list[list[str]]:
    """Lines of each group of a file of ours."""
    groups: list[list[str]] = []
    for line in content.splitlines(keepends=True):
        if line.startswith("  - name: "):
            groups.append([])
        if groups:
            groups[-1].append(line)
    return groups


def _packed(groups: Iterable[list[str]]) -> Iterator[list[list[str]]]:
    """In their order, as many as fit."""
    together: list[list[str]] = []
    size = 0
    for group in groups:
        length = sum(len(line.encode()) + 2 for line in group)
        if together and size + length > LIMIT:
            yield together
            together, size = [], 0
        together.append(group)
        size += length
    if together:
        yield together
