"""What is written builds with kustomize, and so do the kustomizations that the docs show."""

import re
import shutil
import subprocess
import textwrap
from pathlib import Path
from typing import Any

import pytest

from generator.definitions import definitions
from tests.kubernetes.asked import Object, documents, files, objects, refused


def kustomized(folder: Path) -> list[Object]:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not on PATH")
    done = subprocess.run(
        [kubectl, "kustomize", folder], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return documents(done.stdout)


def written(folder: Path) -> Path:
    for path, text in files().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    return folder / "kubernetes"


def test_kustomize_builds_what_is_written(tmp_path: Path) -> None:
    found = kustomized(written(tmp_path))
    usual = ("rules", "dashboards", "alerting", "scraping", "exporters")
    wanted = [one for component in usual for one in objects(files(), component)]
    assert named(found) == named(wanted)
    assert {one["metadata"]["namespace"] for one in found} == {"monitoring"}
    assert all(one["metadata"]["labels"]["release"] == "kube-prometheus-stack" for one in found)
    boards = [one for one in found if one["metadata"]["labels"].get("grafana_dashboard") == "1"]
    assert len(boards) == len(definitions().boards)
    assert all(one["metadata"]["annotations"] == {"grafana_folder": "modelwatch"} for one in boards)
    assert [problem for one in found for problem in refused(one)] == []


def named(found: list[Object]) -> list[tuple[str, str]]:
    return sorted((one["kind"], one["metadata"]["name"]) for one in found)


DOCS = (Path(__file__).parent.parent / "docs/kubernetes.md").read_text("utf-8")
SHOWN = [
    textwrap.dedent(text)
    for text in re.findall(
        r"```yaml\n( *# cluster/kustomization.yaml\n.*?)\n *```", DOCS, re.DOTALL
    )
]


@pytest.mark.parametrize("text", SHOWN, ids=range(len(SHOWN)))
def test_kustomizations_of_the_docs_work_as_they_are_shown(tmp_path: Path, text: str) -> None:
    written(tmp_path / "out")
    own = tmp_path / "cluster"
    own.mkdir()
    (own / "kustomization.yaml").write_text(text, "utf-8")
    found = kustomized(own)
    assert [problem for one in found for problem in refused(one)] == []
    assert {one["kind"] for one in found} >= {"PrometheusRule"}


def test_the_gpu_exporter_sees_processes_only_where_it_is_allowed_to(tmp_path: Path) -> None:
    text = "components: [out/components/exporters, out/components/exporters-host-processes]\n"
    written(tmp_path).rename(tmp_path / "out")
    (tmp_path / "kustomization.yaml").write_text(text, "utf-8")
    pods: dict[str, Any] = {
        one["metadata"]["name"]: one["spec"]["template"]["spec"]
        for one in kustomized(tmp_path)
        if "template" in one.get("spec", {})
    }
    assert [name for name, pod in pods.items() if pod.get("hostPID")] == ["modelwatch-gpu"]
