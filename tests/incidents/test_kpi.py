"""A business figure that drops, on the real stack with a week behind it."""

from pathlib import Path

import pytest

from tests.incidents.acts import PATIENT, act
from tests.incidents.week import lived_through

pytestmark = [pytest.mark.servers, pytest.mark.real, pytest.mark.slow]

SHORT = PATIENT.replace("drop: 20%", "drop: 20% for 5m")
"""A day of clicks forgets slowly: every minute that the drop lasts takes several to resolve."""


def test_a_kpi_below_that_of_last_week_is_told_once(tmp_path: Path, path: str) -> None:
    act(tmp_path, path, "chat-clicks", text=SHORT, watch="35m", write=lived_through(path))
