"""The statistics of drift and their noise floors in numpy: what the rules are checked against.

Written from the definitions in docs/drift-statistics.md, for many windows at once: counts have a
row per window and a column per bin.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
SMALLEST = 1e-4
ONE_SIDE = 2.326348
BOTH_SIDES = 2.575829


@dataclass(frozen=True, kw_only=True)
class Past:
    """A baseline: counts per bin, and for ordered bins, from the mean of one to that of the next.

    The distances are in standard deviations, one for each boundary between two bins.
    """

    counts: Numbers
    widths: Numbers | None = None

    @property
    def total(self) -> float:
        """How many values there were."""
        return float(self.counts.sum())

    @property
    def shares(self) -> Numbers:
        """Of each bin."""
        return self.counts / self.total


def statistics(now: Numbers, past: Past) -> Mapping[str, Numbers]:
    """Every distance, one number per window."""
    n = now.sum(axis=-1, keepdims=True)
    q, p = now / n, past.shares
    found = {"psi": _psi(q, p), "js": _js(q, p), "chi2": _cramers_v(q, p)}
    if past.widths is None:
        return found
    apart = np.abs(np.cumsum(q, axis=-1) - np.cumsum(p))
    return found | {
        "ks": apart.max(axis=-1),
        "wasserstein": (apart[..., :-1] * past.widths).sum(axis=-1),
    }


def _psi(q: Numbers, p: Numbers) -> Numbers:
    q, p = np.maximum(q, SMALLEST), np.maximum(p, SMALLEST)
    return np.asarray(((q - p) * np.log(q / p)).sum(axis=-1))


def _js(q: Numbers, p: Numbers) -> Numbers:
    middle = (q + p) / 2
    return np.asarray(np.sqrt((_divergence(q, middle) + _divergence(p, middle)) / 2))


def _divergence(share: Numbers, other: Numbers) -> Numbers:
    share = np.broadcast_to(share, other.shape)
    there = share > 0
    ratio = np.divide(share, other, out=np.ones(other.shape), where=there)
    return np.asarray((share * np.log(ratio)).sum(axis=-1))


def _cramers_v(q: Numbers, p: Numbers) -> Numbers:
    """From the table of both shares, cell by cell: both rows weigh the same."""
    expected = (q + p) / 2
    cells = np.zeros(expected.shape)
    for row in (q, p):
        cells += np.divide((row - expected) ** 2, expected, where=expected > 0, out=0 * expected)
    return np.asarray(np.sqrt(cells.sum(axis=-1) / 2))


def floors(n: Numbers, past: Past) -> Mapping[str, Numbers]:
    """What chance alone passes once in a hundred times, for windows with `n` values."""
    m = past.total
    precision = 1 / n + 1 / m
    bins = max(int(np.count_nonzero(past.counts)), 2)
    chi2 = chi2_quantile(bins - 1)
    rarity = np.mean(1 / np.maximum(past.shares[past.counts > 0], 0.02))
    noise = precision * chi2 * (1 + rarity / n)
    share = np.maximum(past.shares, SMALLEST)
    cliff = (share - SMALLEST) * np.log(share / SMALLEST)
    empty = np.exp(-n[..., None] * share)
    found = {
        "psi": noise
        + (empty * cliff).sum(axis=-1)
        + ONE_SIDE * np.sqrt((empty * cliff**2).sum(axis=-1)),
        "js": np.sqrt(noise / 8),
        "chi2": np.sqrt(chi2 * precision * (1 + rarity / (2 * n)) / 4),
    }
    if past.widths is None:
        return found
    below = np.cumsum(past.shares)[:-1]
    deviations = past.widths * np.sqrt(np.maximum(below * (1 - below), 0))
    mixed = 0.65 * deviations.sum() + 0.35 * np.sqrt((deviations**2).sum())
    return found | {
        "ks": 1.63 * np.sqrt(precision),
        "wasserstein": BOTH_SIDES * np.sqrt(precision) * mixed,
    }


def chi2_quantile(freedom: int) -> float:
    """The 0.99 quantile by Wilson and Hilferty."""
    ninth = 2 / (9 * freedom)
    return float(freedom * (1 - ninth + ONE_SIDE * ninth**0.5) ** 3)


def rate(count: Numbers, n: Numbers, share: Numbers, m: float) -> tuple[Numbers, Numbers]:
    """How much larger a share is than the baseline's, and what chance alone passes."""
    together = (count + share * m) / (n + m)
    deviation = np.sqrt(together * (1 - together) * (1 / n + 1 / m))
    skewness = (ONE_SIDE**2 - 1) / 6 * (1 - 2 * together)
    return count / n - share, ONE_SIDE * deviation + (0.5 + skewness) / n
