"""A Grafana for each test of pushing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.push.site import Site, grafana


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A Grafana with two data sources, a Prometheus the default one, and nothing else."""
    with grafana(tmp_path) as found:
        yield found
