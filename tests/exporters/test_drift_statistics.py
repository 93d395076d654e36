"""Distances are those of SciPy, Evidently and NannyML at equal bins, and floors hold.

The data are those of three seeds. What Evidently 0.7.23, NannyML 0.13.1, alibi-detect 0.13.0 and
frouros 0.9.0 say of them was measured once and stands here; SciPy says it again.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from scipy import spatial, stats

from exporters.drift.baseline import Numeric
from exporters.drift.bins import Counts, counter_of
from exporters.drift.chance import chi_square, floor, rate_floor
from exporters.drift.columns import Numbers
from exporters.drift.statistics import chi2, js, ks, psi, wasserstein, widths
from tests import drift_numbers

EXACT = 1e-9


def drawn(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


SHIFT = (
    drawn(101).standard_normal(5000),
    drawn(102).standard_normal(5000) * 1.1 + 0.25,
)
LOGNORMAL = (
    np.exp(drawn(201).standard_normal(8000)),
    np.exp(drawn(202).standard_normal(2000)),
)
WORDS = (
    drawn(301).choice(6, 6000, p=[0.4, 0.25, 0.15, 0.1, 0.06, 0.04]),
    drawn(302).choice(6, 3000, p=[0.3, 0.25, 0.2, 0.1, 0.1, 0.05]),
)


def baseline(values: Any, edges: Sequence[float] = ()) -> Numeric:
    column = Numbers("x")
    column.add(values)
    feature = column.feature()
    assert feature
    if not edges:
        return feature
    places = np.searchsorted(edges, values)
    inside = [np.asarray(values)[places == place] for place in range(len(edges) + 1)]
    return Numeric(
        name="x",
        edges=tuple(edges),
        counts=tuple(map(len, inside)),
        centres=tuple(float(part.mean()) for part in inside),
        missing=0,
        low=feature.low,
        high=feature.high,
        mean=feature.mean,
        deviation=feature.deviation,
    )


def seen(feature: Numeric, values: Any) -> Counts:
    counts = counter_of(feature).empty()
    counter_of(feature).count(counts, values)
    return counts


def pair(data: Any, *, quantiles: int = 0, sturges: bool = False) -> tuple[list[int], list[int]]:
    """Both counts in bins of the reference's quantiles, or in Evidently's of both together."""
    then, now = data
    if sturges:
        edges = np.histogram_bin_edges(np.concatenate([then, now]), bins="sturges")
        return tuple(np.histogram(part, edges)[0].tolist() for part in data)
    feature = baseline(then, np.quantile(then, np.arange(1, quantiles) / quantiles).tolist())
    return list(feature.counts), seen(feature, now).bins


def words() -> tuple[list[int], list[int]]:
    then, now = (np.bincount(part, minlength=6).tolist() for part in WORDS)
    return then, now


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (lambda: pair(SHIFT, quantiles=10), 0.06231851919834505),
        (lambda: pair(SHIFT, quantiles=20), 0.07189341349807439),
        (lambda: pair(SHIFT, sturges=True), 0.08128773375338402),
        (lambda: pair(LOGNORMAL, quantiles=10), 0.008957321443064143),
        (lambda: pair(LOGNORMAL, quantiles=20), 0.017006251090209062),
        (words, 0.08154810510107714),
    ],
    ids=[
        *("shift, 10 bins", "shift, 20 bins", "shift, Evidently"),
        *("lognormal, 10 bins", "lognormal, 20 bins", "words, Evidently"),
    ],
)
def test_psi_is_the_one_of_evidently_in_its_bins(
    counts: Callable[[], tuple[list[int], list[int]]], expected: float
) -> None:
    assert psi(*counts()) == pytest.approx(expected, abs=EXACT)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (lambda: pair(SHIFT, sturges=True), 0.09878710064228637),
        (lambda: pair(LOGNORMAL, sturges=True), 0.025816174312588556),
        (words, 0.10058404866821516),
    ],
    ids=["shift, Evidently", "lognormal, Evidently", "words, Evidently"],
)
def test_js_is_the_one_of_scipy_and_of_evidently_in_its_bins(
    counts: Callable[[], tuple[list[int], list[int]]], expected: float
) -> None:
    then, now = counts()
    assert js(then, now) == pytest.approx(expected, abs=EXACT)
    scipys = spatial.distance.jensenshannon(np.array(then) / sum(then), np.array(now) / sum(now))
    assert js(then, now) == pytest.approx(float(scipys), abs=EXACT)


def test_js_of_words_is_the_one_of_nannyml_in_another_unit() -> None:
    assert js(*words()) / math.sqrt(math.log(2)) == pytest.approx(0.12081375482186009, abs=EXACT)


def test_chi2_is_cramers_v_of_scipy_as_though_both_had_equally_many_rows() -> None:
    """Counts times two have the same shares: 3 000 rows stand as 6 000 beside the 6 000 before."""
    then, now = words()
    table = np.array([then, [2 * count for count in now]])
    cramers = stats.contingency.association(table, method="cramer")
    assert chi2(then, now) == pytest.approx(cramers, abs=EXACT)
    statistic = stats.chi2_contingency(table).statistic
    assert chi2(then, now) == pytest.approx(math.sqrt(statistic / (6000 + 6000)), abs=EXACT)


def test_chi2_is_the_one_of_scipy_nannyml_and_alibi_where_both_weigh_the_same() -> None:
    """Chi-square of n and m rows is the sum of n m (q - p)^2 / (n q + m p); of 1 and 1, ours."""
    then, now = words()
    p, q = np.array(then) / 6000, np.array(now) / 3000

    def chi_square_of(n: float, m: float) -> float:
        return float((n * m * (q - p) ** 2 / (n * q + m * p)).sum())

    assert chi_square_of(3000, 6000) == pytest.approx(164.9025570838349, abs=1e-7)
    scipys = stats.chi2_contingency(np.array([then, now])).statistic
    assert chi_square_of(3000, 6000) == pytest.approx(scipys, abs=1e-7)
    assert chi2(then, now) == pytest.approx(math.sqrt(chi_square_of(1, 1) / 2), abs=EXACT)


@pytest.mark.parametrize("times", [10, 1000])
def test_chi2_is_the_same_with_a_larger_baseline_of_the_same_shares(times: int) -> None:
    then, now = words()
    larger = [times * count for count in then]
    assert chi2(larger, now) == pytest.approx(chi2(then, now), abs=EXACT)


def test_chi2_is_one_where_both_have_no_bin_in_common() -> None:
    assert chi2([5, 0, 0], [0, 7, 0]) == pytest.approx(1, abs=EXACT)


@pytest.mark.parametrize(
    ("data", "exact"), [(SHIFT, 0.1038), (LOGNORMAL, 0.021875)], ids=["shift", "lognormal"]
)
@pytest.mark.parametrize("quantiles", [10, 20])
def test_ks_in_bins_is_below_the_exact_one_by_a_bin_at_the_most(
    data: Any, exact: float, quantiles: int
) -> None:
    assert stats.ks_2samp(*data).statistic == pytest.approx(exact, abs=EXACT)
    then, now = pair(data, quantiles=quantiles)
    largest = max(max(then) / sum(then), max(now) / sum(now))
    assert exact - largest <= ks(then, now) <= exact
    edges = [np.cumsum(part)[:-1] / sum(part) for part in (then, now)]
    assert ks(then, now) == pytest.approx(float(np.abs(edges[0] - edges[1]).max()), abs=EXACT)


@pytest.mark.parametrize(
    ("data", "of_evidently", "within"),
    [(SHIFT, 0.2446098370884914, 0.11), (LOGNORMAL, 0.03094699660121076, 0.52)],
    ids=["shift", "lognormal"],
)
def test_wasserstein_in_bins_is_below_the_exact_one(
    data: Any, of_evidently: float, within: float
) -> None:
    then, now = data
    exact = stats.wasserstein_distance(then, now) / then.std()
    assert exact == pytest.approx(of_evidently, abs=EXACT)
    feature = baseline(then)
    found = wasserstein(feature.counts, seen(feature, now).bins, widths(feature))
    assert (1 - within) * exact < found < exact


def test_wasserstein_is_exact_where_every_value_has_its_bin() -> None:
    chance = drawn(7)
    then, now = chance.binomial(12, 0.4, 4000).astype(float), chance.binomial(12, 0.5, 900)
    now = np.clip(now, then.min(), then.max()).astype(float)
    feature = baseline(then)
    found = wasserstein(feature.counts, seen(feature, now).bins, widths(feature))
    exact = stats.wasserstein_distance(then, now) / then.std()
    assert found == pytest.approx(exact, abs=EXACT)


def test_the_quantile_of_chi_square_is_near_the_exact_one() -> None:
    for freedom in range(1, 21):
        exact = stats.chi2.ppf(0.99, freedom)
        assert chi_square(freedom) == pytest.approx(exact, rel=0.008)


METHODS = ("psi", "ks", "js", "chi2", "wasserstein")


@pytest.mark.parametrize("samples", [100, 200, 500, 2000])
@pytest.mark.parametrize(
    "draw",
    [
        lambda chance, count: chance.normal(3, 2, count),
        lambda chance, count: np.exp(chance.standard_normal(count)),
        lambda chance, count: chance.integers(0, 6, count).astype(float),
    ],
    ids=["normal", "lognormal", "six values"],
)
def test_chance_passes_a_floor_once_in_fifty_times_at_the_most(
    draw: Callable[[np.random.Generator, int], Any], samples: int
) -> None:
    chance = drawn(samples)
    feature = baseline(draw(chance, 20_000))
    then, wide = list(feature.counts), widths(feature)
    passed = dict.fromkeys(METHODS, 0)
    for _ in range(400):
        now = seen(feature, draw(chance, samples)).bins
        found = (
            psi(then, now),
            ks(then, now),
            js(then, now),
            chi2(then, now),
            wasserstein(then, now, wide),
        )
        for method, value in zip(METHODS, found, strict=True):
            passed[method] += value > floor(method, then, samples, wide)
    assert all(count <= 400 * 0.02 for count in passed.values()), passed


def test_a_rate_passes_its_floor_once_in_fifty_times_at_the_most() -> None:
    chance = drawn(11)
    for share, samples in itertools.product((0.02, 0.1, 0.5), (200, 2000)):
        before = chance.binomial(20_000, share) / 20_000
        counts = chance.binomial(samples, share, 400).tolist()
        passed = sum(
            count / samples - before > rate_floor(before, 20_000, count, samples)
            for count in counts
        )
        assert passed <= 400 * 0.02


@pytest.mark.parametrize("samples", [37, 500, 4000])
@pytest.mark.parametrize("draw", [np.sort, np.round], ids=["any", "whole"])
def test_distances_and_floors_are_those_that_the_rules_record(
    draw: Callable[[Any], Any], samples: int
) -> None:
    feature = baseline(draw(drawn(3).standard_normal(6000) * 2))
    then, wide = list(feature.counts), widths(feature)
    now = seen(feature, draw(drawn(samples).standard_normal(samples) * 2.2 + 0.3)).bins
    past = drift_numbers.Past(counts=np.array(then, float), widths=np.array(wide))
    distances = drift_numbers.statistics(np.array(now, float), past)
    floors = drift_numbers.floors(np.array(float(samples)), past)
    ours = (
        psi(then, now),
        ks(then, now),
        js(then, now),
        chi2(then, now),
        wasserstein(then, now, wide),
    )
    for method, value in zip(METHODS, ours, strict=True):
        assert value == pytest.approx(float(distances[method]), abs=EXACT)
        floor_now = floor(method, then, samples, wide)
        assert floor_now == pytest.approx(float(floors[method]), abs=EXACT)


def test_the_floor_of_a_rate_is_the_one_that_the_rules_record() -> None:
    for share, count in itertools.product((0.0, 0.02, 0.5), (0, 3, 250)):
        at = (np.array(float(count)), np.array(500.0), np.array(share))
        _, expected = drift_numbers.rate(at[0], at[1], at[2], 6000.0)
        assert rate_floor(share, 6000, count, 500) == pytest.approx(float(expected), abs=EXACT)
