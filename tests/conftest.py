"""Fixtures that let a test run once per Prometheus release that we promise to work with."""

import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from compose import programs
from tests import browser, real

_BEGAN = time.time()


def pytest_xdist_auto_num_workers() -> int:
    """Twice as many as cores: half of the time is spent waiting for servers and alerts."""
    return 2 * (os.cpu_count() or 1)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say where the pictures are that this run took."""
    taken = [one for one in browser.ARTEFACTS.glob("*.png") if one.stat().st_mtime >= _BEGAN]
    if taken:
        terminalreporter.write_line(f"{len(taken)} pictures of pages are in {browser.ARTEFACTS}")


@pytest.fixture(autouse=True)
def alone(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Lets tests that need the machine to themselves run one at a time, across workers."""
    if request.node.get_closest_marker("servers") is None:
        yield
        return
    root = tmp_path_factory.getbasetemp()
    shared = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    with (shared / "servers.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(params=["on PATH", "3.x"])
def search_path(request: pytest.FixtureRequest) -> str:
    """Where to look for the programs: once the installed release, once Prometheus 3."""
    if request.param == "on PATH":
        return os.environ["PATH"]
    path = real.path_of_three()
    found = programs.find("promtool", path=path)
    assert found, path
    assert found.major == 3, f"{real.THREE} has promtool {found.version}"
    return path


@pytest.fixture
def promtool(search_path: str) -> Path:
    """Once per release."""
    return real.program("promtool", search_path)


@pytest.fixture
def amtool(search_path: str) -> Path:
    """Once per release."""
    return real.program("amtool", search_path)


@pytest.fixture
def native_path(search_path: str) -> str:
    """Where to find Prometheus and Alertmanager, both there for certain."""
    for name in ("prometheus", "alertmanager"):
        real.program(name, search_path)
    return search_path
