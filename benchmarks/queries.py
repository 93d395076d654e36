"""What a board's query costs, recorded and raw: p95 of the slowest models over six hours."""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import history, pages, steady
from benchmarks.measured import table, verdict
from benchmarks.server import Server, prometheus
from dashboards.shared import top
from modelwatch.catalogue.recorded import QUANTILES
from modelwatch.promql import select

GOAL = 100
PAST_S = 6 * 3_600
STEP_S = 60
ROUNDS = 3

RECORDED = QUANTILES["request_duration"]
RECORDED_STEP_S = 30


def run(models: int) -> None:
    """Write the same past in both forms, ask both, print times and whether the goal is reached."""
    until = int(time.time())
    past = (
        *steady.raw_buckets(models, PAST_S),
        steady.of_metric(RECORDED, models, PAST_S, RECORDED_STEP_S),
    )
    bucket = f"{pages.buckets('request_duration')[0]}_bucket"
    queries = {
        "raw": top(f"histogram_quantile(0.95, sum by (model_name, le) (rate({bucket}[5m])))"),
        "recorded": top(select(RECORDED, quantile="0.95")),
    }
    with tempfile.TemporaryDirectory(prefix="modelwatch-benchmark-") as name:
        folder = Path(name)
        samples = history.write(past, until=until, storage=folder / "data", scratch=folder)
        print(f"{models} models, {samples / 1e6:.1f} million samples\n", flush=True)
        with prometheus(folder, storage=folder / "data") as server:
            found = {title: _asked(server, query, until) for title, query in queries.items()}
    print(
        table(
            ("", "time", "samples read", "series", "points"),
            [(title, f"{seconds:.3f} s", *rest) for title, (seconds, *rest) in found.items()],
        )
    )
    times = found["raw"][0] / found["recorded"][0]
    print("\n" + verdict(f"recorded is {times:.0f} times quicker", reached=times >= GOAL))


def _asked(server: Server, query: str, until: int) -> tuple[float, int, int, int]:
    """The median of some rounds: seconds, samples read, series and points of the answer."""
    times: list[float] = []
    answer: dict[str, Any] = {}
    for _ in range(ROUNDS):
        seconds, answer = server.asked(query, start=until - PAST_S + STEP_S, end=until, step=STEP_S)
        times.append(seconds)
    result = answer["result"]
    return (
        statistics.median(times),
        answer["stats"]["samples"]["totalQueryableSamples"],
        len(result),
        sum(len(series["values"]) for series in result),
    )
