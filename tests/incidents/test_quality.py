"""Incidents of quality, on the real stack: who is told, how often, how soon.

All are about chat, and tickets about one model come together: each has an act of its own.
"""

from pathlib import Path

import pytest

from tests.incidents.acts import PATIENT, act

pytestmark = [pytest.mark.servers, pytest.mark.real, pytest.mark.slow]

UPDATED = "35m"
"""Longer than a group of tickets waits before it is told again, if there is anything new."""


def test_a_version_that_scores_worse_is_named(tmp_path: Path, path: str) -> None:
    act(tmp_path, path, "chat-regression", text=PATIENT, watch=UPDATED)


def test_bad_answers_are_told_once(tmp_path: Path, path: str) -> None:
    act(tmp_path, path, "quality-drop", text=PATIENT, watch=UPDATED)


def test_a_silent_evaluator_is_told_once(tmp_path: Path, path: str) -> None:
    act(tmp_path, path, "judge-silent", text=PATIENT, watch=UPDATED)


def test_questions_in_a_new_language_are_told_once(tmp_path: Path, path: str) -> None:
    act(tmp_path, path, "chat-language", text=PATIENT, watch=UPDATED)


def test_an_empty_index_is_told_once(tmp_path: Path, path: str) -> None:
    act(tmp_path, path, "retrieval-empty", text=PATIENT, watch=UPDATED)


def test_bad_answers_and_a_full_cache_are_one_page(tmp_path: Path, path: str) -> None:
    act(tmp_path, path, "chat-crowded", linger="70m", text=PATIENT, watch=UPDATED)
