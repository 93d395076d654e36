"""What it takes to tell how far two clouds of vectors are apart: streamed, exactly, by Evidently.

Evidently gets an environment of its own, as in `drift.py`, and is left out where it cannot be
installed.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.drift import environments
from benchmarks.measured import table, verdict
from exporters.drift.baseline import Baseline, text
from exporters.drift.embeddings import distances, fourier
from exporters.drift.embeddings.building import Building

COUNT, LENGTH, CLUSTERS = 10_000, 384, 20
GOAL_TIMES, GOAL_MEMORY, GOAL_APART = 50, 20, 0.15
_CELL = Path(__file__).with_name("embeddings_cell.py")

Cloud = NDArray[np.float32]
Measured = dict[str, Any]
"""What `embeddings_cell.py` prints."""


def run() -> None:
    """Make two clouds, measure each way in its own process, print times, memory, agreement."""
    print(f"MMD of {COUNT} vectors beside {COUNT} of {LENGTH} components; on one core each\n")
    reference, live = clouds()
    with tempfile.TemporaryDirectory(prefix="modelwatch-benchmark-") as name:
        paths = [Path(name) / "reference.npy", Path(name) / "live.npy"]
        for path, cloud in zip(paths, (reference, live), strict=True):
            np.save(path, cloud)
        took_s = _write_baseline(paths[0].with_name("baseline.json"), reference)
        ours = _measured(sys.executable, "streamed", paths)
        exact = _measured(sys.executable, "exact", paths, ours["gamma"])
        theirs = None
        for _, python in environments(("evidently",)):
            theirs = _measured(python, "evidently", paths)
    rows = [_row("streamed, all five distances", ours), _row("exact, in blocks", exact)]
    if theirs:
        rows.append(_row("Evidently", theirs))
    print(table(("", "MMD squared", "gamma", "on the clock", "on the core", "extra memory"), rows))
    print(f"\nthe baseline, once: {took_s:.1f} s of processors")
    _tell("exact", ours, exact, abs(ours["value"] / exact["value"] - 1))
    if theirs:
        near = _at(reference, live, theirs["gamma"])
        _tell("Evidently", ours, theirs, abs(near / theirs["value"] - 1))


def clouds() -> tuple[Cloud, Cloud]:
    """Unit vectors around twenty centres; the second cloud has other shares of them."""
    drawn = np.random.Generator(np.random.PCG64(7))
    centres = drawn.standard_normal((CLUSTERS, LENGTH))
    shares = np.full((2, CLUSTERS), 1 / CLUSTERS)
    shares[1] *= np.where(np.arange(CLUSTERS) % 2, 0.4, 1.6)
    found = []
    for share in shares:
        vectors = centres[drawn.choice(CLUSTERS, COUNT, p=share)]
        vectors = vectors + drawn.standard_normal((COUNT, LENGTH))
        found.append(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    return found[0].astype(np.float32), found[1].astype(np.float32)


def _write_baseline(path: Path, reference: Cloud) -> float:
    """Build it; returns the seconds that processors took."""
    started = time.process_time()
    building = Building("question", LENGTH)
    building.add(reference.astype(np.float64))
    embedding = building.embedding()
    took_s = time.process_time() - started
    moment = "2026-05-01T12:00:00Z"
    baseline = Baseline(
        model="search",
        version="1",
        created=moment,
        newest=moment,
        rows=COUNT,
        features=(embedding,),
    )
    path.write_text(text(baseline), encoding="utf-8")
    return took_s


def _measured(python: str | Path, way: str, paths: list[Path], gamma: float = 0.0) -> Measured:
    command = [str(python), str(_CELL), way, *map(str, paths), str(gamma)]
    root = str(_CELL.parent.parent)
    said = subprocess.run(
        command,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1"),
            "PYTHONPATH": root if way == "streamed" else "",
        },
    )
    found: Measured = json.loads(said.stdout)
    return found


def _at(reference: Cloud, live: Cloud, gamma: float) -> float:
    """The MMD squared by Fourier features with this gamma."""
    drawn = fourier.frequencies(LENGTH, seed=1, features=fourier.FEATURES, gamma=gamma)
    means = [
        fourier.mapped(side.astype(np.float64), drawn).mean(axis=0) for side in (live, reference)
    ]
    return float(distances.mmd(means[0], COUNT, means[1], COUNT))


def _row(name: str, found: Measured) -> tuple[str, ...]:
    return (
        name,
        f"{found['value']:.5f}",
        f"{found['gamma']:.4f}",
        f"{statistics.median(found['times_s']):.3f} s",
        f"{statistics.median(found['cpu_s']):.3f} s",
        f"{found['extra_bytes'] / 1e6:.1f} MB",
    )


def _tell(name: str, ours: Measured, theirs: Measured, apart: float) -> None:
    # Time on the core: others may work on the machine meanwhile.
    times = statistics.median(theirs["cpu_s"]) / statistics.median(ours["cpu_s"])
    memory = theirs["extra_bytes"] / max(ours["extra_bytes"], 1)
    print(f"\nbeside {name}, at the same gamma:")
    print(verdict(f"{apart:.1%} apart, of {GOAL_APART:.0%}", reached=apart <= GOAL_APART))
    if name == "exact":
        print(f"{times:.0f} times quicker")
    else:
        print(verdict(f"{times:.0f} times quicker, of {GOAL_TIMES}", reached=times >= GOAL_TIMES))
        line = f"1/{memory:.0f} of its extra memory, of 1/{GOAL_MEMORY}"
        print(verdict(line, reached=memory >= GOAL_MEMORY))
