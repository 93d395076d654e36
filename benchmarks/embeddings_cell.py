"""One way to compute the MMD of two clouds of vectors, measured in a process of its own.

    python embeddings_cell.py WAY REFERENCE.npy LIVE.npy GAMMA

Prints JSON: `value`, `gamma`, `times_s` and `cpu_s` of each turn, and `extra_bytes`, by which
its memory peaked beyond what it had with all vectors loaded; Linux only. Nothing of modelwatch is
needed but for the way `streamed`, which reads `baseline.json` beside the vectors, so that the
Python of another environment can run it.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

BLOCK = 1_000
Vectors = Any
Way = Callable[[], tuple[float, float]]
"""Returns the MMD squared and the gamma it is of."""


def streamed(_reference: Vectors, live: Vectors, _gamma: float) -> Way:
    """Ours: sums over live vectors beside a baseline; all five distances, not only the MMD."""
    from exporters.drift.baseline import Embedding, read  # noqa: PLC0415  # only ours has it
    from exporters.drift.embeddings.watched import Watched  # noqa: PLC0415

    baseline = read(Path(sys.argv[2]).with_name("baseline.json")).features[0]
    assert isinstance(baseline, Embedding)

    def compute() -> tuple[float, float]:
        watched = Watched(baseline)
        for start in range(0, len(live), BLOCK):
            watched.add(live[start : start + BLOCK].astype(np.float64), 0.0)
        found = watched.distances("1h", 0.0)
        return dict(found.values)["mmd"], baseline.gamma

    return compute


def exact(reference: Vectors, live: Vectors, gamma: float) -> Way:
    """The definition, block by block."""

    def total(left: Vectors, right: Vectors) -> float:
        squares = np.einsum("ij,ij->i", right, right)
        found = 0.0
        for start in range(0, len(left), BLOCK):
            some = left[start : start + BLOCK]
            between = np.einsum("ij,ij->i", some, some)[:, None] + squares - 2 * some @ right.T
            found += float(np.exp(-gamma * np.maximum(between, 0)).sum(dtype=np.float64))
        return found

    def compute() -> tuple[float, float]:
        n, m = len(live), len(reference)
        within = (total(live, live) - n) / (n * (n - 1))
        within += (total(reference, reference) - m) / (m * (m - 1))
        return within - 2 * total(live, reference) / (n * m), gamma

    return compute


def evidently(reference: Vectors, live: Vectors, _gamma: float) -> Way:
    """Evidently's function, with the gamma that it chooses."""
    import pandas as pd  # type: ignore[import-untyped,import-not-found,unused-ignore]  # noqa: PLC0415
    from evidently.legacy.metrics.data_drift.embedding_drift_methods import (  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415
        mmd,
    )
    from sklearn.metrics import (  # type: ignore[import-untyped,import-not-found,unused-ignore]  # noqa: PLC0415
        pairwise_distances,
    )

    ours, theirs = pd.DataFrame(live), pd.DataFrame(reference)
    samples = [side.sample(min(len(side), 1000), random_state=0) for side in (theirs, ours)]
    chosen = 1 / float(np.median(pairwise_distances(*samples))) ** 2
    return lambda: (float(mmd()(ours, theirs)[0]), chosen)


def _memory_bytes(name: str) -> int:
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"no {name}")


def main() -> None:
    """Measure the way that the command line names."""
    way, *paths, gamma = sys.argv[1:]
    reference, live = map(np.load, paths)
    prepare = {"streamed": streamed, "exact": exact, "evidently": evidently}[way]
    compute = prepare(reference, live, float(gamma))
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # the peak begins anew
    before = _memory_bytes("VmRSS")
    times_s, cpu_s = [], []
    for _ in range(7 if way == "streamed" else 1):
        started, worked = time.perf_counter(), time.process_time()
        value, chosen = compute()
        times_s.append(time.perf_counter() - started)
        cpu_s.append(time.process_time() - worked)
    found = {
        "value": value,
        "gamma": chosen,
        "times_s": times_s,
        "cpu_s": cpu_s,
        "extra_bytes": _memory_bytes("VmHWM") - before,
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
