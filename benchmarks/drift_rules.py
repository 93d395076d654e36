"""What the recording rules of drift cost a Prometheus: 100 features with ten bins each."""

import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from alerts.recorded import drift, drift_counts
from benchmarks.measured import table, usage
from benchmarks.server import Server, prometheus
from generator.rule_files import record_file
from modelwatch.catalogue.drift import METHODS, RATES
from modelwatch.inventory import Settings

FEATURES = 100
EDGES = ("1.0", "2.0", "3.0", "4.0", "5.0", "6.0", "7.0", "8.0", "9.0", "+Inf")
SCRAPE_S = 15
HOUR_S = 3_600
PER_EDGE_AND_SCRAPE = 3
EVERY_S = 10
"""Rules are evaluated as often, so that there is something to take the median of."""
MEASURED_S = 100

_DURATION = "prometheus_rule_group_last_duration_seconds"


def run() -> None:
    """Measure and print how long each group takes."""
    with tempfile.TemporaryDirectory(prefix="modelwatch-benchmark-") as name:
        folder = Path(name)
        until = int(time.time())
        (folder / "past.om").write_text("".join(_past(until)) + "# EOF\n", encoding="utf-8")
        create = ("promtool", "tsdb", "create-blocks-from", "openmetrics")
        usage([*create, folder / "past.om", folder / "storage"])
        rules = record_file((*drift_counts.GROUPS, *drift.GROUPS), Settings())
        (folder / "drift.yml").write_text(
            rules.replace("interval: 4m", f"interval: {EVERY_S}s"), encoding="utf-8"
        )
        configuration = {"rule_files": ["drift.yml"]}
        with prometheus(folder, storage=folder / "storage", configuration=configuration) as server:
            print(_measured(server))


def _measured(server: Server) -> str:
    found: dict[str, list[float]] = {}
    series: dict[str, int] = {}
    ends = time.monotonic() + MEASURED_S
    while time.monotonic() < ends:
        time.sleep(EVERY_S)
        for key, value in server.samples().items():
            if key.startswith(_DURATION):
                group = re.sub(r".*;(.*)\"}", r"\1", key)
                found.setdefault(group, []).append(value)
    _, answer = server.asked(
        'count by (__name__) ({__name__=~"model:drift.*"})',
        start=time.time() - EVERY_S,
        end=time.time(),
        step=EVERY_S,
    )
    for row in answer["result"]:
        series[row["metric"]["__name__"]] = int(row["values"][-1][1])
    rows = [
        [group, f"{statistics.median(took) * 1000:.0f}", f"{min(took) * 1000:.0f}"]
        for group, took in found.items()
    ]
    return (
        f"Prometheus {server.version}, {FEATURES} features x {len(EDGES)} bins, three windows\n\n"
        + table(["group", "median ms", "least ms"], rows)
        + "\n\n"
        + table(["recorded", "series"], sorted([name, count] for name, count in series.items()))
    )


def _past(until: int) -> Iterator[str]:
    """The last hour of counters, and for each hour before it what was recorded at its end."""
    scrapes = range(until - HOUR_S, until + 1, SCRAPE_S)
    for place, edge in enumerate(EDGES, 1):
        for labels in _features(le=edge):
            for number, moment in enumerate(scrapes):
                count = number * place * PER_EDGE_AND_SCRAPE
                yield f"modelwatch_drift_values_bucket{labels} {count} {moment}\n"
    whole = len(EDGES) * PER_EDGE_AND_SCRAPE
    for name, per_scrape in (("observations", whole + 1), ("missing", 1), ("out_of_range", 0)):
        for labels in _features():
            for number, moment in enumerate(scrapes):
                yield f"modelwatch_drift_{name}_total{labels} {number * per_scrape} {moment}\n"
    yield from _baseline(until)
    for window, ends in (("1h", range(1, 6)), ("6h", range(6, 24, 6))):
        for place, edge in enumerate(EDGES, 1):
            yield from _hours("model:drift_buckets:increase", until, ends, place, window, le=edge)
            yield from _hours("model:drift_bins:increase", until, ends, 1, window, bin=edge)
        yield from _hours("model:drift:observations", until, ends, 11, window)
        yield from _hours("model:drift_rates:increase", until, ends, 1, window, method="missing")


def _hours(
    name: str, until: int, ends: range, times: int, window: str, **labels: str
) -> Iterator[str]:
    for each in _features(window=window, **labels):
        # Found until five minutes later: longer than this takes.
        for hours in reversed(ends):
            yield f"{name}{each} {times * 720} {until - hours * HOUR_S}\n"


def _baseline(until: int) -> Iterator[str]:
    def constant(name: str, value: float, **labels: str) -> Iterator[str]:
        for each in _features(**labels):
            yield f"modelwatch_drift_baseline_{name}{each} {value} {until}\n"

    for place, edge in enumerate(EDGES):
        yield from constant("cdf_ratio", (place + 1) / len(EDGES), le=edge)
    for edge in EDGES:
        yield from constant("bin_ratio", 1 / len(EDGES), bin=edge)
    for edge in EDGES[:-1]:
        yield from constant("bin_width_ratio", 0.4, le=edge)
    for before, edge in pairwise(EDGES):
        yield from constant("bin_info", 1, le=edge, previous_le=before)
    yield from constant("samples", 50_000)
    model = 'model="fraud",environment="production"'
    for method in (*METHODS, *RATES):
        yield f'model:threshold:value{{{model},signal="drift",method="{method}"}} 0.1 {until}\n'
    yield f'model:floor:events{{{model},signal="drift"}} 500 {until}\n'
    for method in ("missing", "out_of_range"):
        yield from constant("rate_ratio", 0, method=method)


def _features(**labels: str) -> Iterator[str]:
    more = "".join(f',{key}="{text}"' for key, text in labels.items())
    for number in range(FEATURES):
        yield (
            f'{{model="fraud",environment="production",feature_name="feature_{number}",'
            f'baseline="3f2a51c09e77"{more}}}'
        )
