"""What all objects share: labels, names that Kubernetes takes, and how they are written down."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from generator.yaml_text import dump

HEADER = (
    "Written by modelwatch from the inventory. Changes are lost with the next generate: put yours\n"
    "into a kustomization of your own that names this folder."
)

Object = dict[str, Any]


def labels(component: str) -> dict[str, str]:
    """The recommended labels of Kubernetes; `component` is which part of ours it is."""
    return {
        "app.kubernetes.io/name": "modelwatch",
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/part-of": "modelwatch",
    }


def metadata(name: str, component: str) -> Object:
    """Name and labels. The namespace is kustomize's affair."""
    return {"name": name, "labels": labels(component)}


def slug(text: str) -> str:
    """The text as Kubernetes takes it in a name (RFC 1123); two texts may become the same."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].rstrip("-") or "x"


def manifest(objects: Iterable[Mapping[str, Any]], *, note: str = "") -> str:
    """Objects as one file; `note` is what a reader must know."""
    header = f"{HEADER}\n\n{note}" if note else HEADER
    first, *others = objects
    return dump(first, header=header) + "".join(f"---\n{dump(other)}" for other in others)
