"""One way to compare rows with a reference, in a process of its own: prints what it took.

    python -I drift_tasks.py TASK ROWS COLUMNS SECONDS

Runs in the environment of the library that it measures, so that libraries are imported where they
are used. Everyone gets the same rows: normal values by seed, the later ones a little shifted.
Drawing them is not timed. It is repeated while there are seconds left, ten times at the most, and
counted in processor time.
"""

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

BATCH = 10_000
LEARNED = 10_000
"""Rows that our baseline is made of, before time is taken."""
Run = Callable[[], float]
"""Does everything once and says how many seconds of processor time that was."""


def batches(seed: int, rows: int, columns: int) -> Iterator[Any]:
    """Rows as columns, a batch at a time; no more is in memory."""
    chance = np.random.Generator(np.random.PCG64(seed))
    for begin in range(0, rows, BATCH):
        yield chance.normal(seed * 0.02, 1.0, (columns, min(BATCH, rows - begin)))


def frame(seed: int, rows: int, columns: int) -> Any:
    """The same rows at once, as pandas has them."""
    import pandas as pd  # noqa: PLC0415

    every = np.concatenate(list(batches(seed, rows, columns)), axis=1)
    return pd.DataFrame({f"f{column}": every[column] for column in range(columns)})


def timed(run: Callable[[], object]) -> float:
    """Seconds that one call keeps processors busy: others on the machine do not count."""
    begun = time.process_time()
    run()
    return time.process_time() - begun


def ours(rows: int, columns: int, *, fast: bool = True, lists: bool = False) -> Run:
    """Counting into the bins of a baseline that was made before, then PSI and KS of each column."""
    from exporters.drift.bins import counter_of  # noqa: PLC0415
    from exporters.drift.columns import Numbers  # noqa: PLC0415
    from exporters.drift.statistics import ks, psi  # noqa: PLC0415

    numbers = [Numbers(f"f{column}") for column in range(columns)]
    for batch in batches(1, min(rows, LEARNED), columns):
        for column, values in zip(numbers, batch, strict=True):
            column.add(values)
    features = [feature for column in numbers if (feature := column.feature())]

    def compare(counts: list[Any]) -> None:
        for feature, seen in zip(features, counts, strict=True):
            psi(feature.counts, seen.bins)
            ks(feature.counts, seen.bins)

    def once() -> float:
        counters = [counter_of(feature, fast=fast) for feature in features]
        counts = [counter.empty() for counter in counters]
        spent = 0.0
        for batch in batches(2, rows, columns):
            given = batch.tolist() if lists else batch
            begun = time.process_time()
            for counter, seen, values in zip(counters, counts, given, strict=True):
                counter.count(seen, values)
            spent += time.process_time() - begun
        return spent + timed(partial(compare, counts))

    return once


def learning(rows: int, columns: int) -> Run:
    """Making a baseline out of lists of values."""
    from exporters.drift.columns import Numbers  # noqa: PLC0415

    def once() -> float:
        numbers = [Numbers(f"f{column}") for column in range(columns)]
        spent = 0.0
        for batch in batches(1, rows, columns):
            given = batch.tolist()
            begun = time.process_time()
            for column, values in zip(numbers, given, strict=True):
                column.add(values)
            spent += time.process_time() - begun
        return spent + timed(lambda: [column.feature() for column in numbers])

    return once


def evidently_report(rows: int, columns: int) -> Run:
    """Two reports, as one has one statistic: PSI, then the p-value of KS."""
    from evidently import Report  # noqa: PLC0415
    from evidently.presets import DataDriftPreset  # noqa: PLC0415

    reference, current = (frame(seed, rows, columns) for seed in (1, 2))

    def run() -> None:
        for method in ("psi", "ks"):
            Report([DataDriftPreset(method=method)]).run(current, reference).dict()

    return partial(timed, run)


def evidently_functions(rows: int, columns: int) -> Run:
    """What the report calls for each column, alone."""
    from evidently.legacy.calculations.stattests import (  # noqa: PLC0415
        ks_stat_test,
        psi_stat_test,
    )
    from evidently.legacy.core import ColumnType  # noqa: PLC0415

    reference, current = (frame(seed, rows, columns) for seed in (1, 2))

    def run() -> None:
        for name in reference:
            for test in (psi_stat_test, ks_stat_test):
                test.func(reference[name], current[name], ColumnType.Numerical, 0.1)

    return partial(timed, run)


def nannyml(rows: int, columns: int) -> Run:
    """Kolmogorov-Smirnov and Jensen-Shannon, as it has no PSI; ten chunks, fitting included."""
    import nannyml as nml  # noqa: PLC0415

    reference, current = (frame(seed, rows, columns) for seed in (1, 2))

    def run() -> None:
        nml.UnivariateDriftCalculator(
            column_names=list(reference),
            continuous_methods=["kolmogorov_smirnov", "jensen_shannon"],
            chunk_number=10,
        ).fit(reference).calculate(current)

    return partial(timed, run)


def whylogs(rows: int, columns: int) -> Run:
    """Profiles of both sides, then Kolmogorov-Smirnov of each column, as it has no PSI."""
    import whylogs as why  # noqa: PLC0415
    from whylogs.viz.drift.column_drift_algorithms import (  # noqa: PLC0415
        KS,
        calculate_drift_scores,
    )

    reference, current = (frame(seed, rows, columns) for seed in (1, 2))

    def run() -> None:
        before, now = (why.log(part).profile().view() for part in (reference, current))
        drift_map = {name: KS() for name in reference}
        calculate_drift_scores(target_view=now, reference_view=before, drift_map=drift_map)

    return partial(timed, run)


TASKS: dict[str, Callable[[int, int], Run]] = {
    "ours": ours,
    "ours, lists": partial(ours, lists=True),
    "ours, pure Python": partial(ours, fast=False, lists=True),
    "ours, learning": learning,
    "evidently_report": evidently_report,
    "evidently_functions": evidently_functions,
    "nannyml": nannyml,
    "whylogs": whylogs,
}


def main(task: str, rows: int, columns: int, budget_s: float) -> None:
    """Measure one task and print it as JSON."""
    run = TASKS[task](rows, columns)
    before = time.perf_counter()
    seconds = [run()]
    while len(seconds) < 10 and time.perf_counter() - before + max(seconds) < budget_s:
        seconds.append(run())
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    print(json.dumps({"seconds": seconds, "peak_bytes": peak}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
