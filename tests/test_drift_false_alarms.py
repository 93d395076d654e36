"""Without drift, drift is told in two of a hundred windows at the most, from 100 values on.

Every statistic in each window alone, above its limit and its noise floor, without the floor of
samples that the inventory asks for besides. The numbers are those of docs/drift-statistics.md.
"""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from modelwatch import defaults
from tests.drift_numbers import Numbers, Past, chi2_quantile, floors, rate, statistics

TRIALS = 400
SIZES = (100, 200, 500, 1000, 5000)
BASELINES = (50_000, 1_000)
BINS = 10
ALLOWED = 0.02
LIMITS = {
    kind.part: float(kind.value.removesuffix("%")) / (100 if kind.measure == "share" else 1)
    for kind in defaults.LIMITS.values()
    if kind.signal == "drift"
}
DOCUMENT = Path(__file__).parent.parent / "docs" / "drift-statistics.md"

CATEGORIES = (0.4, 0.25, 0.15, 0.1, 0.06, 0.04)
Draw = Callable[[np.random.Generator, tuple[int, ...]], Numbers]
FEATURES: Mapping[str, Draw] = {
    "normal": lambda chance, size: chance.standard_normal(size),
    "lognormal": lambda chance, size: np.exp(chance.standard_normal(size)),
    "six categories": lambda chance, size: chance.choice(6, size, p=CATEGORIES).astype(float),
}


def baseline(kind: str, rows: int, chance: np.random.Generator) -> tuple[Past, Numbers]:
    """The counts of a baseline by its own quantiles, and the boundaries between its bins."""
    values = FEATURES[kind](chance, (rows,))
    if kind == "six categories":
        edges = np.arange(len(CATEGORIES) - 1.0)
        return Past(counts=counted(values[None], edges)[0]), edges
    edges = np.quantile(values, np.arange(1, BINS) / BINS)
    counts = counted(values[None], edges)[0]
    sums = np.bincount(np.searchsorted(edges, values), weights=values, minlength=BINS)
    return Past(counts=counts, widths=np.diff(sums / counts) / values.std()), edges


def counted(values: Numbers, edges: Numbers) -> Numbers:
    """Values per bin and row; a value that is a boundary lies below it."""
    rows, bins = len(values), len(edges) + 1
    place = np.searchsorted(edges, values) + bins * np.arange(rows)[:, None]
    return np.bincount(place.ravel(), minlength=rows * bins).reshape(rows, bins).astype(float)


@cache
def alarms(kind: str, rows: int, n: int) -> Mapping[str, float]:
    """Share of windows without drift in which each statistic tells of drift.

    A small baseline is luck itself: each trial has its own, or a large one with twenty others.
    """
    each = 1 if rows < max(BASELINES) else 20
    chance = np.random.Generator(np.random.PCG64([n, rows, *kind.encode()]))
    told: dict[str, list[float]] = {}
    for _ in range(TRIALS // each):
        past, edges = baseline(kind, rows, chance)
        now = counted(FEATURES[kind](chance, (each, n)), edges)
        floor = floors(now.sum(axis=-1), past)
        for method, distance in statistics(now, past).items():
            over = (distance > LIMITS[method]) & (distance > floor[method])
            told.setdefault(method, []).extend(over)
    return {method: float(np.mean(over)) for method, over in told.items()}


CASES = [(kind, rows, n) for kind in FEATURES for rows in BASELINES for n in SIZES]


@pytest.mark.parametrize(("kind", "rows", "n"), CASES)
def test_without_drift_every_statistic_is_silent(kind: str, rows: int, n: int) -> None:
    assert not {method: share for method, share in alarms(kind, rows, n).items() if share > ALLOWED}


@pytest.mark.parametrize("share", [0.0005, 0.003, 0.01, 0.05, 0.3])
@pytest.mark.parametrize("rows", BASELINES)
@pytest.mark.parametrize("n", SIZES)
def test_without_drift_every_rate_is_silent(share: float, rows: int, n: int) -> None:
    chance = np.random.Generator(np.random.PCG64([n, rows, int(share * 1e4)]))
    then = chance.binomial(rows, share, TRIALS) / rows
    found = chance.binomial(n, share, TRIALS).astype(float)
    larger, floor = rate(found, np.full(TRIALS, float(n)), then, rows)
    for method in ("missing", "unseen", "out_of_range"):
        assert np.mean((larger > LIMITS[method]) & (larger > floor)) <= ALLOWED, method


def test_the_quantile_of_chi_square_is_that_of_the_tables() -> None:
    tables = {1: 6.635, 2: 9.210, 5: 15.086, 9: 21.666, 19: 36.191}
    assert {freedom: chi2_quantile(freedom) for freedom in tables} == pytest.approx(
        tables, rel=0.01
    )


def test_the_document_has_the_measured_false_alarms() -> None:
    assert table() in DOCUMENT.read_text()


def table() -> str:
    """False alarms as the document prints them, in percent."""
    methods = ("psi", "ks", "js", "chi2", "wasserstein")
    lines = [f"| values | baseline | n | {' | '.join(methods)} |", "|---" * 8 + "|"]
    for kind, rows, n in CASES:
        found = alarms(kind, rows, n)
        shares = (f"{100 * found[name]:.1f}" if name in found else "" for name in methods)
        lines.append(f"| {kind} | {rows} | {n} | {' | '.join(shares)} |")
    return "\n".join(lines)
