"""A target that answers every other scrape: told once, not once a minute."""

from collections import Counter
from pathlib import Path

import pytest

from tests.faults import pages
from tests.faults.pages import Counted, counting
from tests.faults.site import HEAD, measured, model, site, watch
from tests.small_site import serving

pytestmark = [pytest.mark.real, pytest.mark.servers, pytest.mark.slow]

HALF_AN_HOUR_S = 90
"""As long as it takes in compressed time."""


def test_a_flapping_target_makes_no_storm(tmp_path: Path, native_path: str) -> None:
    """Whether a rule sees it up or down is chance, how often it tells is not."""
    with (
        serving(counting(Counted(), 'm="chat"')) as well,
        serving(pages.flapping('m="flaps"')) as port,
    ):
        text = f"{HEAD}models:\n{model('chat', well)}{model('flaps', port)}"
        with site(tmp_path, text, native_path) as where:
            watch(HALF_AN_HOUR_S)
            told = Counter((one.name, one.labels.get("model"), one.status) for one in where.told())
            measured("told in half an hour", dict(told))
            assert {model for _, model, _ in told} <= {"flaps"}
            assert set(told.values()) <= {1}
