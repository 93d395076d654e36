"""Programs that tests talk to. A missing one skips on a developer's machine and fails in CI."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

ALIASES = {"alertmanager": ("alertmanager", "prometheus-alertmanager")}


THREE = "PROMETHEUS_3_DIR"
"""Names the folder with the programs of a Prometheus 3 release, beside the older ones on PATH."""


def program(name: str, path: str | None = None) -> Path:
    """The program in the folders of `path` (default: PATH), under any of its names."""
    for alias in ALIASES.get(name, (name,)):
        if found := shutil.which(alias, path=path):
            return Path(found)
    return missing(f"{name} is not on PATH")


def missing(reason: str) -> NoReturn:
    """Skip the test, or let it fail where everything must be there."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def path_of_three() -> str:
    """A search path that finds the programs of Prometheus 3 first."""
    folder = os.environ.get(THREE)
    if not folder:
        missing(f"{THREE} names no folder with Prometheus 3")
    return os.pathsep.join([folder, os.environ["PATH"]])


def first_on(release: str) -> pytest.MarkDecorator:
    """Of a test that takes long: `make test` runs it on this release, `make test-all` on both."""
    (other,) = {"on PATH", "3.x"} - {release}
    both = [release, pytest.param(other, marks=pytest.mark.slow)]
    return pytest.mark.parametrize("search_path", both, indirect=True)
