"""NVIDIA DCGM exporter: versions 3.1 to 4.5 and what comes after."""

from modelwatch.engine import Counter, Engine, Expression, Gauge, Page, Unit

_OWN_LIST = "add it to the exporter's list of counters"

# Commented out in the list of counters that the exporter comes with.
# Source: etc/default-counters.csv of NVIDIA/dcgm-exporter, d5e5f510.
_NOT_BY_DEFAULT = (
    "DCGM_FI_DEV_POWER_VIOLATION",
    "DCGM_FI_DEV_THERMAL_VIOLATION",
    "DCGM_FI_DEV_SYNC_BOOST_VIOLATION",
    "DCGM_FI_DEV_BOARD_LIMIT_VIOLATION",
    "DCGM_FI_DEV_LOW_UTIL_VIOLATION",
    "DCGM_FI_DEV_RELIABILITY_VIOLATION",
    "DCGM_FI_DEV_ECC_SBE_VOL_TOTAL",
    "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL",
    "DCGM_FI_DEV_ECC_SBE_AGG_TOTAL",
    "DCGM_FI_DEV_ECC_DBE_AGG_TOTAL",
    "DCGM_FI_DEV_RETIRED_SBE",
    "DCGM_FI_DEV_RETIRED_DBE",
    "DCGM_FI_DEV_RETIRED_PENDING",
    "DCGM_FI_DEV_POWER_MGMT_LIMIT",
    "DCGM_FI_PROF_SM_ACTIVE",
    "DCGM_FI_PROF_SM_OCCUPANCY",
    "DCGM_EXP_XID_ERRORS_COUNT",
    "DCGM_EXP_CLOCK_EVENTS_COUNT",
    "DCGM_EXP_GPU_HEALTH_STATUS",
)

ENGINE = Engine(
    name="dcgm_exporter",
    title="NVIDIA DCGM exporter",
    versions=("3.3.9", "4.5.3", "main of 2026"),
    port=9400,
    kind="gpu",
    host_labels=("Hostname", "hostname"),
    gpu_label="UUID or gpu",
    rows=(
        Gauge(
            signal="gpu_utilization",
            names=("DCGM_FI_DEV_GPU_UTIL",),
            unit=Unit.PERCENT,
            across="max",
        ),
        Gauge(
            signal="gpu_memory_used",
            names=("DCGM_FI_DEV_FB_USED",),
            unit=Unit.MEBIBYTES,
            across="max",
        ),
        Expression(
            signal="gpu_memory_total",
            expr="""
                (DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE
                  + (DCGM_FI_DEV_FB_RESERVED or 0 * DCGM_FI_DEV_FB_USED)) * 1048576
            """,
            metrics=("DCGM_FI_DEV_FB_USED", "DCGM_FI_DEV_FB_FREE", "DCGM_FI_DEV_FB_RESERVED"),
            across="max",
        ),
        Gauge(signal="gpu_power", names=("DCGM_FI_DEV_POWER_USAGE",), across="max"),
        Gauge(
            signal="gpu_power_limit",
            names=("DCGM_FI_DEV_POWER_MGMT_LIMIT",),
            across="max",
            opt_in=_OWN_LIST,
        ),
        Gauge(signal="gpu_temperature", names=("DCGM_FI_DEV_GPU_TEMP",), across="max"),
        Expression(
            signal="gpu_throttled",
            expr="""
                clamp_max((
                  rate(DCGM_FI_DEV_THERMAL_VIOLATION[5m]) + rate(DCGM_FI_DEV_POWER_VIOLATION[5m])
                  or rate(DCGM_FI_DEV_THERMAL_VIOLATION[5m])
                  or rate(DCGM_FI_DEV_POWER_VIOLATION[5m])
                ) * 1e-9, 1)
            """,
            metrics=("DCGM_FI_DEV_THERMAL_VIOLATION", "DCGM_FI_DEV_POWER_VIOLATION"),
            across="max",
            opt_in=_OWN_LIST,
        ),
        Gauge(signal="gpu_xid", names=("DCGM_FI_DEV_XID_ERRORS",), across="max"),
        Counter(
            signal="gpu_ecc",
            names=("DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS"),
        ),
    ),
    first_checks={
        "gpu_xid": (
            "Look the code up in NVIDIA's list of XID errors; drain the host on 48 or 79.",
        ),
        "gpu_temperature": ("Compare with the other cards of the host: one card or the room?",),
    },
    notes=(
        "Releases up to 4.5.3 write the label Hostname, later ones hostname; both are read.",
        "Without the double-bit ECC counter, rows remapped for uncorrectable errors are counted.",
        "Slices of a card (MIG) have no utilisation of their own here.",
        "Violation counters are nanoseconds in current releases of DCGM.",
    ),
    opt_in=dict.fromkeys(_NOT_BY_DEFAULT, _OWN_LIST),
    sentinels={
        "DCGM_FI_DEV_XID_ERRORS": (
            "it is the last code, 0 for none, and stays at it until the driver is reloaded; "
            "alert on new ones: changes(...[15m]) > 0"
        ),
    },
    pages=(
        Page(file="dcgm_exporter-main.prom", version="main of 2026"),
        Page(file="dcgm_exporter-4.5.prom", version="4.5.3"),
        Page(file="dcgm_exporter-3.3.prom", version="3.3.9, default counters"),
        Page(file="dcgm_exporter-modelwatch.prom", version="modelwatch's own, --names dcgm"),
    ),
)
