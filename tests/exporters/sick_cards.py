"""Two scripted cards for a whole exporter: a healthy one, and one with all that can be wrong.

`--library tests.exporters.sick_cards`. A third card, which the inventory expects, is not there.
"""

import time
from typing import Any

import pynvml

from tests.exporters.nvml import RESERVED, TOTAL, Scripted, h100, hold_back, struct

WELL, SICK = h100(0), h100(1)
_BEGAN = time.monotonic()


def _seconds() -> float:
    return time.monotonic() - _BEGAN


def _held_back() -> Any:
    return struct("c_nvmlViolationTime_t", violationTime=int(0.4 * _seconds() * 1e9))


hold_back(WELL, {})
hold_back(SICK, {})
SICK.answers |= {
    "nvmlDeviceGetTemperatureV": 92,
    "nvmlDeviceGetPowerUsage": 699_000,
    ("nvmlDeviceGetMemoryInfo", pynvml.nvmlMemory_v2): struct(
        "c_nvmlMemory_v2_t",
        total=TOTAL,
        reserved=RESERVED,
        used=int(0.98 * TOTAL),
        free=TOTAL - RESERVED - int(0.98 * TOTAL),
    ),
    ("nvmlDeviceGetViolationStatus", pynvml.NVML_PERF_POLICY_THERMAL): _held_back,
    ("nvmlDeviceGetTotalEccErrors", 1, 0): lambda: int(_seconds()),
}


class _Library(Scripted):
    """A driver that reports two kinds of errors of the sick card in turn."""

    def nvmlEventSetWait_v2(self, events: object, wait_ms: int) -> Any:  # noqa: N802
        if self.events.empty() and SICK in self.watched:
            self.xid(SICK, 48 if self.asked["turns"] % 2 else 79)
            self.asked["turns"] += 1
            time.sleep(wait_ms / 1000)
        return super().nvmlEventSetWait_v2(events, wait_ms)


_LIBRARY = _Library(WELL, SICK)


def __getattr__(name: str) -> Any:
    """All that the binding has."""
    return getattr(_LIBRARY, name)
