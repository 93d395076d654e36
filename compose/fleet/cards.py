"""Two simulated cards behind NVML's Python interface: `--library compose.fleet.cards`.

A module that stands in for `pynvml`: its functions are named as there, its constants, structures
and errors are the binding's own. All but heat follows from the time, so that two processes see the
same cards. What no card of this kind has is not supported. With the environment variable
`MODELWATCH_FLEET_CONTROL` it asks the fleet's control page for incidents: `card-hot` and
`card-lost` befall the second card, `card-xid` the first.
"""

import json
import math
import os
import threading
import time
import urllib.request
from types import SimpleNamespace
from typing import Any

import pynvml

from compose.fleet.traffic import MONDAY_TO_TUESDAY_TEN, WEEK_H, season

CONTROL = "MODELWATCH_FLEET_CONTROL"
CARDS, SICK = 2, 1
XIDS = {"card-lost": (SICK, 79), "card-xid": (0, 94)}
"""Incidents in which a card reports an error, once: 79 is off the bus, 94 a contained memory error
that stops the program which met it and leaves the card at work."""

MIB = 1024**2
MEMORY, RESERVED = 23_034 * MIB, 520 * MIB
IDLE_W, LIMIT_W = 17.0, 72.0
LOOK_EVERY_S = 1.0
_BEGAN = time.time() - 3600
"""An hour before the start: counters have counted already."""

_clock = time.time
_lock = threading.Lock()
_seen: dict[str, Any] = {"at": 0.0, "names": frozenset()}
_told: set[str] = set()
_heat = {"at": _BEGAN, "seconds": 0.0}

NVMLError = pynvml.NVMLError


def busy(card: int, at: float) -> float:
    """Share of time a card is busy: the hour of the week, and waves of some minutes."""
    hour = (MONDAY_TO_TUESDAY_TEN + (at - _BEGAN) / 3600) % WEEK_H
    wave = math.sin(at / 47 + 2 * card) * math.sin(at / 311 + card)
    return min(0.99, max(0.02, season(hour) * (0.75 - 0.15 * card) + 0.12 * wave))


def incidents() -> frozenset[str]:
    """What goes on in the fleet; asked once a second at most, and nothing if nobody answers."""
    url = os.environ.get(CONTROL)
    if not url:
        return frozenset()
    with _lock:
        if _clock() - _seen["at"] >= LOOK_EVERY_S:
            _seen["at"] = _clock()
            try:
                with urllib.request.urlopen(f"{url}/incident", timeout=0.3) as reply:  # noqa: S310
                    known = json.load(reply)
                _seen["names"] = frozenset(one for one in known if known[one]["active"])
            except (OSError, ValueError):  # the fleet is being started or ended
                _seen["names"] = frozenset()
        names: frozenset[str] = _seen["names"]
        return names


def nvmlInit() -> None:  # noqa: N802  # the binding's name, as all below
    """There is nothing to open."""


def nvmlShutdown() -> None:  # noqa: N802
    """There is nothing to close."""


def nvmlSystemGetDriverVersion() -> str:  # noqa: N802
    """Version of the driver."""
    return "580.95.05"


def nvmlSystemGetCudaDriverVersion_v2() -> int:  # noqa: N802
    """Newest CUDA that the driver runs."""
    return 13_000


def nvmlDeviceGetCount() -> int:  # noqa: N802
    """A lost card is counted until NVML is opened again; here it is never."""
    return CARDS


def nvmlDeviceGetHandleByIndex(index: int) -> int:  # noqa: N802
    """A handle is the card's number."""
    if index == SICK and "card-lost" in incidents():
        raise NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)
    return index


def nvmlEventSetCreate() -> object:  # noqa: N802
    """A set of which nothing is known but that it is there."""
    return object()


def nvmlDeviceRegisterEvents(*_: object) -> None:  # noqa: N802
    """XID errors are supported."""


def nvmlEventSetWait_v2(_: object, wait_ms: int) -> SimpleNamespace:  # noqa: N802
    """A wait in vain, unless a card has just met an error."""
    going_on = incidents()
    with _lock:
        news = next((one for one in XIDS if one in going_on and one not in _told), None)
        _told.intersection_update(going_on)
        if news:
            _told.add(news)
    if news:
        card, code = XIDS[news]
        kind = pynvml.nvmlEventTypeXidCriticalError
        return SimpleNamespace(device=card, eventType=kind, eventData=code)
    time.sleep(wait_ms / 1000)
    raise NVMLError(pynvml.NVML_ERROR_TIMEOUT)


def _memory(card: int, version: int | None = None) -> Any:
    made = pynvml.c_nvmlMemory_v2_t() if version else pynvml.c_nvmlMemory_t()
    used = round(MEMORY * (0.71 - 0.2 * card)) // MIB * MIB
    made.total, made.used, made.free = MEMORY, used, MEMORY - RESERVED - used
    if version:
        made.reserved = RESERVED
    else:
        made.used += RESERVED
    return made


def _processes(card: int) -> list[Any]:
    """The only process that is surely there is this one; it is of no model."""
    used = round(MEMORY * (0.71 - 0.2 * card)) - RESERVED
    return [pynvml.c_nvmlProcessInfo_v3_t(pid=os.getpid(), usedGpuMemory=used)]


def _utilization(card: int) -> Any:
    share = busy(card, _clock())
    return pynvml.c_nvmlUtilization_t(round(100 * share), round(55 * share))


def _watts(card: int) -> float:
    return IDLE_W + busy(card, _clock()) * (LIMIT_W - IDLE_W)


def _hot(card: int) -> bool:
    return card == SICK and "card-hot" in incidents()


def _violation(card: int, policy: int) -> Any:
    """Nanoseconds; a hot card is held back four tenths of the time."""
    held = _heated() if card == SICK and policy == pynvml.NVML_PERF_POLICY_THERMAL else 0.0
    return pynvml.c_nvmlViolationTime_t(round(_clock() * 1e6), round(held * 1e9))


def _heated() -> float:
    """Seconds that heat has held the second card back, as far as anybody looked."""
    hot = _hot(SICK)
    with _lock:
        now = _clock()
        _heat["seconds"] += 0.4 * (now - _heat["at"]) if hot else 0.0
        _heat["at"] = now
        return _heat["seconds"]


def _clock_mhz(card: int, kind: int) -> int:
    fastest = {pynvml.NVML_CLOCK_MEM: 6251, pynvml.NVML_CLOCK_VIDEO: 1770}.get(kind, 2040)
    return round(fastest * (0.6 if _hot(card) else 1))


ANSWERS: dict[str, Any] = {
    "nvmlDeviceGetUUID": lambda card: f"GPU-{card:08d}-5eed-4000-8000-0000000000de",
    "nvmlDeviceGetName": lambda _: "NVIDIA L4",
    "nvmlDeviceGetMinorNumber": lambda card: card,
    "nvmlDeviceGetVbiosVersion": lambda _: "95.04.29.00.06",
    "nvmlDeviceGetPciInfo": lambda card: pynvml.nvmlPciInfo_t(
        busId=f"00000000:{card + 1:02X}:00.0".encode()
    ),
    "nvmlDeviceGetMemoryInfo": _memory,
    "nvmlDeviceGetComputeRunningProcesses": _processes,
    "nvmlDeviceGetUtilizationRates": _utilization,
    "nvmlDeviceGetPowerUsage": lambda card: round(1000 * _watts(card)),
    "nvmlDeviceGetEnforcedPowerLimit": lambda _: round(1000 * LIMIT_W),
    "nvmlDeviceGetPowerManagementLimit": lambda _: round(1000 * LIMIT_W),
    "nvmlDeviceGetTotalEnergyConsumption": lambda card: round(
        1000 * (_clock() - _BEGAN) * (IDLE_W + 0.5 * (LIMIT_W - IDLE_W) * (1 - 0.2 * card))
    ),
    "nvmlDeviceGetTemperature": lambda card, _: (
        93 if _hot(card) else round(34 + 36 * busy(card, _clock()))
    ),
    "nvmlDeviceGetTemperatureThreshold": lambda _, limit: {0: 98, 1: 95, 3: 88}.get(limit),
    "nvmlDeviceGetClockInfo": _clock_mhz,
    "nvmlDeviceGetMaxClockInfo": lambda _, kind: _clock_mhz(0, kind),
    "nvmlDeviceGetCurrentClocksEventReasons": lambda card: (
        pynvml.nvmlClocksEventReasonSwThermalSlowdown if _hot(card) else 0
    ),
    "nvmlDeviceGetViolationStatus": _violation,
    "nvmlDeviceGetTotalEccErrors": lambda *_: 0,
    "nvmlDeviceGetRemappedRows": lambda _: (0, 0, 0, 0),
    "nvmlDeviceGetPcieReplayCounter": lambda _: 0,
    "nvmlDeviceGetCurrPcieLinkGeneration": lambda _: 4,
    "nvmlDeviceGetMaxPcieLinkGeneration": lambda _: 4,
    "nvmlDeviceGetCurrPcieLinkWidth": lambda _: 16,
    "nvmlDeviceGetMaxPcieLinkWidth": lambda _: 16,
    "nvmlDeviceGetPerformanceState": lambda _: 0,
    "nvmlDeviceGetPersistenceMode": lambda _: 1,
    "nvmlDeviceGetComputeMode": lambda _: 0,
}
"""Function of the binding to what these cards say."""


def __getattr__(name: str) -> Any:
    """Constants are the binding's; a function that these cards do not know is not supported."""
    real = getattr(pynvml, name)
    if name in ANSWERS:
        return ANSWERS[name]
    if not callable(real) or isinstance(real, type):
        return real

    def unsupported(*_: object) -> None:
        raise NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

    return unsupported
