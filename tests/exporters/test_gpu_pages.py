"""The GPU exporter's pages: fit for Prometheus, and the same under two sets of names."""

import subprocess
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporters.base.rendering import render
from exporters.gpu import EXPORTER
from exporters.gpu.dcgm import dcgm_names
from exporters.gpu.facts import Card, Fact, Reading
from exporters.gpu.more import REASONS
from exporters.gpu.page import Snapshot
from modelwatch.catalogue import gpu as series
from modelwatch.catalogue.metric import Metric
from tests.exporters.gpu_bench import UUIDS, Bench
from tests.exporters.gpu_pages import CAPTURED, PAGES, PLACE, pages
from tests.exporters.nvml import cut, error, h100

BOTH = {"gpu_xid", "gpu_xid_errors"}
"""Told differently: our own names count errors, the others' show the last code."""


def expected(stem: str) -> Mapping[str, Mapping[str, Any]]:
    document = yaml.safe_load((PAGES / f"{stem}.expected.yaml").read_text())
    cards: Mapping[str, Mapping[str, Any]] = document["cards"]
    return cards


@pytest.mark.parametrize("name", sorted(pages()))
def test_the_page_that_proves_the_rules_is_what_the_exporter_writes(name: str) -> None:
    assert (CAPTURED / name).read_text() == pages()[name], "python -m tests.exporters.gpu_pages"


def test_both_sets_of_names_record_the_same_values() -> None:
    own, others = expected("modelwatch_gpu-1"), expected("dcgm_exporter-modelwatch")
    assert own.keys() == others.keys()
    for card, values in own.items():
        assert {key: one for key, one in values.items() if key not in BOTH} == {
            key: one for key, one in others[card].items() if key not in BOTH
        }


@pytest.mark.real
def test_promtool_finds_nothing_to_say_about_the_page(promtool: Path) -> None:
    bench = Bench(h100(0), cut(1))
    bench.scrape()
    bench.library.cards[1] = error("GPU_IS_LOST")
    bench.page.xids.counts[UUIDS[0]] = Counter({"79": 1})
    page = render(bench.page.collect(), openmetrics=False)
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=page, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


@pytest.mark.real
def test_under_the_names_of_others_the_page_is_as_good_as_theirs(promtool: Path) -> None:
    bench = Bench(h100(0), cut(1))
    bench.page.names = "dcgm"
    page = render(bench.page.collect(), openmetrics=False)
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=page, capture_output=True, check=False, text=False
    )
    complaints = [line for line in checked.stderr.decode().splitlines() if line]
    theirs = ('"_total" suffix', "snake_case", "should not include type", "no help text")
    assert [line for line in complaints if not any(words in line for words in theirs)] == []
    assert not any("modelwatch_" in line for line in complaints)


def test_every_metric_of_the_catalogue_is_on_a_page_and_announced() -> None:
    bench = Bench(h100(0), cut(1))
    bench.scrape()
    bench.clock.now += 15
    bench.library.cards.append(error("GPU_IS_LOST"))
    bench.page.xids.counts[UUIDS[0]] = Counter()
    found = {family.metric for family in bench.page.collect()}
    of_cards = {metric for metric in vars(series).values() if isinstance(metric, Metric)}
    assert found == of_cards <= set(EXPORTER.metrics)


def test_slices_are_told_as_dcgm_exporter_does() -> None:
    bench = Bench(cut())
    bench.page.names = "dcgm"
    families = {family.metric.name: family for family in bench.page.collect()}
    used = families["DCGM_FI_DEV_FB_USED"]
    assert used.metric.labels[-2:] == ("GPU_I_PROFILE", "GPU_I_ID")
    assert {labels[-2:]: value for labels, value in used.samples.items()} == {
        ("3g.40gb", "1"): 1000.0,
        ("1g.10gb", "9"): 1000.0,
    }
    assert "DCGM_FI_DEV_GPU_UTIL" not in families


def of(*facts: Fact, **more: Any) -> dict[str, float]:
    """Values under dcgm-exporter's names of one card with these facts."""
    reading = Reading(card=Card(gpu=UUIDS[0], index=0), facts=facts)
    found = dcgm_names(Snapshot(place=PLACE, readings=(reading,), **more))
    return {
        family.metric.name.removeprefix("DCGM_FI_DEV_"): value
        for family in found
        for value in family.samples.values()
        if isinstance(value, int | float)
    }


@pytest.mark.parametrize(
    ("fact", "name", "value"),
    [
        (Fact(series.GPU_EXPORTER_UTILIZATION, 0.29), "GPU_UTIL", 29.0),
        (Fact(series.GPU_EXPORTER_ENERGY_TOTAL, 81.234), "TOTAL_ENERGY_CONSUMPTION", 81234.0),
        (Fact(series.GPU_EXPORTER_MEMORY_USED, 3 * 1024**2), "FB_USED", 3.0),
        (Fact(series.GPU_EXPORTER_CLOCK, 1.98e9, ("sm",)), "SM_CLOCK", 1980.0),
        (Fact(series.GPU_EXPORTER_THROTTLED_SECONDS, 2.5, ("power",)), "POWER_VIOLATION", 2.5e9),
        (
            Fact(series.GPU_EXPORTER_THROTTLE_REASON, 1, ("sw_power_cap",)),
            "CLOCK_THROTTLE_REASONS",
            4,
        ),
        (Fact(series.GPU_EXPORTER_FAN, 0.35, ("0",)), "FAN_SPEED", 35.0),
        (Fact(series.GPU_EXPORTER_POWER, 412.331), "POWER_USAGE", 412.331),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_values_are_in_the_units_of_others(fact: Fact, name: str, value: float) -> None:
    assert of(fact)[name] == value


def test_errors_of_all_links_are_added_up() -> None:
    errors = [
        Fact(series.GPU_EXPORTER_NVLINK_ERRORS_TOTAL, 2.0, (link, "replay")) for link in "012"
    ]
    assert of(*errors)["NVLINK_REPLAY_ERROR_COUNT_TOTAL"] == 6


def test_the_last_error_is_told_by_its_number() -> None:
    assert of(xids={UUIDS[0]: {"79": 2}}, last_xids={UUIDS[0]: 79})["XID_ERRORS"] == 79
    assert of(xids={UUIDS[0]: {"79": 0}})["XID_ERRORS"] == 0
    assert "XID_ERRORS" not in of()


def test_reasons_have_the_bits_of_nvml() -> None:
    import pynvml

    assert [1 << bit for bit in range(len(REASONS))] == [
        getattr(pynvml, f"nvmlClocksEventReason{name}") for name in REASONS.values()
    ]
