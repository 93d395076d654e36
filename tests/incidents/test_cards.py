"""Incidents of GPU cards, on the real stack: who is told, how often, how soon."""

from pathlib import Path

import pytest

from tests.incidents.acts import PATIENT, act

pytestmark = [pytest.mark.servers, pytest.mark.real, pytest.mark.slow]


def test_a_missing_card_and_an_error_of_another_are_told_once(
    tmp_path: Path, native_path: str
) -> None:
    act(tmp_path, native_path, "gpu-lost", "card-xid", text=PATIENT, watch="35m")


def test_a_card_that_reports_an_error_and_is_gone_is_told_as_missing(
    tmp_path: Path, path: str
) -> None:
    act(tmp_path, path, "card-lost", linger="20m", text=PATIENT, watch="35m")
