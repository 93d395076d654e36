"""What kustomize reads: one component per part that a user may want or not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from generator.kubernetes.objects import HEADER, labels
from generator.yaml_text import dump

IMAGE = "modelwatch-exporter"
"""Image of our exporters as the objects name it; kustomize puts in where it really is."""

STANDARD = ("rules", "dashboards-sidecar", "alerting", "scraping", "exporters")
"""Components of the kustomization that works as it is, in so far as the inventory has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """A ConfigMap or Secret that kustomize makes of files beside it."""

    name: str
    component: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A folder: `files` are what lies in it; those of `resources` are objects."""

    name: str
    title: str
    files: Mapping[str, str] = field(default_factory=dict)
    resources: tuple[str, ...] = ()
    config_maps: tuple[Data, ...] = ()
    secrets: tuple[Data, ...] = ()
    patches: tuple[Mapping[str, Any], ...] = ()
    needs: tuple[str, ...] = ()


def files(components: Sequence[Component]) -> dict[str, str]:
    """Every file below `kubernetes/`, with a kustomization that takes the usual components."""
    names = {component.name for component in components}
    return {
        "kustomization.yaml": _standard([name for name in STANDARD if name in names]),
        **{
            f"components/{component.name}/{path}": text
            for component in components
            for path, text in (
                ("kustomization.yaml", _component(component)),
                *component.files.items(),
            )
        },
    }


def _standard(names: Iterable[str]) -> str:
    """For kube-prometheus-stack under its usual name; the labels choose who reads the objects."""
    document = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": "monitoring",
        "components": [f"components/{name}" for name in names],
        "labels": [{"pairs": {"release": "kube-prometheus-stack"}, "includeSelectors": False}],
        "images": [{"name": IMAGE, "newTag": "1"}],
    }
    return dump(document, header=HEADER)


def _component(component: Component) -> str:
    generators = {
        "configMapGenerator": component.config_maps,
        "secretGenerator": component.secrets,
    }
    parts: dict[str, Sequence[Any]] = {
        "components": [f"../{name}" for name in component.needs],
        "resources": component.resources,
        **{key: [_generated(one) for one in found] for key, found in generators.items()},
        "patches": component.patches,
    }
    document = {
        "apiVersion": "kustomize.config.k8s.io/v1alpha1",
        "kind": "Component",
        **{key: list(found) for key, found in parts.items() if found},
    }
    return dump(document, header=f"{HEADER}\n\n{component.title}")


def _generated(one: Data) -> dict[str, Any]:
    """Under a name without a hash: who reads it sees changes by itself, and others name it."""
    options = {"disableNameSuffixHash": True, "labels": labels(one.component)}
    return {"name": one.name, "files": list(one.files), "options": options}
