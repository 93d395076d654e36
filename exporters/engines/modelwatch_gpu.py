"""Our own GPU exporter (`exporters/gpu`), for hosts without DCGM."""

from modelwatch.catalogue.gpu import (
    GPU_EXPORTER_ECC_TOTAL,
    GPU_EXPORTER_MEMORY_TOTAL,
    GPU_EXPORTER_MEMORY_USED,
    GPU_EXPORTER_POWER,
    GPU_EXPORTER_POWER_LIMIT,
    GPU_EXPORTER_TEMPERATURE,
    GPU_EXPORTER_THROTTLED,
    GPU_EXPORTER_UTILIZATION,
    GPU_EXPORTER_XID_TOTAL,
)
from modelwatch.engine import Counter, Engine, Gauge, Page

_GAUGES = {
    "gpu_utilization": GPU_EXPORTER_UTILIZATION,
    "gpu_memory_used": GPU_EXPORTER_MEMORY_USED,
    "gpu_memory_total": GPU_EXPORTER_MEMORY_TOTAL,
    "gpu_power": GPU_EXPORTER_POWER,
    "gpu_power_limit": GPU_EXPORTER_POWER_LIMIT,
    "gpu_temperature": GPU_EXPORTER_TEMPERATURE,
    "gpu_throttled": GPU_EXPORTER_THROTTLED,
}

ENGINE = Engine(
    name="modelwatch_gpu",
    title="modelwatch GPU exporter",
    versions=("1",),
    port=9465,
    kind="gpu",
    host_labels=("host",),
    gpu_label="gpu",
    rows=(
        *(
            Gauge(signal=signal, names=(metric.name,), across="max")
            for signal, metric in _GAUGES.items()
        ),
        Counter(signal="gpu_xid", names=(GPU_EXPORTER_XID_TOTAL.name,)),
        Counter(signal="gpu_ecc", names=(GPU_EXPORTER_ECC_TOTAL.name,)),
    ),
    first_checks={
        "gpu_xid": (
            "Look the code up in NVIDIA's list of XID errors; drain the host on 48 or 79.",
        ),
        "gpu_temperature": ("Compare with the other cards of the host: one card or the room?",),
        "gpu_throttled": ("Which reason adds up its seconds: heat, or the power limit?",),
    },
    notes=(
        "A card is known by its UUID; its number, model and driver are on its info metric.",
        "A card that does not answer says why under a reason: lost, hung, driver and others.",
        "XID errors are counted by code while the exporter runs.",
        "Slices of a card (MIG) have their own memory and no utilisation.",
        "With `--names dcgm` it serves the names of dcgm-exporter: then it is that engine here.",
    ),
    pages=(
        Page(file="modelwatch_gpu-1.prom", version="1"),
        Page(file="modelwatch_gpu-1-mig.prom", version="1, a card in slices"),
    ),
)
