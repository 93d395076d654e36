"""What is asked of each card, as a table: metric, NVML's question, unit.

Names of constants are looked up in the binding, so that an older one costs only what it lacks.
Source of units: NVIDIA's NVML API Reference Guide, Device Queries.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from exporters.gpu.facts import Fact
from exporters.gpu.library import Library, known
from modelwatch.catalogue import gpu as series
from modelwatch.catalogue.metric import Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One fact: `function(handle, *arguments)`, of its answer the `part`, times and divided.

    Arguments are names of constants or numbers. `part` is an attribute, a position or the whole
    answer; `unknown` names a constant that stands for "no value" here.
    """

    metric: Metric
    own: tuple[str, ...] = ()
    function: str
    arguments: tuple[str | int, ...] = ()
    part: str | int | None = None
    times: float = 1
    divided: float = 1
    unknown: str = ""


class Asking:
    """Questions about one card in one scrape; each is asked once, however many facts need it."""

    def __init__(self, library: Library, handle: Any) -> None:
        self.library = library
        self.handle = handle
        self._answers: dict[tuple[Any, ...], Any] = {}

    def __call__(self, function: str, *arguments: str | int) -> Any:
        """The answer, or None. Constants are given by name."""
        question = (function, *arguments)
        if question not in self._answers:
            values = [
                self.library.constant(one) if isinstance(one, str) else one for one in arguments
            ]
            missing = None in values
            self._answers[question] = (
                None if missing else self.library.ask(function, self.handle, *values)
            )
        return self._answers[question]

    def number(self, row: Row) -> float | None:
        """The number of a row, in base units."""
        answer = self(row.function, *row.arguments)
        if isinstance(row.part, str):
            answer = getattr(answer, row.part, None)
        elif row.part is not None and answer is not None:
            answer = answer[row.part]
        if row.unknown and answer == self.library.constant(row.unknown):
            return None
        value = known(answer)
        return None if value is None else value * row.times / row.divided


def _each(metric: Metric, function: str, constants: dict[str, str], **more: Any) -> tuple[Row, ...]:
    """One row per label value, which is an argument of the question."""
    return tuple(
        Row(metric=metric, own=(value,), function=function, arguments=(constant,), **more)
        for value, constant in constants.items()
    )


def _ecc(metric: Metric, kind: str, counter: str, *own: str) -> Row:
    return Row(
        metric=metric,
        own=own,
        function="nvmlDeviceGetTotalEccErrors",
        arguments=(f"NVML_MEMORY_ERROR_TYPE_{kind}", f"NVML_{counter}_ECC"),
    )


_CLOCKS = {
    "graphics": "NVML_CLOCK_GRAPHICS",
    "sm": "NVML_CLOCK_SM",
    "memory": "NVML_CLOCK_MEM",
    "video": "NVML_CLOCK_VIDEO",
}
_LIMITS = {
    "shutdown": "NVML_TEMPERATURE_THRESHOLD_SHUTDOWN",
    "slowdown": "NVML_TEMPERATURE_THRESHOLD_SLOWDOWN",
    "memory_max": "NVML_TEMPERATURE_THRESHOLD_MEM_MAX",
    "gpu_max": "NVML_TEMPERATURE_THRESHOLD_GPU_MAX",
}
_MEDIA = {
    "encoder": "nvmlDeviceGetEncoderUtilization",
    "decoder": "nvmlDeviceGetDecoderUtilization",
    "jpeg": "nvmlDeviceGetJpgUtilization",
    "ofa": "nvmlDeviceGetOfaUtilization",
}
_DIRECTIONS = {"transmit": "NVML_PCIE_UTIL_TX_BYTES", "receive": "NVML_PCIE_UTIL_RX_BYTES"}
_REMAPPED = "nvmlDeviceGetRemappedRows"
_BUSY = "nvmlDeviceGetUtilizationRates"

ROWS: tuple[Row, ...] = (
    Row(metric=series.GPU_EXPORTER_UTILIZATION, function=_BUSY, part="gpu", divided=100),
    Row(metric=series.GPU_EXPORTER_MEMORY_BANDWIDTH, function=_BUSY, part="memory", divided=100),
    *(
        Row(metric=series.GPU_EXPORTER_MEDIA, own=(engine,), function=name, part=0, divided=100)
        for engine, name in _MEDIA.items()
    ),
    Row(metric=series.GPU_EXPORTER_ENCODER_SESSIONS, function="nvmlDeviceGetEncoderStats", part=0),
    # Milliwatts and millijoules.
    Row(metric=series.GPU_EXPORTER_POWER, function="nvmlDeviceGetPowerUsage", divided=1000),
    Row(
        metric=series.GPU_EXPORTER_POWER_LIMIT,
        function="nvmlDeviceGetEnforcedPowerLimit",
        divided=1000,
    ),
    Row(
        metric=series.GPU_EXPORTER_POWER_SET,
        function="nvmlDeviceGetPowerManagementLimit",
        divided=1000,
    ),
    Row(
        metric=series.GPU_EXPORTER_ENERGY_TOTAL,
        function="nvmlDeviceGetTotalEnergyConsumption",
        divided=1000,
    ),
    *_each(series.GPU_EXPORTER_TEMPERATURE_LIMIT, "nvmlDeviceGetTemperatureThreshold", _LIMITS),
    Row(metric=series.GPU_EXPORTER_TEMPERATURE_MARGIN, function="nvmlDeviceGetMarginTemperature"),
    # Megahertz.
    *_each(series.GPU_EXPORTER_CLOCK, "nvmlDeviceGetClockInfo", _CLOCKS, times=1e6),
    *_each(series.GPU_EXPORTER_CLOCK_MAX, "nvmlDeviceGetMaxClockInfo", _CLOCKS, times=1e6),
    Row(
        metric=series.GPU_EXPORTER_PERFORMANCE_STATE,
        function="nvmlDeviceGetPerformanceState",
        unknown="NVML_PSTATE_UNKNOWN",
    ),
    _ecc(series.GPU_EXPORTER_ECC_TOTAL, "UNCORRECTED", "VOLATILE"),
    _ecc(series.GPU_EXPORTER_ECC_CORRECTED_TOTAL, "CORRECTED", "VOLATILE"),
    _ecc(series.GPU_EXPORTER_ECC_LIFETIME_TOTAL, "CORRECTED", "AGGREGATE", "corrected"),
    _ecc(series.GPU_EXPORTER_ECC_LIFETIME_TOTAL, "UNCORRECTED", "AGGREGATE", "uncorrected"),
    Row(
        metric=series.GPU_EXPORTER_REMAPPED_ROWS_TOTAL,
        own=("correctable",),
        function=_REMAPPED,
        part=0,
    ),
    Row(
        metric=series.GPU_EXPORTER_REMAPPED_ROWS_TOTAL,
        own=("uncorrectable",),
        function=_REMAPPED,
        part=1,
    ),
    Row(metric=series.GPU_EXPORTER_REMAP_PENDING, function=_REMAPPED, part=2),
    Row(metric=series.GPU_EXPORTER_REMAP_FAILED, function=_REMAPPED, part=3),
    Row(
        metric=series.GPU_EXPORTER_RETIREMENT_PENDING,
        function="nvmlDeviceGetRetiredPagesPendingStatus",
    ),
    # Kilobytes per second.
    *_each(
        series.GPU_EXPORTER_PCIE_THROUGHPUT,
        "nvmlDeviceGetPcieThroughput",
        _DIRECTIONS,
        times=1000,
    ),
    Row(
        metric=series.GPU_EXPORTER_PCIE_GENERATION,
        function="nvmlDeviceGetCurrPcieLinkGeneration",
    ),
    Row(
        metric=series.GPU_EXPORTER_PCIE_GENERATION_MAX,
        function="nvmlDeviceGetMaxPcieLinkGeneration",
    ),
    Row(metric=series.GPU_EXPORTER_PCIE_WIDTH, function="nvmlDeviceGetCurrPcieLinkWidth"),
    Row(metric=series.GPU_EXPORTER_PCIE_WIDTH_MAX, function="nvmlDeviceGetMaxPcieLinkWidth"),
    Row(metric=series.GPU_EXPORTER_PCIE_REPLAYS_TOTAL, function="nvmlDeviceGetPcieReplayCounter"),
    Row(metric=series.GPU_EXPORTER_PERSISTENCE, function="nvmlDeviceGetPersistenceMode"),
)


def table(ask: Asking) -> Iterator[Fact]:
    """The facts of the table."""
    for row in ROWS:
        value = ask.number(row)
        if value is not None:
            yield Fact(row.metric, value, row.own)
