"""Boards: ConfigMaps, which Grafana's sidecar reads or grafana-operator's resources point to."""

import json
from collections.abc import Mapping
from pathlib import PurePosixPath

from generator.kubernetes.kustomization import Component, Data
from generator.kubernetes.objects import Object, manifest, metadata

FOLDER = "modelwatch"
_API = "grafana.integreatly.org/v1beta1"
_INSTANCES = {"matchLabels": {"dashboards": "grafana"}}
"""Label of Grafanas that take the boards, as in grafana-operator's own examples."""


def components(built: Mapping[str, str]) -> tuple[Component, ...]:
    """The boards once, and the two ways to load them."""
    files = {
        PurePosixPath(path).name: _compact(text)
        for path, text in built.items()
        if path.startswith("grafana/dashboards/")
    }
    names = [PurePosixPath(file).stem for file in files]
    return (
        Component(
            name="dashboards",
            title="Boards as ConfigMaps, which nobody loads yet.",
            files=files,
            config_maps=tuple(
                Data(name=name, component="dashboards", files=(f"{name}.json",)) for name in names
            ),
        ),
        Component(
            name="dashboards-sidecar",
            title="Boards for the sidecar of Grafana's Helm chart.",
            needs=("dashboards",),
            patches=(_for_sidecar(),),
        ),
        Component(
            name="dashboards-operator",
            title="Boards for grafana-operator.",
            needs=("dashboards",),
            files={"boards.yaml": manifest([_folder(), *map(_board, names)])},
            resources=("boards.yaml",),
        ),
    )


def _compact(board: str) -> str:
    """Without line breaks and indents: an object that is applied may have 256 KiB."""
    return json.dumps(json.loads(board), ensure_ascii=False, separators=(",", ":")) + "\n"


def _for_sidecar() -> Object:
    patch = (
        "apiVersion: v1\n"
        "kind: ConfigMap\n"
        "metadata:\n"
        "  name: every\n"
        '  labels: {grafana_dashboard: "1"}\n'
        f"  annotations: {{grafana_folder: {FOLDER}}}\n"
    )
    chosen = "app.kubernetes.io/part-of=modelwatch,app.kubernetes.io/component=dashboards"
    return {"target": {"kind": "ConfigMap", "labelSelector": chosen}, "patch": patch}


def _folder() -> Object:
    return {
        "apiVersion": _API,
        "kind": "GrafanaFolder",
        "metadata": metadata(FOLDER, "dashboards"),
        "spec": {"instanceSelector": _INSTANCES, "uid": FOLDER, "title": FOLDER},
    }


def _board(name: str) -> Object:
    return {
        "apiVersion": _API,
        "kind": "GrafanaDashboard",
        "metadata": metadata(name, "dashboards"),
        "spec": {
            "instanceSelector": _INSTANCES,
            "folderRef": FOLDER,
            "configMapRef": {"name": name, "key": f"{name}.json"},
        },
    }
