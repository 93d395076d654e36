"""Slices of a card (MIG): what exists of each; utilisation and power do not."""

import math
from collections.abc import Iterator
from typing import Any

from exporters.gpu.facts import Fact
from exporters.gpu.fields import Asking
from exporters.gpu.library import known
from modelwatch.catalogue import gpu as series

MOST_SLICES = 64
_EIGHTHS = 8
_MIB, _GIB = 1024**2, 1024**3
_MEMORY = {
    series.GPU_EXPORTER_MIG_MEMORY_USED: "used",
    series.GPU_EXPORTER_MIG_MEMORY_FREE: "free",
    series.GPU_EXPORTER_MIG_MEMORY_TOTAL: "total",
}


def slices(ask: Asking) -> Iterator[Fact]:
    """Whether the card is cut into slices, and what each of them says."""
    modes = ask("nvmlDeviceGetMigMode")
    if modes is None:
        return
    enabled = modes[0] == ask.library.constant("NVML_DEVICE_MIG_ENABLE")
    yield Fact(series.GPU_EXPORTER_MIG_ENABLED, float(enabled))
    if not enabled:
        return
    whole = getattr(ask("nvmlDeviceGetMemoryInfo"), "total", 0)
    count = known(ask("nvmlDeviceGetMaxMigDeviceCount")) or 0
    for position in range(min(int(count), MOST_SLICES)):
        handle = ask("nvmlDeviceGetMigDeviceHandleByIndex", position)
        if handle is not None:  # positions need not be taken
            yield from _slice(Asking(ask.library, handle), whole)


def _slice(ask: Asking, whole_bytes: int) -> Iterator[Fact]:
    ids = ask("nvmlDeviceGetGpuInstanceId"), ask("nvmlDeviceGetComputeInstanceId")
    if known(ids[0]) is None:
        return
    own = (str(ids[0]), "" if known(ids[1]) is None else str(ids[1]), profile(ask, whole_bytes))
    memory = ask("nvmlDeviceGetMemoryInfo", "nvmlMemory_v2") or ask("nvmlDeviceGetMemoryInfo")
    for metric, part in _MEMORY.items():
        value = known(getattr(memory, part, None))
        if value is not None:
            yield Fact(metric, value, own)
    attributes = ask("nvmlDeviceGetAttributes_v2")
    processors = known(getattr(attributes, "multiprocessorCount", None))
    if processors is not None:
        yield Fact(series.GPU_EXPORTER_MIG_PROCESSORS, processors, own)
    errors = known(
        ask(
            "nvmlDeviceGetMemoryErrorCounter",
            "NVML_MEMORY_ERROR_TYPE_UNCORRECTED",
            "NVML_VOLATILE_ECC",
            "NVML_MEMORY_LOCATION_SRAM",
        )
    )
    if errors is not None:
        yield Fact(series.GPU_EXPORTER_MIG_ECC_TOTAL, errors, own)


def profile(ask: Asking, whole_bytes: int) -> str:
    """Size of a slice as people know it, such as `1g.10gb`; empty where it cannot be told.

    The driver says it at the end of the name. Where it does not, it is computed: memory counts in
    eighths of the card, rounded up. Source: how NVIDIA's container toolkit names profiles.
    """
    _, found, told = str(ask("nvmlDeviceGetName") or "").partition(" MIG ")
    if found:
        return told.strip()
    size: Any = ask("nvmlDeviceGetAttributes_v2")
    if size is None or not whole_bytes:
        return ""
    share = math.ceil(size.memorySizeMB * _MIB / whole_bytes * _EIGHTHS) / _EIGHTHS
    gigabytes = math.floor(share * math.ceil(whole_bytes / _GIB) + 0.5)
    slices_ = f"{size.gpuInstanceSliceCount}g.{gigabytes}gb"
    part = size.computeInstanceSliceCount
    return slices_ if part == size.gpuInstanceSliceCount else f"{part}c.{slices_}"
