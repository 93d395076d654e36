"""AMD Device Metrics Exporter: version 1.5, on MI200 and MI300 cards."""

from modelwatch.engine import Counter, Engine, Expression, Gauge, Page, Unit

_HELD_BACK = tuple(
    f"gpu_violation_{reason}_residency_percentage"
    for reason in ("ppt", "processor_hot", "socket_thermal", "vr_thermal", "hbm_thermal")
)
# Series that lose their name are told apart by the reason.
_REASONS = "\n  or ".join(
    f'label_replace({name}, "reason", "{name}", "", "")' for name in _HELD_BACK
)

ENGINE = Engine(
    name="amd_device_metrics_exporter",
    title="AMD Device Metrics Exporter",
    versions=("1.5.1",),
    port=5000,
    kind="gpu",
    host_labels=("hostname",),
    gpu_label="gpu_id",
    rows=(
        Gauge(
            signal="gpu_utilization",
            names=("gpu_gfx_activity",),
            unit=Unit.PERCENT,
            across="max",
        ),
        Gauge(
            signal="gpu_memory_used",
            names=("gpu_used_vram",),
            unit=Unit.MEBIBYTES,
            across="max",
        ),
        Gauge(
            signal="gpu_memory_total",
            names=("gpu_total_vram",),
            unit=Unit.MEBIBYTES,
            across="max",
        ),
        Gauge(
            signal="gpu_power",
            names=("gpu_package_power", "gpu_average_package_power", "gpu_power_usage"),
            across="max",
        ),
        Gauge(
            signal="gpu_temperature",
            names=("gpu_junction_temperature", "gpu_edge_temperature"),
            across="max",
        ),
        Expression(
            signal="gpu_throttled",
            expr=f"""
clamp_max(sum by (job, instance, hostname, gpu_id) (
  {_REASONS}
) * 0.01, 1)
            """,
            metrics=_HELD_BACK,
            across="max",
        ),
        Counter(signal="gpu_ecc", names=("gpu_ecc_uncorrect_total",)),
    ),
    unavailable={
        "gpu_power_limit": "the exporter does not tell the power limit; see `amd-smi static`",
        "gpu_xid": "XID codes are NVIDIA's; AMD numbers its events otherwise (gpu_afid_errors), "
        "and uncorrectable memory errors are counted here",
    },
    first_checks={
        "gpu_ecc": (
            "Look up gpu_afid_errors in AMD's list of field identifiers.",
            "Drain the host when gpu_health is 0.",
        ),
        "gpu_temperature": ("Compare with the other cards of the host: one card or the room?",),
        "gpu_throttled": ("Look at the gpu_violation_* metrics: the power limit (ppt), or heat?",),
    },
    notes=(
        "Everything is a gauge, counts too; memory said to be in MB is in MiB.",
        "Temperature is the hotspot of MI300 cards and the cooler edge of MI200 cards.",
        "Only MI300 cards say that they are held back by heat or power; MI200 cards have no row.",
        "A guest of a hypervisor sees no power, memory in use or violations.",
        "In partition modes only the first partition has the values of the whole card.",
        "Leave the exporter's MetricsFieldPrefix empty: it renames every metric.",
        "The port is also that of the CloudWatch exporter YACE.",
    ),
    pages=(
        Page(file="amd_device_metrics_exporter-1.5.prom", version="1.5.1, MI300X"),
        Page(file="amd_device_metrics_exporter-1.5-mi250.prom", version="1.5.1, MI250"),
    ),
)
