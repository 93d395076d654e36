"""Waiting for something outside, but not for ever, and not for the dead."""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import requests

from compose.native import processes
from compose.native.processes import Process
from modelwatch.problems import Unreachable

EVERY_S = 0.25

Found = TypeVar("Found")


def until(
    done: Callable[[], Found | None],
    what: str,
    within_s: float,
    running: Sequence[Process],
    missing: Callable[[], list[str]] = list,
) -> Found:
    """Ask again and again until the answer is true.

    Raises:
        Unreachable: it never was, with what was `missing`; or one of `running` ended meanwhile.
    """
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if answer := done():
            return answer
        for process in running:
            if not process.alive:
                raise processes.died(process)
        time.sleep(EVERY_S)
    reasons = "".join(f"\n  {reason}" for reason in missing())
    raise Unreachable(f"waited {within_s:.0f} s in vain for {what}{reasons}")


def answers(url: str) -> bool:
    """Whether something good comes back."""
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False
