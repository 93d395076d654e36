"""Objects as data; run as a module, those that Prometheus Operator is asked about."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import jsonschema
import yaml

from generator.definitions import definitions
from generator.opening import inventory_at
from generator.targets import targets
from generator.yaml_text import dump
from modelwatch.inventory import Inventory

HERE = Path(__file__).parent
MODELS = HERE / "models.yaml"
ANSWERS = HERE / "operator" / "answers"
SCHEMAS = HERE / "schemas"
ASKED = {"AlertmanagerConfig", "PodMonitor", "PrometheusRule", "ScrapeConfig", "ServiceMonitor"}
COMPONENTS = "kubernetes/components"
Object = dict[str, Any]


def files_for(inventory: Inventory) -> dict[str, str]:
    return dict(targets()["kubernetes"].files(inventory, definitions()))


@cache
def files() -> dict[str, str]:
    """Everything for the inventory beside this file."""
    return files_for(inventory_at(str(MODELS)))


class Loader(yaml.CSafeLoader):
    """Reads a bare `=`, which is a word of its own in YAML 1.1, as text."""


Loader.add_constructor("tag:yaml.org,2002:value", lambda _loader, node: node.value)


def documents(text: str) -> list[Object]:
    return list(yaml.load_all(text, Loader=Loader))


def components(written: Mapping[str, str]) -> list[str]:
    """Names of all components."""
    return sorted({path.split("/")[2] for path in written if path.startswith(f"{COMPONENTS}/")})


def objects(written: Mapping[str, str], component: str) -> Iterator[Object]:
    """What kustomize makes of a component, without the components that it needs."""
    folder = f"{COMPONENTS}/{component}"
    (kustomization,) = documents(written[f"{folder}/kustomization.yaml"])
    for file in kustomization.get("resources", ()):
        yield from documents(written[f"{folder}/{file}"])
    generators = {
        "configMapGenerator": ("ConfigMap", "data"),
        "secretGenerator": ("Secret", "stringData"),
    }
    for key, (kind, held) in generators.items():
        for one in kustomization.get(key, ()):
            yield {
                "apiVersion": "v1",
                "kind": kind,
                "metadata": {"name": one["name"], "labels": one["options"]["labels"]},
                held: {
                    PurePosixPath(file).name: written[f"{folder}/{file}"] for file in one["files"]
                },
            }


def every_object(written: Mapping[str, str]) -> Iterator[Object]:
    for component in components(written):
        yield from objects(written, component)


@cache
def _validator(kind: str, version: str) -> jsonschema.Draft202012Validator:
    schema = json.loads((SCHEMAS / f"{kind}.{version}.json").read_text("utf-8"))
    return jsonschema.Draft202012Validator(schema)


def refused(one: Object) -> list[str]:
    """What a schema refuses of an object."""
    validator = _validator(one["kind"], one["apiVersion"].rpartition("/")[2])
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(one)]


def asked(written: Mapping[str, str]) -> str:
    """What the operator was asked: how it is told, and who is scraped where our exporters run."""
    chosen = [
        {**one, "metadata": {**one["metadata"], "namespace": "monitoring"}}
        for component in ("alerting", "exporters", "scraping")
        for one in objects(written, component)
        if one["kind"] in ASKED
    ]
    return "---\n".join(map(dump, chosen))


if __name__ == "__main__":
    print(asked(files()), end="")  # noqa: T201  # it is a command
