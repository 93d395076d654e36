"""Our own GPU exporter, for hosts without DCGM."""

from modelwatch.catalogue.exposed import (
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
    pages=(Page(file="modelwatch_gpu-1.prom", version="1"),),
)
