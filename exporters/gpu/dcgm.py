"""The same facts under the names, labels and units of NVIDIA's dcgm-exporter.

Boards and alerts that were written for it work unchanged, as far as NVML knows what they ask for:
profiling (`DCGM_FI_PROF_*`) needs DCGM itself. Names and units: `dcgm_fields.h` and the exporter's
list of counters; label `Hostname` is that of its releases.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from exporters.base.families import Family
from exporters.gpu.facts import Card, Fact
from exporters.gpu.more import REASONS
from exporters.gpu.page import Families, Snapshot, health
from modelwatch.catalogue import gpu as series
from modelwatch.catalogue.metric import Layer, Metric

_LABELS = ("gpu", "UUID", "pci_bus_id", "device", "modelName", "Hostname", "DCGM_FI_DRIVER_VERSION")
_SLICE = ("GPU_I_PROFILE", "GPU_I_ID")
_MEBIBYTE = 1024.0**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A vendor metric: our fact in the vendor's `unit`, of several the one with the label `own`."""

    metric: Metric
    fact: Metric
    own: tuple[str, ...] = ()
    unit: float = 1


def _metric(name: str, kind: str, text: str, *labels: str) -> Metric:
    return Metric(
        name=f"DCGM_FI_DEV_{name}",
        help=text,
        unit="",
        labels=(*_LABELS, *labels),
        layer=Layer.EXPOSED,
        kind=kind,
    )


def _row(name: str, text: str, fact: Metric, *own: str, unit: float = 1, kind: str = "") -> Row:
    return Row(metric=_metric(name, kind or fact.kind, text), fact=fact, own=own, unit=unit)


_MHZ, _MILLI, _NANO, _PERCENT, _KILO = 1e6, 1e-3, 1e-9, 0.01, 1000.0
_CLOCK, _FASTEST = series.GPU_EXPORTER_CLOCK, series.GPU_EXPORTER_CLOCK_MAX
_LIMIT = series.GPU_EXPORTER_TEMPERATURE_LIMIT
_MEDIA = series.GPU_EXPORTER_MEDIA
_HELD = series.GPU_EXPORTER_THROTTLED_SECONDS
_LIFE = series.GPU_EXPORTER_ECC_LIFETIME_TOTAL
_ROWS = series.GPU_EXPORTER_REMAPPED_ROWS_TOTAL
_PAGES = series.GPU_EXPORTER_RETIRED_PAGES_TOTAL
_PCIE = series.GPU_EXPORTER_PCIE_THROUGHPUT

ROWS: tuple[Row, ...] = (
    _row("SM_CLOCK", "Clock of the multiprocessors in MHz.", _CLOCK, "sm", unit=_MHZ),
    _row("MEM_CLOCK", "Clock of the memory in MHz.", _CLOCK, "memory", unit=_MHZ),
    _row("VIDEO_CLOCK", "Clock of the video engines in MHz.", _CLOCK, "video", unit=_MHZ),
    _row("MAX_SM_CLOCK", "Fastest multiprocessor clock in MHz.", _FASTEST, "sm", unit=_MHZ),
    _row("MAX_MEM_CLOCK", "Fastest memory clock in MHz.", _FASTEST, "memory", unit=_MHZ),
    _row("MAX_VIDEO_CLOCK", "Fastest video clock in MHz.", _FASTEST, "video", unit=_MHZ),
    _row("GPU_TEMP", "Temperature in degrees Celsius.", series.GPU_EXPORTER_TEMPERATURE),
    _row(
        "MEMORY_TEMP",
        "Temperature of the memory in degrees Celsius.",
        series.GPU_EXPORTER_MEMORY_TEMPERATURE,
    ),
    _row("SHUTDOWN_TEMP", "Degrees Celsius at which it switches off.", _LIMIT, "shutdown"),
    _row("SLOWDOWN_TEMP", "Degrees Celsius at which it slows down.", _LIMIT, "slowdown"),
    _row("MEM_MAX_OP_TEMP", "Most degrees Celsius of the memory.", _LIMIT, "memory_max"),
    _row("GPU_MAX_OP_TEMP", "Most degrees Celsius of the card.", _LIMIT, "gpu_max"),
    _row("POWER_USAGE", "Power in watts.", series.GPU_EXPORTER_POWER),
    _row("POWER_MGMT_LIMIT", "Power limit that was set, watts.", series.GPU_EXPORTER_POWER_SET),
    _row("ENFORCED_POWER_LIMIT", "Power limit in force, watts.", series.GPU_EXPORTER_POWER_LIMIT),
    _row(
        "TOTAL_ENERGY_CONSUMPTION",
        "Energy since the driver was loaded in millijoules.",
        series.GPU_EXPORTER_ENERGY_TOTAL,
        unit=_MILLI,
    ),
    _row("PSTATE", "Performance state.", series.GPU_EXPORTER_PERFORMANCE_STATE),
    _row("FAN_SPEED", "Fan speed in percent.", series.GPU_EXPORTER_FAN, "0", unit=_PERCENT),
    _row("GPU_UTIL", "Busy time in percent.", series.GPU_EXPORTER_UTILIZATION, unit=_PERCENT),
    _row(
        "MEM_COPY_UTIL",
        "Busy time of the memory interface in percent.",
        series.GPU_EXPORTER_MEMORY_BANDWIDTH,
        unit=_PERCENT,
    ),
    _row("ENC_UTIL", "Busy time of the encoder in percent.", _MEDIA, "encoder", unit=_PERCENT),
    _row("DEC_UTIL", "Busy time of the decoder in percent.", _MEDIA, "decoder", unit=_PERCENT),
    _row("POWER_VIOLATION", "Nanoseconds held back by power.", _HELD, "power", unit=_NANO),
    _row("THERMAL_VIOLATION", "Nanoseconds held back by heat.", _HELD, "thermal", unit=_NANO),
    _row(
        "SYNC_BOOST_VIOLATION", "Nanoseconds held back by others.", _HELD, "sync_boost", unit=_NANO
    ),
    _row(
        "BOARD_LIMIT_VIOLATION",
        "Nanoseconds held back by the board.",
        _HELD,
        "board_limit",
        unit=_NANO,
    ),
    _row(
        "LOW_UTIL_VIOLATION",
        "Nanoseconds held back for lack of work.",
        _HELD,
        "low_utilization",
        unit=_NANO,
    ),
    _row(
        "RELIABILITY_VIOLATION",
        "Nanoseconds held back by voltage.",
        _HELD,
        "reliability",
        unit=_NANO,
    ),
    _row(
        "ECC_SBE_VOL_TOTAL",
        "Corrected errors since the driver was loaded.",
        series.GPU_EXPORTER_ECC_CORRECTED_TOTAL,
    ),
    _row(
        "ECC_DBE_VOL_TOTAL",
        "Uncorrected errors since the driver was loaded.",
        series.GPU_EXPORTER_ECC_TOTAL,
    ),
    _row("ECC_SBE_AGG_TOTAL", "Corrected errors in the card's life.", _LIFE, "corrected"),
    _row("ECC_DBE_AGG_TOTAL", "Uncorrected errors in the card's life.", _LIFE, "uncorrected"),
    _row("RETIRED_SBE", "Pages retired for single-bit errors.", _PAGES, "single_bit"),
    _row("RETIRED_DBE", "Pages retired for double-bit errors.", _PAGES, "double_bit"),
    # The exporter's list calls these three counters, which they are not.
    _row(
        "RETIRED_PENDING",
        "Whether pages wait.",
        series.GPU_EXPORTER_RETIREMENT_PENDING,
        kind="counter",
    ),
    _row("PCIE_TX_THROUGHPUT", "PCIe kB/s sent.", _PCIE, "transmit", unit=_KILO, kind="counter"),
    _row("PCIE_RX_THROUGHPUT", "PCIe kB/s received.", _PCIE, "receive", unit=_KILO, kind="counter"),
    _row(
        "CORRECTABLE_REMAPPED_ROWS", "Rows replaced after corrected errors.", _ROWS, "correctable"
    ),
    _row(
        "UNCORRECTABLE_REMAPPED_ROWS",
        "Rows replaced after uncorrected errors.",
        _ROWS,
        "uncorrectable",
    ),
    _row("ROW_REMAP_FAILURE", "Whether replacing failed.", series.GPU_EXPORTER_REMAP_FAILED),
    _row("ROW_REMAP_PENDING", "Whether a reset is needed.", series.GPU_EXPORTER_REMAP_PENDING),
    _row("PCIE_LINK_GEN", "PCIe generation in use.", series.GPU_EXPORTER_PCIE_GENERATION),
    _row("PCIE_LINK_WIDTH", "PCIe lanes in use.", series.GPU_EXPORTER_PCIE_WIDTH),
    _row("PCIE_MAX_LINK_GEN", "Best generation.", series.GPU_EXPORTER_PCIE_GENERATION_MAX),
    _row("PCIE_MAX_LINK_WIDTH", "Most PCIe lanes.", series.GPU_EXPORTER_PCIE_WIDTH_MAX),
    _row("PCIE_REPLAY_COUNTER", "Repeated transfers.", series.GPU_EXPORTER_PCIE_REPLAYS_TOTAL),
)

_MEMORY = (
    (series.GPU_EXPORTER_MEMORY_FREE, series.GPU_EXPORTER_MIG_MEMORY_FREE, "FB_FREE", "free"),
    (series.GPU_EXPORTER_MEMORY_USED, series.GPU_EXPORTER_MIG_MEMORY_USED, "FB_USED", "in use"),
    (series.GPU_EXPORTER_MEMORY_TOTAL, series.GPU_EXPORTER_MIG_MEMORY_TOTAL, "FB_TOTAL", "in all"),
    (series.GPU_EXPORTER_MEMORY_RESERVED, None, "FB_RESERVED", "that the driver keeps"),
)
_LINKS = {
    "crc_flit": "NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL",
    "crc_data": "NVLINK_CRC_DATA_ERROR_COUNT_TOTAL",
    "replay": "NVLINK_REPLAY_ERROR_COUNT_TOTAL",
    "recovery": "NVLINK_RECOVERY_ERROR_COUNT_TOTAL",
}
_XID = _metric(
    "XID_ERRORS",
    "gauge",
    "Code of the last XID error since the exporter started; 0 is none.",
    "err_code",
    "err_msg",
)
_XID_WORDS = {
    0: "No Error",
    13: "Graphics Engine Exception",
    31: "GPU memory page fault",
    43: "GPU stopped processing",
    45: "Preemptive cleanup, due to previous errors",
    48: "Double Bit ECC Error",
    63: "ECC page retirement or row remapping recording event",
    64: "ECC page retirement or row remapper recording failure",
    74: "NVLINK Error",
    79: "GPU has fallen off the bus",
    94: "Contained ECC error",
    95: "Uncontained ECC error",
    119: "GSP RPC timeout",
}
"""What NVIDIA calls the errors that matter most."""

_REASONS = _metric("CLOCK_THROTTLE_REASONS", "gauge", "Reasons to hold clocks back, as bits.")
_BITS = {reason: 1 << bit for bit, reason in enumerate(REASONS)}


def dcgm_names(snapshot: Snapshot) -> tuple[Family, ...]:
    """The page under dcgm-exporter's names; which cards are down is said under ours."""
    families = Families()
    health(snapshot, families)
    sliced = any(
        fact.metric is series.GPU_EXPORTER_MIG_MEMORY_TOTAL
        for reading in snapshot.readings
        for fact in reading.facts
    )
    for reading in snapshot.readings:
        if reading.down:
            continue
        labels = _labels(reading.card, snapshot.place.host)
        for metric, value, *own in _samples(reading.facts, sliced=sliced):
            families.add(metric, value, *labels, *own)
        gpu = reading.card.gpu
        if gpu in snapshot.xids:
            code = snapshot.last_xids.get(gpu, 0)
            words = _XID_WORDS.get(code, "Unknown Error")
            families.add(_XID, code, *labels, str(code), words)
    return families.all()


def _labels(card: Card, host: str) -> tuple[str, ...]:
    device = f"nvidia{card.index if card.minor is None else card.minor}"
    return str(card.index), card.gpu, card.bus, device, card.name, host, card.driver


Sample = tuple[Metric, float, *tuple[str, ...]]


def _samples(facts: Iterable[Fact], *, sliced: bool) -> Iterator[Sample]:
    found = {(fact.metric.name, fact.own): fact.value for fact in facts}
    for row in ROWS:
        value = found.get((row.fact.name, row.own))
        if value is not None:
            yield row.metric, _in_units(value, row.unit)
    yield from _memory(list(facts), labelled=sliced)
    for kind, name in _LINKS.items():
        errors = [
            fact.value
            for fact in facts
            if fact.metric is series.GPU_EXPORTER_NVLINK_ERRORS_TOTAL and fact.own[1] == kind
        ]
        if errors:
            yield _metric(name, "counter", f"NVLink errors of all links: {kind}."), sum(errors)
    flags = {
        fact.own[0]: fact.value
        for fact in facts
        if fact.metric is series.GPU_EXPORTER_THROTTLE_REASON
    }
    if flags:
        yield _REASONS, sum(_BITS[reason] for reason, active in flags.items() if active)


def _memory(facts: list[Fact], *, labelled: bool) -> Iterator[Sample]:
    """Memory in MiB: of the slices where there are any, as dcgm-exporter does, else of the card.

    Compute instances of one GPU instance share its memory, which is told once. With `labelled`,
    whole cards carry the labels of slices, empty, because a metric has one set of labels.
    """
    cut = any(fact.metric is series.GPU_EXPORTER_MIG_MEMORY_TOTAL for fact in facts)
    for whole, part, name, words in _MEMORY:
        metric = _metric(name, "gauge", f"Memory {words} in MiB.", *(_SLICE if labelled else ()))
        told: dict[tuple[str, ...], float] = {}
        for fact in facts:
            if cut and fact.metric is part:
                instance, _, profile = fact.own
                told[(profile.rpartition("c.")[2], instance)] = fact.value
            elif not cut and fact.metric is whole:
                told[("", "") if labelled else ()] = fact.value
        for own, value in told.items():
            yield metric, _in_units(value, _MEBIBYTE), *own


def _in_units(value: float, unit: float) -> float:
    """A value in the vendor's unit, without the noise that binary fractions bring."""
    return round(value / unit, 6)
