"""What a card says in answers that take more than a row to read."""

from collections.abc import Iterator
from typing import Any

from exporters.gpu.facts import Fact
from exporters.gpu.fields import Asking
from exporters.gpu.library import known
from modelwatch.catalogue import gpu as series
from modelwatch.catalogue.metric import Metric

_KIB = 1024
MOST_FANS = 16

REASONS = {
    "gpu_idle": "GpuIdle",
    "applications_clocks_setting": "ApplicationsClocksSetting",
    "sw_power_cap": "SwPowerCap",
    "hw_slowdown": "HwSlowdown",
    "sync_boost": "SyncBoost",
    "sw_thermal_slowdown": "SwThermalSlowdown",
    "hw_thermal_slowdown": "HwThermalSlowdown",
    "hw_power_brake_slowdown": "HwPowerBrakeSlowdown",
    "display_clock_setting": "DisplayClockSetting",
}
"""Reason to what follows `nvmlClocksEventReason` in NVML, where it is one bit."""

POLICIES = ("power", "thermal", "sync_boost", "board_limit", "low_utilization", "reliability")
"""Reasons whose time the driver adds up, as in `NVML_PERF_POLICY_*`."""

_MODES = ("default", "exclusive_thread", "prohibited", "exclusive_process")
"""As numbered in `NVML_COMPUTEMODE_*`."""

_LINK_ERRORS = {
    "replay": "NVML_NVLINK_ERROR_DL_REPLAY",
    "recovery": "NVML_NVLINK_ERROR_DL_RECOVERY",
    "crc_flit": "NVML_NVLINK_ERROR_DL_CRC_FLIT",
    "crc_data": "NVML_NVLINK_ERROR_DL_CRC_DATA",
    "ecc_data": "NVML_NVLINK_ERROR_DL_ECC_DATA",
}
_LINK_BYTES = {
    "transmit": "NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_TX",
    "receive": "NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_RX",
}
_VALUES = {
    "NVML_VALUE_TYPE_DOUBLE": "dVal",
    "NVML_VALUE_TYPE_UNSIGNED_INT": "uiVal",
    "NVML_VALUE_TYPE_UNSIGNED_LONG": "ulVal",
    "NVML_VALUE_TYPE_UNSIGNED_LONG_LONG": "ullVal",
    "NVML_VALUE_TYPE_SIGNED_LONG_LONG": "sllVal",
    "NVML_VALUE_TYPE_SIGNED_INT": "siVal",
    "NVML_VALUE_TYPE_UNSIGNED_SHORT": "usVal",
}


def memory(ask: Asking) -> Iterator[Fact]:
    """Bytes. Older drivers count what they keep for themselves as used."""
    answer = ask("nvmlDeviceGetMemoryInfo", "nvmlMemory_v2") or ask("nvmlDeviceGetMemoryInfo")
    parts = {
        series.GPU_EXPORTER_MEMORY_USED: "used",
        series.GPU_EXPORTER_MEMORY_FREE: "free",
        series.GPU_EXPORTER_MEMORY_RESERVED: "reserved",
        series.GPU_EXPORTER_MEMORY_TOTAL: "total",
    }
    for metric, part in parts.items():
        yield from _if_known(metric, getattr(answer, part, None))


def temperature(ask: Asking) -> Iterator[Fact]:
    """Degrees Celsius; the second question is the one that older drivers know."""
    value = ask("nvmlDeviceGetTemperatureV", "NVML_TEMPERATURE_GPU")
    if value is None:
        value = ask("nvmlDeviceGetTemperature", "NVML_TEMPERATURE_GPU")
    yield from _if_known(series.GPU_EXPORTER_TEMPERATURE, value)
    memory_value = fields(ask, "NVML_FI_DEV_MEMORY_TEMP")[0]
    if memory_value:  # cards whose memory has no sensor say 0
        yield Fact(series.GPU_EXPORTER_MEMORY_TEMPERATURE, memory_value)


def throttling(ask: Asking) -> Iterator[Fact]:
    """Why the clocks are held back now, and for how long they were."""
    now = ask("nvmlDeviceGetCurrentClocksEventReasons")
    if now is None:
        now = ask("nvmlDeviceGetCurrentClocksThrottleReasons")
    if known(now) is not None:
        for reason, name in REASONS.items():
            bit = ask.library.constant(f"nvmlClocksEventReason{name}")
            bit = bit or ask.library.constant(f"nvmlClocksThrottleReason{name}")
            if bit:
                active = float(bool(int(now) & bit))
                yield Fact(series.GPU_EXPORTER_THROTTLE_REASON, active, (reason,))
    for policy in POLICIES:
        # Nanoseconds either way. The first question ends with CUDA 14, the second began later.
        status = ask("nvmlDeviceGetViolationStatus", f"NVML_PERF_POLICY_{policy.upper()}")
        spent = known(getattr(status, "violationTime", None))
        if spent is None:
            spent = fields(ask, f"NVML_FI_DEV_PERF_POLICY_{policy.upper()}")[0]
        if spent is not None:
            yield Fact(series.GPU_EXPORTER_THROTTLED_SECONDS, spent / 1e9, (policy,))


def retired_pages(ask: Asking) -> Iterator[Fact]:
    """Pages taken out of use: cards from before row remapping."""
    causes = {
        "single_bit": "NVML_PAGE_RETIREMENT_CAUSE_MULTIPLE_SINGLE_BIT_ECC_ERRORS",
        "double_bit": "NVML_PAGE_RETIREMENT_CAUSE_DOUBLE_BIT_ECC_ERROR",
    }
    for cause, constant in causes.items():
        pages = ask("nvmlDeviceGetRetiredPages", constant)
        if pages is not None:
            yield Fact(series.GPU_EXPORTER_RETIRED_PAGES_TOTAL, len(pages), (cause,))


def fans(ask: Asking) -> Iterator[Fact]:
    """Percent of the greatest speed; cards in servers have none."""
    count = known(ask("nvmlDeviceGetNumFans"))
    for fan in range(min(int(count or 0), MOST_FANS)):
        speed = known(ask("nvmlDeviceGetFanSpeed_v2", fan))
        if speed is not None:
            yield Fact(series.GPU_EXPORTER_FAN, speed / 100, (str(fan),))


def compute_mode(ask: Asking) -> Iterator[Fact]:
    """Who may use the card."""
    mode = ask("nvmlDeviceGetComputeMode")
    if mode in range(len(_MODES)):
        yield Fact(series.GPU_EXPORTER_COMPUTE_MODE, 1.0, (_MODES[mode],))


def links(ask: Asking) -> Iterator[Fact]:
    """NVLinks, of which inactive ones count nothing."""
    count = fields(ask, "NVML_FI_DEV_NVLINK_LINK_COUNT")[0]
    most = ask.library.constant("NVML_NVLINK_MAX_LINKS") if count is None else count
    for link in range(int(most or 0)):
        state = known(ask("nvmlDeviceGetNvLinkState", link))
        if state is None and count is None:
            return  # a card without links, or the first that it does not have
        if state is None:
            continue
        yield Fact(series.GPU_EXPORTER_NVLINK_UP, float(state == 1), (str(link),))
        if state == 1:
            yield from _link(ask, link)


def _link(ask: Asking, link: int) -> Iterator[Fact]:
    carried = fields(ask, *((name, link) for name in _LINK_BYTES.values()))
    for direction, kib in zip(_LINK_BYTES, carried, strict=True):
        if kib is not None:
            own = (str(link), direction)
            yield Fact(series.GPU_EXPORTER_NVLINK_BYTES_TOTAL, kib * _KIB, own)
    for kind, constant in _LINK_ERRORS.items():
        errors = known(ask("nvmlDeviceGetNvLinkErrorCounter", link, constant))
        if errors is not None:
            yield Fact(series.GPU_EXPORTER_NVLINK_ERRORS_TOTAL, errors, (str(link), kind))


def fields(ask: Asking, *wanted: str | tuple[str, int]) -> list[float | None]:
    """Values of NVML's numbered fields, by the names of their constants; of a link, with it."""
    named = [(one, None) if isinstance(one, str) else one for one in wanted]
    numbers = [ask.library.constant(name) for name, _ in named]
    if None in numbers:
        return [None] * len(wanted)
    asked = [
        number if link is None else (number, link)
        for number, (_, link) in zip(numbers, named, strict=True)
    ]
    answer = ask.library.ask("nvmlDeviceGetFieldValues", ask.handle, asked)
    return [None] * len(wanted) if answer is None else [_value(ask, one) for one in answer]


def _value(ask: Asking, field: Any) -> float | None:
    if field.nvmlReturn != ask.library.constant("NVML_SUCCESS"):
        return None
    for kind, part in _VALUES.items():
        if field.valueType == ask.library.constant(kind):
            return known(getattr(field.value, part))
    return None


def _if_known(metric: Metric, value: Any) -> Iterator[Fact]:
    number = known(value)
    if number is not None:
        yield Fact(metric, number)


GROUPS = (memory, temperature, throttling, retired_pages, fans, compute_mode, links)
