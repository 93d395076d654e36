"""What one scrape of an exporter costs, beside prometheus-client, by number of series.

Each way runs in a process of its own, so that its memory is its own. Every value is another one in
each scrape: a page that stays as it was would be no work for anybody. Of the client's direct
metrics only the writing counts as a scrape, of ours everything: the collector, its thread and the
writing.
"""

import gzip
import json
import random
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.openmetrics import exposition
from prometheus_client.registry import Collector

from benchmarks.measured import RSS_UNIT, table, verdict
from exporters.base.collecting import Page
from exporters.base.families import Distribution, Family
from exporters.base.rendering import render
from modelwatch.catalogue.exposed import KPI_VALUE
from modelwatch.problems import Unreachable

SIZES = (1_000, 10_000, 100_000)
ROUNDS = 7
"""Scrapes of which the cheapest counts, as other work only ever adds time; the first is apart."""

GOAL = 10.0
"""Times less CPU than `generate_latest` with direct metrics, at the largest size."""

DEADLINE_S = 60.0

Labels = tuple[str, ...]
Put = Callable[[Iterable[float]], None]
Scrape = Callable[[], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """One way of serving so many series, in CPU seconds of the whole process."""

    put_s: float
    """Telling it the values, between scrapes."""
    first_s: float
    scrape_s: float
    page_bytes: int
    more_bytes: int
    """Most memory at once, beyond what the process had before it knew of any series."""


def _direct(series: Sequence[Labels], *, openmetrics: bool) -> tuple[Put, Scrape]:
    registry = CollectorRegistry()
    gauge = Gauge(KPI_VALUE.name, KPI_VALUE.help, KPI_VALUE.labels, registry=registry)

    def put(values: Iterable[float]) -> None:
        for labels, value in zip(series, values, strict=True):
            gauge.labels(*labels).set(value)

    return put, lambda: _by_the_client(registry, openmetrics=openmetrics)


def _client_collector(series: Sequence[Labels], *, openmetrics: bool) -> tuple[Put, Scrape]:
    state: dict[Labels, float] = {}

    class Custom(Collector):
        def collect(self) -> Iterator[GaugeMetricFamily]:
            family = GaugeMetricFamily(KPI_VALUE.name, KPI_VALUE.help, labels=KPI_VALUE.labels)
            for labels, value in state.items():
                family.add_metric(labels, value)
            yield family

    registry = CollectorRegistry()
    registry.register(Custom())
    return (
        lambda values: state.update(zip(series, values, strict=True)),
        lambda: _by_the_client(registry, openmetrics=openmetrics),
    )


def _by_the_client(registry: CollectorRegistry, *, openmetrics: bool) -> bytes:
    if not openmetrics:
        return generate_latest(registry)
    page: bytes = exposition.generate_latest(registry)  # type: ignore[no-untyped-call]  # theirs
    return page


def _ours_added(series: Sequence[Labels], *, openmetrics: bool) -> tuple[Put, Scrape]:
    state: dict[Labels, float | Distribution] = {}

    def collect() -> Iterator[Family]:
        family = Family(KPI_VALUE)
        for labels, value in state.items():
            family.add(value, *labels)
        yield family

    return _ours(series, state, collect, openmetrics=openmetrics)


def _ours_handed_over(series: Sequence[Labels], *, openmetrics: bool) -> tuple[Put, Scrape]:
    state: dict[Labels, float | Distribution] = {}
    return _ours(series, state, lambda: [Family(KPI_VALUE, state)], openmetrics=openmetrics)


@dataclass(frozen=True, slots=True)
class _Source:
    name: str
    collect: Callable[[], Iterable[Family]]


def _ours(
    series: Sequence[Labels],
    state: dict[Labels, float | Distribution],
    collect: Callable[[], Iterable[Family]],
    *,
    openmetrics: bool,
) -> tuple[Put, Scrape]:
    page = Page("benchmark", [_Source("values", collect)])
    return (
        lambda values: state.update(zip(series, values, strict=True)),
        lambda: render(page.families(DEADLINE_S), openmetrics=openmetrics),
    )


DIRECT = "client, direct metrics"
HANDED_OVER = "ours, dictionary handed over"
WAYS = {
    DIRECT: _direct,
    "client, custom collector": _client_collector,
    "ours, Family.add": _ours_added,
    HANDED_OVER: _ours_handed_over,
}


def cost(way: str, size: int, *, openmetrics: bool) -> Cost:
    """Measure a way in this process."""
    chance = random.Random(size)  # noqa: S311  # the same values in every run
    before = _peak_bytes()
    series = [(f"model-{at % 1000}", "production", f"kpi-{at // 1000}") for at in range(size)]
    put, scrape = WAYS[way](series, openmetrics=openmetrics)
    put_s, scrape_s = [], []
    page = b""
    for _ in range(ROUNDS):
        values = [chance.random() * 1000 for _ in series]
        started = time.process_time()
        put(values)
        told = time.process_time()
        page = scrape()
        put_s.append(told - started)
        scrape_s.append(time.process_time() - told)
    return Cost(
        put_s=min(put_s),
        first_s=scrape_s[0],
        scrape_s=min(scrape_s[1:]),
        page_bytes=len(page),
        more_bytes=_peak_bytes() - before,
    )


def _peak_bytes() -> int:
    """Most memory at once; the resource usage of a child begins with that of its parent."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT
    [kib] = re.findall(r"^VmHWM:\s+(\d+) kB", status, flags=re.MULTILINE)
    return int(kib) * 1024


def run(sizes: Sequence[int] = SIZES) -> None:
    """Measure every way at every size, print tables and whether the goal is reached."""
    found = {
        (way, size, openmetrics): _apart(way, size, openmetrics=openmetrics)
        for size in sizes
        for openmetrics in (False, True)
        for way in WAYS
    }
    rows = []
    for (way, size, openmetrics), one in found.items():
        times = found[DIRECT, size, openmetrics].scrape_s / one.scrape_s
        rows.append(
            (
                f"{size} {'OpenMetrics' if openmetrics else 'text'}: {way}",
                _ms(one.scrape_s),
                f"{times:.1f}",
                _ms(one.first_s),
                _ms(one.put_s),
                f"{one.page_bytes / 1e6:.2f} MB",
                f"{one.more_bytes / 1e6:.0f} MB",
            )
        )
    columns = ("series, format: way", "scrape", "times less", "first", "put", "page", "memory")
    print(table(columns, rows))
    print()
    print(table(("series", "gzip 1", "size", "gzip 9", "size"), [_zipped(size) for size in sizes]))
    print()
    size = sizes[-1]
    direct, ours = (found[way, size, False].scrape_s for way in (DIRECT, HANDED_OVER))
    print(
        verdict(
            f"{size} series cost {direct / ours:.1f} times less CPU per scrape than "
            f"`generate_latest` with direct metrics; {GOAL:g} is the goal",
            reached=direct / ours >= GOAL,
        )
    )


def _apart(way: str, size: int, *, openmetrics: bool) -> Cost:
    """Measure a way in a process of its own."""
    program = (
        "import json; from dataclasses import asdict; from benchmarks.exposition import cost; "
        f"print(json.dumps(asdict(cost({way!r}, {size}, openmetrics={openmetrics}))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise Unreachable(f"the process of {way} failed: {done.stderr.strip()[-2000:]}")
    return Cost(**json.loads(done.stdout))


def _zipped(size: int) -> tuple[object, ...]:
    chance = random.Random(size)  # noqa: S311  # the same values in every run
    family = Family(KPI_VALUE)
    for at in range(size):
        labels = (f"model-{at % 1000}", "production", f"kpi-{at // 1000}")
        family.add(chance.random() * 1000, *labels)
    page = render([family], openmetrics=False)
    cells: list[object] = [size]
    for level in (1, 9):
        started = time.process_time()
        packed = gzip.compress(page, compresslevel=level)
        cells += [_ms(time.process_time() - started), f"{len(packed) / 1e6:.2f} MB"]
    return tuple(cells)


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.2f} ms" if seconds < 0.01 else f"{seconds * 1e3:.0f} ms"
