"""What a scrape of the cards costs, beside asking nvidia-smi for the same facts.

Without cards eight scripted ones of the tests are measured: that is the exporter's own
part, without NVML.
"""

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.measured import table, usage
from exporters.base.collecting import Page
from exporters.base.exporter import Context
from exporters.base.rendering import render
from exporters.gpu import EXPORTER
from exporters.gpu.library import BINDING, load
from modelwatch.problems import Unreachable

SCRAPES = 50
SIMULATED = 8
QUERY = (
    "uuid,utilization.gpu,utilization.memory,memory.used,memory.free,memory.total,"
    "memory.reserved,power.draw,enforced.power.limit,temperature.gpu,temperature.memory,clocks.sm,"
    "clocks.mem,clocks.video,clocks.max.sm,clocks.max.mem,clocks_event_reasons.active,"
    "ecc.errors.corrected.volatile.total,ecc.errors.uncorrected.volatile.total,"
    "ecc.errors.corrected.aggregate.total,ecc.errors.uncorrected.aggregate.total,"
    "retired_pages.pending,pcie.link.gen.current,pcie.link.width.current,fan.speed,pstate,"
    "persistence_mode,compute_mode,mig.mode.current,vbios_version,serial,pci.bus_id"
)
"""Of the exporter's facts those that one call of nvidia-smi can tell."""


def _cards() -> tuple[str, int]:
    """The library to measure with, and how many cards it has."""
    try:
        library = load(BINDING)
        library.call("nvmlInit")
        count = int(library.call("nvmlDeviceGetCount"))
    except Exception as problem:  # noqa: BLE001  # whatever it is, there is nothing to measure
        print(f"No card here ({problem}): {SIMULATED} scripted cards instead.")
        return "tests.exporters.eight_cards", SIMULATED
    return BINDING, count


def _timed(work: Callable[[], object]) -> tuple[list[float], float]:
    """Seconds of each run, and seconds of processor time of all."""
    seconds, began = [], time.process_time()
    for _ in range(SCRAPES):
        at = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - at)
    return seconds, time.process_time() - began


def _row(what: str, seconds: list[float], cpu_s: float, cards: int) -> tuple[str, ...]:
    middle = statistics.median(seconds)
    slowest = sorted(seconds)[int(0.95 * len(seconds))]
    each_cpu = cpu_s / len(seconds)
    return (
        what,
        f"{1000 * middle:.1f} ms",
        f"{1000 * slowest:.1f} ms",
        f"{1000 * middle / cards:.2f} ms",
        f"{1000 * each_cpu:.1f} ms",
        f"{100 * each_cpu / 15:.3f}%",
    )


def _scrapes(library: str, cards: int) -> tuple[str, ...]:
    with tempfile.TemporaryDirectory() as folder:
        context = Context(
            inventory=None,
            constants=lambda _: (),
            state_dir=Path(folder),
            options={"library": library, "host": "here", "pool": "pool"},
        )
        parts = EXPORTER.start(context)
        page = Page("gpu", parts.collectors)
        size = 0

        def scrape() -> None:
            nonlocal size
            size = len(render(page.families(10), openmetrics=False))

        scrape()
        row = _row("exporter", *_timed(scrape), cards)
        print(f"A page of {cards} cards has {size / 1024:.0f} KiB.")
        return row


def _nvidia_smi(cards: int) -> tuple[str, ...] | None:
    program = shutil.which("nvidia-smi")
    if program is None:
        print("nvidia-smi is not here.")
        return None
    command = [program, f"--query-gpu={QUERY}", "--format=csv,noheader,nounits"]
    try:
        runs = [usage(command) for _ in range(max(3, SCRAPES // 5))]
    except Unreachable as problem:
        print(f"nvidia-smi does not answer: {problem}")
        return None
    return _row(
        "nvidia-smi", [one.elapsed_s for one in runs], sum(one.cpu_s for one in runs), cards
    )


def run() -> None:
    """Measure and print."""
    library, cards = _cards()
    rows = [row for row in (_scrapes(library, cards), _nvidia_smi(cards)) if row is not None]
    columns = ("", "scrape", "95% within", "per card", "CPU", "of a core, every 15 s")
    print(table(columns, rows))


if __name__ == "__main__":
    run()
