"""What it takes to ask a Prometheus about a thousand selectors: together, and one by one."""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import history, steady
from benchmarks.measured import table, verdict
from benchmarks.server import prometheus
from generator.asking import Prometheus
from generator.verify.expression import Selector
from generator.verify.matching import Matcher
from generator.verify.present import askable, present
from modelwatch.catalogue.recorded import QUANTILES

GOAL = 5
SELECTORS = 1_000
MODELS = 20
PAST_S = 600


def run() -> None:
    """Write a short past, ask both ways, print times and whether the goal is reached."""
    metric = QUANTILES["request_duration"]
    until = int(time.time())
    past = (steady.of_metric(metric, MODELS, PAST_S, 30),)
    selectors = askable(
        Selector(
            name=metric.name,
            matchers=(
                Matcher(label="quantile", operator="=", value="0.95"),
                Matcher(label="model", operator="!=", value=f"none-{number}"),
            ),
        )
        for number in range(SELECTORS)
    )
    with tempfile.TemporaryDirectory(prefix="modelwatch-benchmark-") as name:
        folder = Path(name)
        history.write(past, until=until, storage=folder / "data", scratch=folder)
        with prometheus(folder, storage=folder / "data") as server:
            asked = Prometheus(url=server.url)
            together = _together(selectors, asked, until)
            single = _single(selectors, asked, until)
    print(
        table(
            ("", "time"),
            [("one by one", f"{single:.2f} s"), ("together", f"{together:.2f} s")],
        )
    )
    print(
        "\n"
        + verdict(
            f"{SELECTORS} selectors together are {single / together:.0f} times quicker",
            reached=single / together >= GOAL,
        )
    )


def _together(selectors: Sequence[Selector], asked: Prometheus, at: float) -> float:
    started = time.perf_counter()
    found = present(selectors, asked, at)
    assert all(found[one.written] is True for one in selectors)
    return time.perf_counter() - started


def _single(selectors: Sequence[Selector], asked: Prometheus, at: float) -> float:
    started = time.perf_counter()
    for one in selectors:
        assert asked.instant(f"count({one.written})", at)
    return time.perf_counter() - started
