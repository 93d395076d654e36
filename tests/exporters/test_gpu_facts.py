"""What the GPU exporter says of scripted cards, and of fields that they do not have."""

from typing import Any

import pynvml
import pytest

from exporters.gpu.library import SENTINELS
from modelwatch.catalogue import gpu as series
from modelwatch.catalogue.metric import Metric
from tests.exporters.gpu_bench import UUIDS, Bench, facts, up
from tests.exporters.nvml import GIB, MIB, Card, cut, error, h100, numbered

ONE_CARD: dict[Metric, dict[tuple[str, ...], float]] = {
    series.GPU_EXPORTER_UTILIZATION: {(): 0.8},
    series.GPU_EXPORTER_MEMORY_BANDWIDTH: {(): 0.41},
    series.GPU_EXPORTER_MEDIA: {
        ("encoder",): 0.12,
        ("decoder",): 0.13,
        ("jpeg",): 0.14,
        ("ofa",): 0.15,
    },
    series.GPU_EXPORTER_ENCODER_SESSIONS: {(): 3},
    series.GPU_EXPORTER_MEMORY_USED: {(): 40_000 * MIB},
    series.GPU_EXPORTER_MEMORY_RESERVED: {(): 551 * MIB},
    series.GPU_EXPORTER_MEMORY_FREE: {(): 41_008 * MIB},
    series.GPU_EXPORTER_MEMORY_TOTAL: {(): 81_559 * MIB},
    series.GPU_EXPORTER_POWER: {(): 412.331},
    series.GPU_EXPORTER_POWER_LIMIT: {(): 700},
    series.GPU_EXPORTER_POWER_SET: {(): 700},
    series.GPU_EXPORTER_ENERGY_TOTAL: {(): 81_233_012.345},
    series.GPU_EXPORTER_TEMPERATURE: {(): 61},
    series.GPU_EXPORTER_MEMORY_TEMPERATURE: {(): 70},
    series.GPU_EXPORTER_TEMPERATURE_LIMIT: {
        ("shutdown",): 95,
        ("slowdown",): 90,
        ("memory_max",): 97,
        ("gpu_max",): 87,
    },
    series.GPU_EXPORTER_TEMPERATURE_MARGIN: {(): 26},
    series.GPU_EXPORTER_FAN: {("0",): 0.35},
    series.GPU_EXPORTER_CLOCK: {
        ("graphics",): 1.755e9,
        ("sm",): 1.74e9,
        ("memory",): 2.619e9,
        ("video",): 1.545e9,
    },
    series.GPU_EXPORTER_CLOCK_MAX: {
        ("graphics",): 1.98e9,
        ("sm",): 1.98e9,
        ("memory",): 2.62e9,
        ("video",): 1.815e9,
    },
    series.GPU_EXPORTER_PERFORMANCE_STATE: {(): 0},
    series.GPU_EXPORTER_THROTTLE_REASON: {
        ("gpu_idle",): 0,
        ("applications_clocks_setting",): 0,
        ("sw_power_cap",): 1,
        ("hw_slowdown",): 0,
        ("sync_boost",): 0,
        ("sw_thermal_slowdown",): 0,
        ("hw_thermal_slowdown",): 0,
        ("hw_power_brake_slowdown",): 0,
        ("display_clock_setting",): 0,
    },
    series.GPU_EXPORTER_THROTTLED_SECONDS: {
        ("power",): 1,
        ("thermal",): 2,
        ("sync_boost",): 3,
        ("board_limit",): 4,
        ("low_utilization",): 5,
        ("reliability",): 6,
    },
    series.GPU_EXPORTER_ECC_TOTAL: {(): 2},
    series.GPU_EXPORTER_ECC_CORRECTED_TOTAL: {(): 7},
    series.GPU_EXPORTER_ECC_LIFETIME_TOTAL: {("corrected",): 19, ("uncorrected",): 3},
    series.GPU_EXPORTER_REMAPPED_ROWS_TOTAL: {("correctable",): 5, ("uncorrectable",): 1},
    series.GPU_EXPORTER_REMAP_PENDING: {(): 1},
    series.GPU_EXPORTER_REMAP_FAILED: {(): 0},
    series.GPU_EXPORTER_RETIRED_PAGES_TOTAL: {("single_bit",): 2, ("double_bit",): 1},
    series.GPU_EXPORTER_RETIREMENT_PENDING: {(): 0},
    series.GPU_EXPORTER_PCIE_THROUGHPUT: {("transmit",): 250e6, ("receive",): 750e6},
    series.GPU_EXPORTER_PCIE_GENERATION: {(): 4},
    series.GPU_EXPORTER_PCIE_GENERATION_MAX: {(): 5},
    series.GPU_EXPORTER_PCIE_WIDTH: {(): 8},
    series.GPU_EXPORTER_PCIE_WIDTH_MAX: {(): 16},
    series.GPU_EXPORTER_PCIE_REPLAYS_TOTAL: {(): 6},
    series.GPU_EXPORTER_NVLINK_UP: {("0",): 1, ("1",): 0},
    series.GPU_EXPORTER_NVLINK_BYTES_TOTAL: {
        ("0", "transmit"): 9_000 * 1024,
        ("0", "receive"): 8_000 * 1024,
    },
    series.GPU_EXPORTER_NVLINK_ERRORS_TOTAL: {
        ("0", "replay"): 20,
        ("0", "recovery"): 21,
        ("0", "crc_flit"): 22,
        ("0", "crc_data"): 23,
        ("0", "ecc_data"): 24,
    },
    series.GPU_EXPORTER_PERSISTENCE: {(): 1},
    series.GPU_EXPORTER_COMPUTE_MODE: {("exclusive_process",): 1},
    series.GPU_EXPORTER_MIG_ENABLED: {(): 0},
    series.GPU_EXPORTER_INFO: {
        (
            "0",
            "NVIDIA H100 80GB HBM3",
            "1654320000",
            "00000000:19:00.0",
            "96.00.89.00.01",
            "580.95.05",
            "13.0",
        ): 1
    },
    series.GPU_EXPORTER_CARD_UP: {(): 1},
}


def test_one_card_says_all_that_there_is_to_say_in_base_units() -> None:
    page = Bench(h100()).scrape()
    of_host = {series.GPU_EXPORTER_HOST_EXPECTED.name, series.GPU_EXPORTER_HOST_PRESENT.name}
    assert {name: samples for name, samples in page.items() if name not in of_host} == {
        metric.name: {(UUIDS[0], *own): value for own, value in samples.items()}
        for metric, samples in ONE_CARD.items()
    }


def test_every_function_that_is_asked_is_one_of_the_binding() -> None:
    bench = Bench(h100(0), cut(1))
    bench.scrape()
    assert len(bench.library.asked) > 40
    assert all(callable(getattr(pynvml, name)) for name in bench.library.asked)


def test_eight_cards_are_eight_times_one() -> None:
    page = Bench(*(h100(index) for index in range(8))).scrape()
    assert up(page) == dict.fromkeys(UUIDS, 1)
    assert page[series.GPU_EXPORTER_HOST_PRESENT.name] == {(): 8}
    assert page[series.GPU_EXPORTER_UTILIZATION.name] == {
        (gpu,): (80 + index) / 100 for index, gpu in enumerate(UUIDS)
    }
    assert len({frozenset(facts(page, gpu)) for gpu in UUIDS}) == 1


def test_a_card_in_slices_tells_of_each_slice_and_not_how_busy_it_is() -> None:
    page = Bench(cut()).scrape()
    large, small = ("1", "0", "3g.40gb"), ("9", "0", "1g.10gb")
    gpu = UUIDS[0]
    assert page[series.GPU_EXPORTER_MIG_ENABLED.name] == {(gpu,): 1}
    assert page[series.GPU_EXPORTER_MIG_MEMORY_TOTAL.name] == {
        (gpu, *large): 40_192 * MIB,
        (gpu, *small): 9_728 * MIB,
    }
    assert page[series.GPU_EXPORTER_MIG_MEMORY_USED.name][(gpu, *small)] == 1000 * MIB
    assert page[series.GPU_EXPORTER_MIG_PROCESSORS.name] == {(gpu, *large): 42, (gpu, *small): 14}
    assert page[series.GPU_EXPORTER_MIG_ECC_TOTAL.name][(gpu, *large)] == 4
    assert series.GPU_EXPORTER_UTILIZATION.name not in page
    assert page[series.GPU_EXPORTER_POWER.name] == {(gpu,): 412.331}


@pytest.mark.parametrize(
    ("whole_mib", "size_mib", "slices", "computes", "name"),
    [
        (40_960, 4_864, 1, 1, "1g.5gb"),
        (40_960, 20_096, 3, 3, "3g.20gb"),
        (81_920, 9_728, 1, 1, "1g.10gb"),
        (81_920, 40_192, 3, 1, "1c.3g.40gb"),
        (143_771, 16_384, 1, 1, "1g.18gb"),
        (143_771, 33_280, 2, 2, "2g.35gb"),
        (143_771, 71_168, 3, 3, "3g.71gb"),
    ],
    ids=str,
)
def test_a_slice_is_called_as_nvidia_calls_it(
    whole_mib: int, size_mib: int, slices: int, computes: int, name: str
) -> None:
    card = cut()
    card.answers["nvmlDeviceGetMemoryInfo"].total = whole_mib * MIB
    attributes = card.slices[0].answers["nvmlDeviceGetAttributes_v2"]
    attributes.memorySizeMB = size_mib
    attributes.gpuInstanceSliceCount, attributes.computeInstanceSliceCount = slices, computes
    samples = Bench(card).scrape()[series.GPU_EXPORTER_MIG_PROCESSORS.name]
    assert (UUIDS[0], "1", "0", name) in samples


def test_a_slice_whose_name_tells_the_profile_goes_by_that() -> None:
    card = cut()
    card.slices[5].answers["nvmlDeviceGetName"] = "NVIDIA A100-SXM4-80GB MIG 1g.10gb+me"
    samples = Bench(card).scrape()[series.GPU_EXPORTER_MIG_PROCESSORS.name]
    assert (UUIDS[0], "9", "0", "1g.10gb+me") in samples


def questions() -> list[str]:
    """Every function that is asked of a card or a slice."""
    bench = Bench(h100(0), cut(1))
    bench.scrape()
    return sorted(name for name in bench.library.asked if name.startswith("nvmlDevice"))


SLICE = (
    *("mig_memory_used_bytes", "mig_memory_free_bytes", "mig_memory_total_bytes"),
    *("mig_multiprocessors", "mig_ecc_uncorrected_total"),
)
MEMORY = ("memory_used_bytes", "memory_free_bytes", "memory_reserved_bytes", "memory_total_bytes")
COSTS = {
    "Attributes_v2": ("mig_multiprocessors",),
    "ClockInfo": ("clock_hertz",),
    "ComputeMode": ("compute_mode",),
    "CurrPcieLinkGeneration": ("pcie_link_generation",),
    "CurrPcieLinkWidth": ("pcie_link_width",),
    "CurrentClocksEventReasons": ("throttle_reason_active",),
    "EncoderStats": ("encoder_sessions",),
    "EnforcedPowerLimit": ("power_limit_watts",),
    "FanSpeed_v2": ("fan_speed_ratio",),
    "FieldValues": ("memory_temperature_celsius", "nvlink_bytes_total"),
    "GpuInstanceId": SLICE,
    "MarginTemperature": ("temperature_margin_celsius",),
    "MaxClockInfo": ("clock_max_hertz",),
    "MaxMigDeviceCount": SLICE,
    "MaxPcieLinkGeneration": ("pcie_link_max_generation",),
    "MaxPcieLinkWidth": ("pcie_link_max_width",),
    "MemoryErrorCounter": ("mig_ecc_uncorrected_total",),
    "MemoryInfo": (*MEMORY, *SLICE[:3]),
    "MigDeviceHandleByIndex": SLICE,
    "MigMode": ("mig_enabled", *SLICE),
    "NumFans": ("fan_speed_ratio",),
    "NvLinkErrorCounter": ("nvlink_errors_total",),
    "NvLinkState": ("nvlink_up", "nvlink_bytes_total", "nvlink_errors_total"),
    "PcieReplayCounter": ("pcie_replays_total",),
    "PcieThroughput": ("pcie_throughput_bytes_per_second",),
    "PerformanceState": ("performance_state",),
    "PersistenceMode": ("persistence_mode",),
    "PowerManagementLimit": ("power_limit_set_watts",),
    "PowerUsage": ("power_watts",),
    "RemappedRows": ("remapped_rows_total", "row_remap_pending", "row_remap_failed"),
    "RetiredPages": ("retired_pages_total",),
    "RetiredPagesPendingStatus": ("page_retirement_pending",),
    "TemperatureThreshold": ("temperature_limit_celsius",),
    "TemperatureV": ("temperature_celsius",),
    "TotalEccErrors": (
        *("ecc_uncorrected_total", "ecc_corrected_total", "ecc_lifetime_errors_total"),
    ),
    "TotalEnergyConsumption": ("energy_joules_total",),
    "UtilizationRates": ("utilization_ratio", "memory_bandwidth_utilization_ratio"),
    "ViolationStatus": ("throttled_seconds_total",),
}
"""Question to the metrics that are gone without it; of others it is a label that is."""


def refused(card: Card, function: str, kind: str) -> Card:
    """The card, and its slices, with an error for this question."""
    for one in (card, *card.slices.values()):
        for question in [key for key in one.answers if function in {key, key[0]}]:
            one.answers[question] = error(kind)
        one.answers[function] = error(kind)
    return card


@pytest.mark.parametrize("kind", ["NOT_SUPPORTED", "NO_PERMISSION", "UNKNOWN", "TIMEOUT"])
@pytest.mark.parametrize("function", questions())
def test_a_question_that_fails_costs_its_own_fields_only(function: str, kind: str) -> None:
    lost = set()
    for make in (h100, cut):
        page = Bench(refused(make(), function, kind)).scrape()
        gpu = UUIDS[0] if function != "nvmlDeviceGetUUID" else "index-0"
        assert up(page) == {gpu: 1}
        assert not any(value in SENTINELS for one in page.values() for value in one.values())
        lost |= facts(Bench(make()).scrape(), UUIDS[0]) - facts(page, gpu)
    costs = COSTS.get(function.removeprefix("nvmlDeviceGet"), ())
    assert lost == {f"modelwatch_gpu_{name}" for name in costs}


@pytest.mark.parametrize(
    ("function", "answer", "metric"),
    [
        ("nvmlDeviceGetPowerUsage", 2**32 - 1, series.GPU_EXPORTER_POWER),
        ("nvmlDeviceGetPowerUsage", 0x7FFF_FFF0, series.GPU_EXPORTER_POWER),
        ("nvmlDeviceGetPowerUsage", float("nan"), series.GPU_EXPORTER_POWER),
        ("nvmlDeviceGetTotalEnergyConsumption", 2**64 - 1, series.GPU_EXPORTER_ENERGY_TOTAL),
        ("nvmlDeviceGetTemperatureV", 2**32 - 1, series.GPU_EXPORTER_TEMPERATURE),
        ("nvmlDeviceGetPerformanceState", 32, series.GPU_EXPORTER_PERFORMANCE_STATE),
        ("nvmlDeviceGetComputeMode", 17, series.GPU_EXPORTER_COMPUTE_MODE),
        ("nvmlDeviceGetCurrPcieLinkWidth", 2**32 - 1, series.GPU_EXPORTER_PCIE_WIDTH),
        ("nvmlDeviceGetEncoderUtilization", [2**32 - 1, 0], None),
        (("nvmlDeviceGetTotalEccErrors", 1, 0), 2**64 - 1, series.GPU_EXPORTER_ECC_TOTAL),
    ],
    ids=str,
)
def test_a_number_that_stands_for_no_value_is_absent(
    function: Any, answer: Any, metric: Metric | None
) -> None:
    card = h100()
    card.answers[function] = answer
    page = Bench(card).scrape()
    if metric is None:
        assert (UUIDS[0], "encoder") not in page[series.GPU_EXPORTER_MEDIA.name]
    else:
        assert metric.name not in page
    assert up(page) == {UUIDS[0]: 1}


def test_a_field_without_a_value_is_absent() -> None:
    card = h100()
    card.fields[pynvml.NVML_FI_DEV_MEMORY_TEMP] = numbered(2**32 - 1, kind=1, part="uiVal")
    assert series.GPU_EXPORTER_MEMORY_TEMPERATURE.name not in Bench(card).scrape()


def test_an_older_driver_is_asked_the_older_questions() -> None:
    card = h100()
    for name in ("nvmlDeviceGetTemperatureV", "nvmlDeviceGetCurrentClocksEventReasons"):
        card.answers[name] = error("FUNCTION_NOT_FOUND")
    card.answers["nvmlDeviceGetTemperature"] = 59
    card.answers["nvmlDeviceGetCurrentClocksThrottleReasons"] = 0x40
    card.answers["nvmlDeviceGetMemoryInfo", pynvml.nvmlMemory_v2] = error("FUNCTION_NOT_FOUND")
    del card.fields[pynvml.NVML_FI_DEV_NVLINK_LINK_COUNT]
    page = Bench(card).scrape()
    gpu = UUIDS[0]
    assert page[series.GPU_EXPORTER_TEMPERATURE.name] == {(gpu,): 59}
    assert page[series.GPU_EXPORTER_THROTTLE_REASON.name][(gpu, "hw_thermal_slowdown")] == 1
    assert page[series.GPU_EXPORTER_MEMORY_USED.name] == {(gpu,): 40_551 * MIB}
    assert series.GPU_EXPORTER_MEMORY_RESERVED.name not in page
    assert len(page[series.GPU_EXPORTER_NVLINK_UP.name]) == 2


def test_a_newer_driver_tells_held_back_time_as_fields() -> None:
    card = h100()
    for policy in range(6):
        card.answers["nvmlDeviceGetViolationStatus", policy] = error("DEPRECATED")
    card.fields[pynvml.NVML_FI_DEV_PERF_POLICY_THERMAL] = numbered(5 * 10**9)
    page = Bench(card).scrape()
    assert page[series.GPU_EXPORTER_THROTTLED_SECONDS.name] == {(UUIDS[0], "thermal"): 5}


def test_what_a_card_keeps_of_memory_adds_up() -> None:
    page = Bench(h100(0)).scrape()
    parts = ("USED", "FREE", "RESERVED")
    found = [page[getattr(series, f"GPU_EXPORTER_MEMORY_{part}").name] for part in parts]
    total = page[series.GPU_EXPORTER_MEMORY_TOTAL.name][(UUIDS[0],)]
    assert sum(one[(UUIDS[0],)] for one in found) == total
    assert total < 80 * GIB
