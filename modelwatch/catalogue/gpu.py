"""What the GPU exporter says about each card, under canonical names."""

from modelwatch.catalogue.metric import Layer, Metric

POOL_HOST = ("environment", "pool", "host")
CARD = (*POOL_HOST, "gpu")
"""A card is known by its UUID: numbers move when a card is gone, and a UUID moves with the card."""

INSTANCE = ("gpu_instance", "compute_instance", "profile")
"""A slice of a card (MIG)."""


def _of(labels: tuple[str, ...], name: str, kind: str, unit: str, text: str) -> Metric:
    return Metric(
        name=f"modelwatch_gpu_{name}",
        help=text,
        unit=unit,
        labels=labels,
        layer=Layer.EXPOSED,
        kind=kind,
    )


def _card(name: str, kind: str, unit: str, text: str, *labels: str) -> Metric:
    return _of((*CARD, *labels), name, kind, unit, text)


# The host and whether its cards answer.

GPU_EXPORTER_HOST_EXPECTED = _of(
    POOL_HOST,
    "host_expected_cards",
    "gauge",
    "cards",
    "Cards that the inventory expects in this host; absent where the pool does not say.",
)
GPU_EXPORTER_HOST_PRESENT = _of(
    POOL_HOST, "host_present_cards", "gauge", "cards", "Cards of this host that answer."
)
GPU_EXPORTER_CARD_UP = _card("card_up", "gauge", "bool", "1 when the card answers, 0 when not.")
GPU_EXPORTER_CARD_DOWN = _card(
    "card_down_reason",
    "gauge",
    "bool",
    "Why a card does not answer: lost, reset_required, hung, driver, no_permission or unreadable.",
    "reason",
)
GPU_EXPORTER_INFO = _card(
    "card_info",
    "gauge",
    "info",
    "Which card it is: number, model, serial number, PCI address, firmware, driver, newest CUDA.",
    "index",
    "name",
    "serial",
    "bus",
    "vbios",
    "driver",
    "cuda",
)

# How busy it is.

GPU_EXPORTER_UTILIZATION = _card(
    "utilization_ratio",
    "gauge",
    "ratio",
    "Share of time the card was busy; absent while it is cut into slices.",
)
GPU_EXPORTER_MEMORY_BANDWIDTH = _card(
    "memory_bandwidth_utilization_ratio",
    "gauge",
    "ratio",
    "Share of time the card's memory was read or written.",
)
GPU_EXPORTER_MEDIA = _card(
    "media_utilization_ratio",
    "gauge",
    "ratio",
    "Share of time a media engine was busy: encoder, decoder, jpeg or ofa (optical flow).",
    "engine",
)
GPU_EXPORTER_ENCODER_SESSIONS = _card(
    "encoder_sessions", "gauge", "sessions", "Open sessions of the video encoder."
)
GPU_EXPORTER_MEMORY_USED = _card(
    "memory_used_bytes", "gauge", "bytes", "Memory of the card in use."
)
GPU_EXPORTER_MEMORY_FREE = _card("memory_free_bytes", "gauge", "bytes", "Memory nobody uses.")
GPU_EXPORTER_MEMORY_RESERVED = _card(
    "memory_reserved_bytes", "gauge", "bytes", "Memory that driver and firmware keep."
)
GPU_EXPORTER_MEMORY_TOTAL = _card("memory_total_bytes", "gauge", "bytes", "Memory of the card.")

# Power, heat and clocks.

GPU_EXPORTER_POWER = _card("power_watts", "gauge", "watts", "Power the card draws.")
GPU_EXPORTER_POWER_LIMIT = _card(
    "power_limit_watts", "gauge", "watts", "Power limit in force on the card."
)
GPU_EXPORTER_POWER_SET = _card(
    "power_limit_set_watts", "gauge", "watts", "Power limit that was asked for."
)
GPU_EXPORTER_ENERGY_TOTAL = _card(
    "energy_joules_total", "counter", "joules", "Energy used since the driver was loaded."
)
GPU_EXPORTER_TEMPERATURE = _card(
    "temperature_celsius", "gauge", "celsius", "Temperature of the card."
)
GPU_EXPORTER_MEMORY_TEMPERATURE = _card(
    "memory_temperature_celsius", "gauge", "celsius", "Temperature of the card's memory."
)
GPU_EXPORTER_TEMPERATURE_LIMIT = _card(
    "temperature_limit_celsius",
    "gauge",
    "celsius",
    "Where the card slows down or switches off, and the most that it and its memory should have.",
    "limit",
)
GPU_EXPORTER_TEMPERATURE_MARGIN = _card(
    "temperature_margin_celsius", "gauge", "celsius", "Degrees that are left until it slows down."
)
GPU_EXPORTER_FAN = _card(
    "fan_speed_ratio",
    "gauge",
    "ratio",
    "Speed a fan should have, as a share of its greatest.",
    "fan",
)
GPU_EXPORTER_CLOCK = _card(
    "clock_hertz", "gauge", "hertz", "Clock of graphics, sm, memory or video.", "clock"
)
GPU_EXPORTER_CLOCK_MAX = _card(
    "clock_max_hertz", "gauge", "hertz", "Fastest clock of graphics, sm, memory or video.", "clock"
)
GPU_EXPORTER_PERFORMANCE_STATE = _card(
    "performance_state", "gauge", "state", "Performance state from 0, the fastest, to 15."
)
GPU_EXPORTER_THROTTLE_REASON = _card(
    "throttle_reason_active",
    "gauge",
    "bool",
    "1 when the clocks are held back for this reason now.",
    "reason",
)
GPU_EXPORTER_THROTTLED_SECONDS = _card(
    "throttled_seconds_total",
    "counter",
    "seconds",
    "Time the clocks were held back, by reason, since the driver was loaded.",
    "reason",
)
GPU_EXPORTER_THROTTLED = _card(
    "throttled_ratio",
    "gauge",
    "ratio",
    "Share of the last five minutes in which heat or power held the clocks back; from the second "
    "scrape on.",
)

# What breaks.

GPU_EXPORTER_XID_TOTAL = _card(
    "xid_errors_total",
    "counter",
    "errors",
    "XID errors of the driver by code since the exporter started; rare codes count as other.",
    "xid",
)
GPU_EXPORTER_ECC_TOTAL = _card(
    "ecc_uncorrected_total",
    "counter",
    "errors",
    "Memory errors since the driver was loaded that could not be corrected.",
)
GPU_EXPORTER_ECC_CORRECTED_TOTAL = _card(
    "ecc_corrected_total",
    "counter",
    "errors",
    "Memory errors since the driver was loaded that were corrected.",
)
GPU_EXPORTER_ECC_LIFETIME_TOTAL = _card(
    "ecc_lifetime_errors_total",
    "counter",
    "errors",
    "Memory errors in the card's life: corrected or uncorrected.",
    "kind",
)
GPU_EXPORTER_REMAPPED_ROWS_TOTAL = _card(
    "remapped_rows_total",
    "counter",
    "rows",
    "Rows of memory replaced by spare ones after correctable or uncorrectable errors.",
    "cause",
)
GPU_EXPORTER_REMAP_PENDING = _card(
    "row_remap_pending", "gauge", "bool", "1 when a row waits for a reset to be replaced."
)
GPU_EXPORTER_REMAP_FAILED = _card(
    "row_remap_failed", "gauge", "bool", "1 when a row could not be replaced: no spare is left."
)
GPU_EXPORTER_RETIRED_PAGES_TOTAL = _card(
    "retired_pages_total",
    "counter",
    "pages",
    "Pages of memory taken out of use after single_bit or double_bit errors.",
    "cause",
)
GPU_EXPORTER_RETIREMENT_PENDING = _card(
    "page_retirement_pending", "gauge", "bool", "1 when a page waits for a restart to be taken out."
)

# Its links.

GPU_EXPORTER_PCIE_THROUGHPUT = _card(
    "pcie_throughput_bytes_per_second",
    "gauge",
    "bytes/s",
    "Traffic on the PCIe bus over 20 ms: transmit or receive.",
    "direction",
)
GPU_EXPORTER_PCIE_GENERATION = _card(
    "pcie_link_generation", "gauge", "generation", "PCIe generation in use; idle cards lower it."
)
GPU_EXPORTER_PCIE_GENERATION_MAX = _card(
    "pcie_link_max_generation", "gauge", "generation", "Best PCIe generation of card and slot."
)
GPU_EXPORTER_PCIE_WIDTH = _card("pcie_link_width", "gauge", "lanes", "PCIe lanes in use.")
GPU_EXPORTER_PCIE_WIDTH_MAX = _card(
    "pcie_link_max_width", "gauge", "lanes", "Most PCIe lanes of card and slot."
)
GPU_EXPORTER_PCIE_REPLAYS_TOTAL = _card(
    "pcie_replays_total", "counter", "transfers", "Transfers on the PCIe bus that were repeated."
)
GPU_EXPORTER_NVLINK_UP = _card("nvlink_up", "gauge", "bool", "1 when the NVLink is active.", "link")
GPU_EXPORTER_NVLINK_BYTES_TOTAL = _card(
    "nvlink_bytes_total",
    "counter",
    "bytes",
    "Data over an NVLink, without protocol: transmit or receive.",
    "link",
    "direction",
)
GPU_EXPORTER_NVLINK_ERRORS_TOTAL = _card(
    "nvlink_errors_total",
    "counter",
    "errors",
    "Errors of an NVLink: crc_flit, crc_data, ecc_data, replay or recovery.",
    "link",
    "kind",
)

# How it is set up.

GPU_EXPORTER_PERSISTENCE = _card(
    "persistence_mode", "gauge", "bool", "1 when the driver stays loaded without a program."
)
GPU_EXPORTER_COMPUTE_MODE = _card(
    "compute_mode",
    "gauge",
    "bool",
    "Who may use the card: 1 for default, exclusive_thread, exclusive_process or prohibited.",
    "mode",
)
GPU_EXPORTER_MIG_ENABLED = _card("mig_enabled", "gauge", "bool", "1 when it is cut into slices.")
GPU_EXPORTER_MIG_MEMORY_USED = _card(
    "mig_memory_used_bytes", "gauge", "bytes", "Memory of a slice in use.", *INSTANCE
)
GPU_EXPORTER_MIG_MEMORY_FREE = _card(
    "mig_memory_free_bytes", "gauge", "bytes", "Memory of a slice that nobody uses.", *INSTANCE
)
GPU_EXPORTER_MIG_MEMORY_TOTAL = _card(
    "mig_memory_total_bytes", "gauge", "bytes", "Memory of a slice.", *INSTANCE
)
GPU_EXPORTER_MIG_PROCESSORS = _card(
    "mig_multiprocessors", "gauge", "processors", "Multiprocessors of a slice.", *INSTANCE
)
GPU_EXPORTER_MIG_ECC_TOTAL = _card(
    "mig_ecc_uncorrected_total",
    "counter",
    "errors",
    "Errors in a slice's on-chip memory since the driver was loaded that could not be corrected.",
    *INSTANCE,
)
