"""Programs that tests talk to. A missing one skips on a developer's machine and fails in CI."""

import os
import shutil
from pathlib import Path

import pytest

ALIASES = {"alertmanager": ("alertmanager", "prometheus-alertmanager")}


def program(name: str) -> Path:
    """The program on PATH, under any of its names."""
    for alias in ALIASES.get(name, (name,)):
        if found := shutil.which(alias):
            return Path(found)
    reason = f"{name} is not on PATH"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
