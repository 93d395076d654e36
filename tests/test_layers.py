"""The house stands: imports point down, files stay short, names are spelled in one place."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ALLOWED = {
    "modelwatch": {"modelwatch"},
    "exporters": {"modelwatch", "exporters"},
    "alerts": {"modelwatch", "alerts"},
    "dashboards": {"modelwatch", "dashboards"},
    "compose": {"modelwatch", "compose"},
    "generator": {"modelwatch", "generator", "exporters", "alerts", "dashboards", "compose"},
}
FILES = [path for folder in ALLOWED for path in sorted((ROOT / folder).rglob("*.py"))]
IDS = [str(path.relative_to(ROOT)) for path in FILES]


def imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    names = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    return names | {
        node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
    }


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_imports_point_down_only(path: Path) -> None:
    folder = path.relative_to(ROOT).parts[0]
    ours = {name.split(".")[0] for name in imported(path)} & set(ALLOWED)
    assert ours <= ALLOWED[folder]


def test_grafanalib_is_imported_in_one_file_only() -> None:
    users = [
        name
        for name, path in zip(IDS, FILES, strict=True)
        if any(module.split(".")[0] == "grafanalib" for module in imported(path))
    ]
    assert users == ["generator/grafana.py"]


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_files_stay_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


VENDOR = re.compile(
    r"\b(vllm:|sglang:|tgi_|te_request|nv_inference|trtllm_|llamacpp:|litellm_(?!params|settings)|gen_ai_|DCGM_FI|kong_ai_"
    r"|aws_bedrock|ray_serve_|dynamo_|ts_inference|nvidia_smi_)"
)


@pytest.mark.parametrize(
    "path", [path for path in FILES if "engines" not in path.parts], ids=lambda p: p.name
)
def test_vendor_names_stand_in_engine_tables_only(path: Path) -> None:
    if "fleet" in path.parts or path.parts[-2:] == ("gpu", "dcgm.py"):
        return  # these serve vendor pages; they read none
    assert not VENDOR.search(path.read_text())


CANONICAL = re.compile(
    r"\b(model|engine|slo|budget|gpu):[a-z_]+:[a-z0-9_]+|\bmodelwatch_[a-z_]+_(total|info|ratio|seconds|usd)\b"
)


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if "catalogue" not in path.parts and "fleet" not in path.parts],
    ids=lambda p: p.name,
)
def test_canonical_names_are_spelled_in_the_catalogue_only(path: Path) -> None:
    tree = ast.parse(path.read_text())
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    strays = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
        and CANONICAL.search(node.value)
    ]
    assert strays == []
