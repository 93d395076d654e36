"""Incidents of serving, on the real stack: who is told, how often, how soon."""

from pathlib import Path

import pytest

from tests.incidents.acts import act

pytestmark = [pytest.mark.servers, pytest.mark.real]

UPDATED = "35m"
"""Longer than a group of tickets waits before it is told again, if there is anything new."""


def test_a_slow_model_and_failing_requests_page_and_a_burst_tells_nobody(
    tmp_path: Path, path: str
) -> None:
    act(tmp_path, path, "vision-slow", "chat-errors", "provider-burst", watch="5m")


@pytest.mark.slow
def test_what_lasts_half_an_hour_is_told_once(tmp_path: Path, native_path: str) -> None:
    act(
        tmp_path,
        native_path,
        *("vision-slow", "chat-errors", "rate-limited", "provider-burst"),
        linger="30m",
        watch=UPDATED,
    )


@pytest.mark.slow
def test_what_is_down_or_silent_is_told_once(tmp_path: Path, native_path: str) -> None:
    act(
        tmp_path,
        native_path,
        *("vision-down", "provider-errors", "summarize-silent", "chat-silent"),
        linger="30m",
        watch=UPDATED,
    )


@pytest.mark.slow
def test_a_full_queue_is_told_by_what_users_feel_and_throttling_as_heat(
    tmp_path: Path, path: str
) -> None:
    act(
        tmp_path,
        path,
        *("chat-queue", "agent-tokens", "gpu-hot", "card-hot"),
        linger="30m",
        watch=UPDATED,
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["chat-wrong", "chat-swapped"])
def test_what_only_probes_see_is_told_once(tmp_path: Path, path: str, name: str) -> None:
    act(tmp_path, path, name, watch=UPDATED)
