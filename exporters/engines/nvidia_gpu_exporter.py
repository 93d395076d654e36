"""nvidia_gpu_exporter (around nvidia-smi): version 1.14, new and old drivers."""

from modelwatch.engine import Counter, Engine, Expression, Gauge, Page

_HELD_BACK = (
    "hw_thermal_slowdown",
    "sw_thermal_slowdown",
    "hw_power_brake_slowdown",
    "sw_power_cap",
)
# New drivers say `event` where old ones say `throttle`.
_FLAGS = {
    f"nvidia_smi_clocks_{word}_reasons_{reason}": reason
    for word in ("event", "throttle")
    for reason in _HELD_BACK
}
# The reason tells series apart that lose their name; a flag under both names counts once.
_REASONS = "\n  or ".join(
    f'label_replace(avg_over_time({flag}[5m]), "reason", "{reason}", "", "")'
    for flag, reason in _FLAGS.items()
)

ENGINE = Engine(
    name="nvidia_gpu_exporter",
    title="nvidia_gpu_exporter",
    versions=("1.14.0",),
    port=9835,
    kind="gpu",
    gpu_label="uuid",
    rows=(
        Gauge(signal="gpu_utilization", names=("nvidia_smi_utilization_gpu_ratio",), across="max"),
        Gauge(signal="gpu_memory_used", names=("nvidia_smi_memory_used_bytes",), across="max"),
        Gauge(signal="gpu_memory_total", names=("nvidia_smi_memory_total_bytes",), across="max"),
        Gauge(signal="gpu_power", names=("nvidia_smi_power_draw_watts",), across="max"),
        Gauge(
            signal="gpu_power_limit",
            names=("nvidia_smi_enforced_power_limit_watts", "nvidia_smi_power_limit_watts"),
            across="max",
        ),
        Gauge(signal="gpu_temperature", names=("nvidia_smi_temperature_gpu",), across="max"),
        Expression(
            signal="gpu_throttled",
            expr=f"clamp_max(sum by (job, instance, uuid) (\n  {_REASONS}\n), 1)",
            metrics=tuple(_FLAGS),
            across="max",
        ),
        Counter(signal="gpu_ecc", names=("nvidia_smi_ecc_errors_uncorrected_volatile_total",)),
    ),
    unavailable={
        "gpu_xid": "nvidia-smi tells no XID errors; use the DCGM exporter or modelwatch's own",
    },
    first_checks={
        "gpu_temperature": ("Compare with the other cards of the host: one card or the room?",),
        "gpu_throttled": (
            "Look at the flags nvidia_smi_clocks_*_reasons_*: heat, or the power limit?",
        ),
        "gpu_ecc": ("Drain the host and run `nvidia-smi -q -d ECC,ROW_REMAPPER`.",),
    },
    notes=(
        "A card is known by its UUID without `GPU-`, a host by the address that is scraped.",
        "Throttling is the share of scrapes of five minutes at which a flag was set; a card held "
        "back for two reasons at once counts twice, up to all of the time.",
        "Fields that a card does not have are absent: consumer cards have no ECC.",
        "Uncorrectable errors are those since the driver was loaded.",
        "Slices of a card (MIG) have no utilisation of their own here.",
    ),
    pages=(
        Page(file="nvidia_gpu_exporter-1.14.prom", version="1.14.0, driver 590"),
        Page(file="nvidia_gpu_exporter-1.14-driver-470.prom", version="1.14.0, driver 470"),
    ),
)
