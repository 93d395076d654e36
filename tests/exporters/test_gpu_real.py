"""The exporter on the cards of this machine, where there are any."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pynvml
import pytest

from exporters.base.collecting import Page
from exporters.base.exporter import Context, Parts
from exporters.base.families import Family
from exporters.base.rendering import render
from exporters.gpu import EXPORTER
from exporters.gpu.library import SENTINELS
from modelwatch.catalogue import gpu as series

RATIOS = {
    series.GPU_EXPORTER_UTILIZATION,
    series.GPU_EXPORTER_MEMORY_BANDWIDTH,
    series.GPU_EXPORTER_MEDIA,
    series.GPU_EXPORTER_THROTTLED,
}


@pytest.fixture(name="count", scope="module")
def _count() -> Iterator[int]:
    """How many cards NVML counts here."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as problem:
        # Unlike a missing program, a missing card is no mistake of the machine, in CI neither.
        pytest.skip(f"no card here: {problem}")
    found = pynvml.nvmlDeviceGetCount()
    yield found
    pynvml.nvmlShutdown()


@pytest.fixture(name="parts")
def _parts(count: int, tmp_path: Path) -> Iterator[Parts]:
    assert count
    context = Context(inventory=None, constants=lambda _: (), state_dir=tmp_path)
    parts = EXPORTER.start(context)
    for work in parts.work:
        work.start()
    yield parts
    for work in parts.work:
        work.stop()


def scraped(parts: Parts) -> dict[str, Family]:
    page = Page("gpu", parts.collectors)
    page.families(10)
    return {family.metric.name: family for family in page.families(10)}


def test_every_card_answers_with_numbers_that_can_be(parts: Parts, count: int) -> None:
    found = scraped(parts)
    up = found[series.GPU_EXPORTER_CARD_UP.name].samples
    assert len(up) == count
    assert set(up.values()) == {1}
    for family in found.values():
        values = [one for one in family.samples.values() if isinstance(one, int | float)]
        assert not SENTINELS & set(values), family.metric
        if family.metric in RATIOS:
            assert all(0 <= one <= 1 for one in values), family.metric


def test_it_agrees_with_nvidia_smi_about_what_does_not_change(parts: Parts) -> None:
    program = shutil.which("nvidia-smi")
    if program is None:
        pytest.skip("nvidia-smi is not here")
    asked = "uuid,name,driver_version,memory.total,pci.bus_id"
    told = subprocess.run(
        [program, f"--query-gpu={asked}", "--format=csv,noheader,nounits"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = scraped(parts)
    totals = found[series.GPU_EXPORTER_MEMORY_TOTAL.name].samples
    for line in told.splitlines():
        uuid, name, driver, memory_mib, bus = (word.strip() for word in line.split(","))
        (info,) = [
            labels for labels in found[series.GPU_EXPORTER_INFO.name].samples if labels[3] == uuid
        ]
        assert (info[5], info[9], info[7]) == (name, driver, bus)
        (total,) = [value for labels, value in totals.items() if labels[3] == uuid]
        assert isinstance(total, int | float)
        assert total / 1024**2 == pytest.approx(float(memory_mib), abs=1)


@pytest.mark.real
def test_promtool_accepts_the_page_of_real_cards(parts: Parts, promtool: Path) -> None:
    page = render(list(scraped(parts).values()), openmetrics=False)
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=page, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, b"")
