"""How far counts are from a baseline, by every statistic, and whether that is drift."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from exporters.drift import statistics
from exporters.drift.baseline import Categorical, Numeric
from exporters.drift.bins import Counts, counted
from exporters.drift.chance import floor, rate_floor
from modelwatch import defaults
from modelwatch.catalogue.drift import RATES
from modelwatch.quantities import limit

DECIDES = "psi"
"""The statistic that decides where the inventory names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistic:
    """One distance; `floor` is what chance alone exceeds once in a hundred times."""

    method: str
    value: float
    floor: float
    limit: float

    @property
    def far(self) -> bool:
        """Whether it is above both."""
        return self.value > max(self.limit, self.floor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A feature, or the scores of one predicted class, beside its baseline.

    `fewest` samples are needed before a distance tells drift, and as many observations before a
    rate of missing, unseen or out of range values does. `deciding` is the distance that tells it.
    """

    name: str
    predicted: str
    kind: str
    samples: int
    observations: int
    fewest: int
    refused: int
    deciding: str
    statistics: tuple[Statistic, ...]

    @property
    def reasons(self) -> tuple[Statistic, ...]:
        """What makes it drift; empty where it is none."""
        decide = (self.deciding,) if self.samples >= self.fewest else ()
        rates = RATES if self.observations >= self.fewest else ()
        told = (*decide, *rates)
        return tuple(found for found in self.statistics if found.far and found.method in told)


def compared(
    feature: Numeric | Categorical, seen: Counts, *, method: str = DECIDES, predicted: str = ""
) -> Comparison:
    """The feature's counts beside its baseline, with the limits that hold by default.

    A statistic of ordered values does not decide about words: there it is the PSI.
    """
    numeric = isinstance(feature, Numeric)
    return Comparison(
        name=feature.name,
        predicted=predicted,
        kind="score" if predicted else "numeric" if numeric else "categorical",
        samples=seen.samples,
        observations=seen.observations,
        fewest=defaults.FLOORS["drift"],
        refused=seen.refused,
        deciding=method if numeric or method not in ("ks", "wasserstein") else DECIDES,
        statistics=tuple(_statistics(feature, seen)),
    )


def limits() -> Mapping[str, float]:
    """By statistic, from where on it is drift, where an inventory does not say otherwise."""
    return {
        kind.labels["method"]: float(limit(kind.value, kind.measure).value.value)
        for kind in defaults.LIMITS.values()
        if kind.signal == "drift"
    }


def _statistics(feature: Numeric | Categorical, seen: Counts) -> Iterator[Statistic]:
    then = counted(feature)
    allowed = limits()
    if then.samples and seen.samples:
        widths = statistics.widths(feature) if isinstance(feature, Numeric) else ()
        for method, value in _distances(then.bins, seen.bins, widths):
            yield Statistic(
                method=method,
                value=value,
                floor=floor(method, then.bins, seen.samples, widths),
                limit=allowed[method],
            )
    if then.samples and seen.observations:
        for rate in RATES:
            share = getattr(then, rate) / then.observations
            now = getattr(seen, rate)
            yield Statistic(
                method=rate,
                value=now / seen.observations - share,
                floor=rate_floor(share, then.samples, now, seen.observations),
                limit=allowed[rate],
            )


def _distances(
    then: list[int], seen: list[int], widths: tuple[float, ...]
) -> Iterator[tuple[str, float]]:
    yield "psi", statistics.psi(then, seen)
    if widths:
        yield "ks", statistics.ks(then, seen)
    yield "js", statistics.js(then, seen)
    yield "chi2", statistics.chi2(then, seen)
    if widths:
        yield "wasserstein", statistics.wasserstein(then, seen, widths)
