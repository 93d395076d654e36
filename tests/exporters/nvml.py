"""A scripted NVML: cards whose every answer is written down, and what can go wrong with them.

It is what the exporter takes for the binding: constants, structures and errors are the real
binding's, so that a name it does not have fails here as it would on a host.
"""

import queue
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pynvml

KIB, MIB, GIB = 1024, 1024**2, 1024**3
TOTAL, RESERVED = 81_559 * MIB, 551 * MIB
LINKS = 2


def error(name: str) -> Exception:
    """An error of the binding by the end of its constant's name, such as `GPU_IS_LOST`."""
    found: Exception = pynvml.NVMLError(getattr(pynvml, f"NVML_ERROR_{name}"))
    return found


def struct(kind: str, **values: Any) -> Any:
    """A structure of the binding."""
    made = getattr(pynvml, kind)()
    for name, value in values.items():
        setattr(made, name, value)
    return made


def numbered(number: int, *, status: int = 0, kind: int = 3, part: str = "ullVal") -> Any:
    """A field as `nvmlDeviceGetFieldValues` fills it in."""
    made = pynvml.c_nvmlFieldValue_t()
    made.nvmlReturn, made.valueType = status, kind
    setattr(made.value, part, number)
    return made


@dataclass(slots=True, eq=False)
class Card:
    """One card, or slice of one, which is also its own handle."""

    answers: dict[Any, Any]
    fields: dict[Any, Any] = field(default_factory=dict)
    slices: dict[int, "Card"] = field(default_factory=dict)

    def says(self, function: str, *arguments: Any) -> Any:
        """The answer to this question, if there is one."""
        if function == "nvmlDeviceGetFieldValues" and function not in self.answers:
            return [self._field(one) for one in arguments[0]]
        if function == "nvmlDeviceGetMigDeviceHandleByIndex" and function not in self.answers:
            return self.slices.get(arguments[0], error("NOT_FOUND"))
        found = self.answers.get((function, *arguments), self.answers.get(function))
        return error("NOT_SUPPORTED") if found is None else found

    def _field(self, one: Any) -> Any:
        unsupported = numbered(0, status=pynvml.NVML_ERROR_NOT_SUPPORTED)
        return self.fields.get(one, unsupported)


class Scripted:
    """The library of a host with these cards."""

    def __init__(self, *cards: Card) -> None:
        self.cards: list[Any] = list(cards)
        self.asked: Counter[str] = Counter()
        self.opened = 0
        self.unopenable: Exception | None = None
        self.driver: Exception | None = None
        self.is_open = False
        self.events: queue.Queue[Any] = queue.Queue()
        self.watched: set[Card] = set()

    def __getattr__(self, name: str) -> Any:
        """Constants are the binding's; a function is a question that is looked up."""
        real = getattr(pynvml, name)
        if not callable(real) or isinstance(real, type) or not name.startswith("nvml"):
            return real
        return lambda *arguments: self._answer(name, *arguments)

    def _answer(self, name: str, *arguments: Any) -> Any:
        self.asked[name] += 1
        if not self.is_open:
            raise error("UNINITIALIZED")
        if self.driver is not None:
            raise self.driver
        if name.startswith("nvmlSystem"):
            answer = {
                "nvmlSystemGetDriverVersion": "580.95.05",
                "nvmlSystemGetCudaDriverVersion_v2": 13000,
            }[name]
        else:
            answer = arguments[0].says(name, *arguments[1:])
        while callable(answer):
            answer = answer()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def nvmlInit(self) -> None:  # noqa: N802  # the binding's name
        self.opened += 1
        if self.unopenable is not None:
            raise self.unopenable
        self.is_open = True
        self.driver = None
        self.watched = set()

    def nvmlShutdown(self) -> None:  # noqa: N802  # the binding's name
        self.is_open = False

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802  # the binding's name
        if not self.is_open:
            raise error("UNINITIALIZED")
        if self.driver is not None:
            raise self.driver
        return len(self.cards)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Card:  # noqa: N802  # the binding's name
        found = self.cards[index]
        while callable(found):
            found = found()
        if isinstance(found, Exception):
            raise found
        assert isinstance(found, Card)
        return found

    def nvmlEventSetCreate(self) -> object:  # noqa: N802  # the binding's name
        return object()

    def nvmlEventSetFree(self, _: object) -> None:  # noqa: N802  # the binding's name
        return None

    def nvmlDeviceRegisterEvents(self, card: Card, kinds: int, _: object) -> None:  # noqa: N802
        assert kinds == pynvml.nvmlEventTypeXidCriticalError
        answer = card.says("nvmlDeviceRegisterEvents")
        if isinstance(answer, Exception):
            raise answer
        self.watched.add(card)

    def nvmlEventSetWait_v2(self, _: object, wait_ms: int) -> Any:  # noqa: N802
        try:
            found = self.events.get(timeout=wait_ms / 1000)
        except queue.Empty:
            raise error("TIMEOUT") from None
        if isinstance(found, Exception):
            raise found
        return found

    def xid(self, card: Card, code: int) -> None:
        """Let the driver report an error."""
        self.events.put(Event(card, pynvml.nvmlEventTypeXidCriticalError, code))


@dataclass(frozen=True, slots=True)
class Event:
    """As the binding's structure, but with the card itself for a handle."""

    device: Card
    eventType: int  # noqa: N815  # the binding's name
    eventData: int  # noqa: N815  # the binding's name


def hangs(until: threading.Event) -> Callable[[], Any]:
    """An answer that does not come before this."""

    def wait() -> Any:
        until.wait(30)
        return error("UNKNOWN")

    return wait


def hold_back(card: Card, seconds: Mapping[int, float]) -> None:
    """Let the driver have added up this time by policy; of all others none."""
    for policy in range(6):
        card.answers["nvmlDeviceGetViolationStatus", policy] = struct(
            "c_nvmlViolationTime_t", violationTime=int(seconds.get(policy, 0) * 10**9)
        )


def h100(index: int = 0, **more: Any) -> Card:
    """A card in a server as it works: numbers of an H100, each different for each question."""
    busy = 80 + index
    used = (40_000 + 100 * index) * MIB
    clocks = {
        pynvml.NVML_CLOCK_GRAPHICS: (1755, 1980),
        pynvml.NVML_CLOCK_SM: (1740, 1980),
        pynvml.NVML_CLOCK_MEM: (2619, 2620),
        pynvml.NVML_CLOCK_VIDEO: (1545, 1815),
    }
    thresholds = {
        pynvml.NVML_TEMPERATURE_THRESHOLD_SHUTDOWN: 95,
        pynvml.NVML_TEMPERATURE_THRESHOLD_SLOWDOWN: 90,
        pynvml.NVML_TEMPERATURE_THRESHOLD_MEM_MAX: 97,
        pynvml.NVML_TEMPERATURE_THRESHOLD_GPU_MAX: 87,
    }
    corrected, uncorrected = pynvml.NVML_MEMORY_ERROR_TYPE_CORRECTED, 1
    ecc = {(corrected, 0): 7, (uncorrected, 0): 2, (corrected, 1): 19, (uncorrected, 1): 3}
    answers: dict[Any, Any] = {
        "nvmlDeviceGetUUID": f"GPU-{index:08x}-0000-4000-8000-000000000000",
        "nvmlDeviceGetName": "NVIDIA H100 80GB HBM3",
        "nvmlDeviceGetSerial": f"165432{index:04d}",
        "nvmlDeviceGetMinorNumber": index,
        "nvmlDeviceGetVbiosVersion": "96.00.89.00.01",
        "nvmlDeviceGetPciInfo": struct(
            "nvmlPciInfo_t", busId=f"00000000:{0x19 + index:02X}:00.0".encode()
        ),
        "nvmlDeviceGetUtilizationRates": struct("c_nvmlUtilization_t", gpu=busy, memory=41),
        "nvmlDeviceGetEncoderUtilization": [12, 167_000],
        "nvmlDeviceGetDecoderUtilization": [13, 167_000],
        "nvmlDeviceGetJpgUtilization": [14, 167_000],
        "nvmlDeviceGetOfaUtilization": [15, 167_000],
        "nvmlDeviceGetEncoderStats": (3, 60, 900),
        "nvmlDeviceGetPowerUsage": 412_331,
        "nvmlDeviceGetEnforcedPowerLimit": 700_000,
        "nvmlDeviceGetPowerManagementLimit": 700_000,
        "nvmlDeviceGetTotalEnergyConsumption": 81_233_012_345,
        "nvmlDeviceGetTemperatureV": 61 + index,
        "nvmlDeviceGetMarginTemperature": 26,
        "nvmlDeviceGetPerformanceState": 0,
        "nvmlDeviceGetRemappedRows": (5, 1, 1, 0),
        ("nvmlDeviceGetRetiredPages", 0): [4096, 8192],
        ("nvmlDeviceGetRetiredPages", 1): [12_288],
        "nvmlDeviceGetRetiredPagesPendingStatus": 0,
        ("nvmlDeviceGetPcieThroughput", pynvml.NVML_PCIE_UTIL_TX_BYTES): 250_000,
        ("nvmlDeviceGetPcieThroughput", pynvml.NVML_PCIE_UTIL_RX_BYTES): 750_000,
        "nvmlDeviceGetCurrPcieLinkGeneration": 4,
        "nvmlDeviceGetMaxPcieLinkGeneration": 5,
        "nvmlDeviceGetCurrPcieLinkWidth": 8,
        "nvmlDeviceGetMaxPcieLinkWidth": 16,
        "nvmlDeviceGetPcieReplayCounter": 6,
        "nvmlDeviceGetPersistenceMode": 1,
        "nvmlDeviceGetComputeMode": pynvml.NVML_COMPUTEMODE_EXCLUSIVE_PROCESS,
        "nvmlDeviceGetCurrentClocksEventReasons": pynvml.nvmlClocksEventReasonSwPowerCap,
        "nvmlDeviceGetMigMode": [0, 0],
        "nvmlDeviceGetNumFans": 1,
        ("nvmlDeviceGetFanSpeed_v2", 0): 35,
        "nvmlDeviceRegisterEvents": "registered",
        ("nvmlDeviceGetMemoryInfo", pynvml.nvmlMemory_v2): struct(
            "c_nvmlMemory_v2_t",
            total=TOTAL,
            reserved=RESERVED,
            used=used,
            free=TOTAL - RESERVED - used,
        ),
        "nvmlDeviceGetMemoryInfo": struct(
            "c_nvmlMemory_t", total=TOTAL, used=used + RESERVED, free=TOTAL - RESERVED - used
        ),
        **{("nvmlDeviceGetClockInfo", clock): now for clock, (now, _) in clocks.items()},
        **{("nvmlDeviceGetMaxClockInfo", clock): best for clock, (_, best) in clocks.items()},
        **{
            ("nvmlDeviceGetTemperatureThreshold", limit): degrees
            for limit, degrees in thresholds.items()
        },
        **{("nvmlDeviceGetTotalEccErrors", *key): count for key, count in ecc.items()},
        **{
            ("nvmlDeviceGetViolationStatus", policy): struct(
                "c_nvmlViolationTime_t", violationTime=(policy + 1) * 10**9
            )
            for policy in range(6)
        },
        ("nvmlDeviceGetNvLinkState", 0): 1,
        ("nvmlDeviceGetNvLinkState", 1): 0,
        **{
            ("nvmlDeviceGetNvLinkErrorCounter", 0, kind): 20 + kind
            for kind in range(pynvml.NVML_NVLINK_ERROR_COUNT)
        },
    }
    fields = {
        pynvml.NVML_FI_DEV_MEMORY_TEMP: numbered(70, kind=1, part="uiVal"),
        pynvml.NVML_FI_DEV_NVLINK_LINK_COUNT: numbered(LINKS, kind=1, part="uiVal"),
        (pynvml.NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_TX, 0): numbered(9_000),
        (pynvml.NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_RX, 0): numbered(8_000),
    }
    return Card({**answers, **more}, fields)


def cut(index: int = 0) -> Card:
    """An A100 in two slices: one large, one small; the positions between are free."""
    card = h100(index, nvmlDeviceGetMigMode=[1, 1], nvmlDeviceGetMaxMigDeviceCount=7)
    card.answers["nvmlDeviceGetName"] = "NVIDIA A100-SXM4-80GB"
    for name in ("UtilizationRates", "EncoderUtilization", "DecoderUtilization"):
        card.answers[f"nvmlDeviceGet{name}"] = error("NOT_SUPPORTED")
    card.slices = {0: _slice(1, 0, 3, 40_192, 42), 5: _slice(9, 0, 1, 9_728, 14)}
    return card


def _slice(instance: int, compute: int, size: int, memory_mib: int, processors: int) -> Card:
    memory = {"total": memory_mib * MIB, "used": 1000 * MIB, "free": (memory_mib - 1000) * MIB}
    return Card(
        {
            "nvmlDeviceGetName": "NVIDIA A100-SXM4-80GB",
            "nvmlDeviceGetGpuInstanceId": instance,
            "nvmlDeviceGetComputeInstanceId": compute,
            "nvmlDeviceGetAttributes_v2": struct(
                "c_nvmlDeviceAttributes",
                multiprocessorCount=processors,
                gpuInstanceSliceCount=size,
                computeInstanceSliceCount=size,
                memorySizeMB=memory_mib,
            ),
            "nvmlDeviceGetMemoryInfo": struct("c_nvmlMemory_t", **memory),
            (
                "nvmlDeviceGetMemoryErrorCounter",
                pynvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED,
                pynvml.NVML_VOLATILE_ECC,
                pynvml.NVML_MEMORY_LOCATION_SRAM,
            ): 4,
        }
    )
