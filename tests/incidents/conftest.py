"""Fixtures of the incident suite."""

import os

import pytest

from tests import real


@pytest.fixture
def path() -> str:
    """Where the installed releases are; acts that take minutes run with them alone."""
    for name in ("prometheus", "promtool", "alertmanager"):
        real.program(name)
    return os.environ["PATH"]
