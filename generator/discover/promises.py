"""Objectives and floors from what was measured: what a model did is a first idea of a promise."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from generator.discover.draft import Entry
from generator.discover.found import Measured
from generator.discover.measuring import OBJECTIVES
from modelwatch import defaults
from modelwatch.catalogue import FAILURES
from modelwatch.engine import Engine
from modelwatch.quantities import duration, plain, printed_duration
from modelwatch.supply import supply

_SHARES = tuple(Decimal(text) for text in ("99.9", "99.5", "99", "98", "95", "90"))
_ENOUGH = 100
"""Requests below which a share of them says nothing."""
_NEAR = 5
"""How many times the measured time a promise may be."""
_DIGITS = 12
"""Decimals that a duration of the inventory may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """A value of the inventory and what speaks for it. Without a value it is only told."""

    key: str
    value: str = ""
    why: str


def objectives(entry: Entry, engines: Mapping[str, Engine]) -> tuple[Guess, ...]:
    """What may be promised: the bucket boundary above the time of 95 of 100 answers."""
    return (*_availability(entry, engines), *_times(entry, engines))


def floor(entry: Entry) -> Guess | None:
    """The floor of a model with little traffic, None where the usual one will do."""
    usual = defaults.FLOORS["requests"]
    counted = [one for one in _measured(entry) if one.requests is not None]
    rates = [(one.requests or 0) / (one.hours * 12) for one in counted]
    rate = sum(rates)
    if not rates or rate >= usual:
        return None
    said = f"about {rate:.2g} requests in 5 minutes, fewer than the usual floor of {usual}"
    if rate < 2:
        return Guess(key="requests", why=f"{said}: alerts on ratios will stay silent")
    return Guess(key="requests", value=str(max(1, int(rate / 2))), why=said)


def _measured(entry: Entry) -> list[Measured]:
    return [one.measured for one in entry.sources if one.measured]


def _period(measured: list[Measured]) -> str:
    hours = max((one.hours for one in measured), default=0)
    if hours >= 48:
        return f"in {hours // 24} days"
    return f"in {hours} hour{'s' * (hours != 1)}"


def _availability(entry: Entry, engines: Mapping[str, Engine]) -> Iterator[Guess]:
    measured = _measured(entry)
    requests = sum(one.requests or 0 for one in measured)
    supplies = [supply(engines[one.engine], "requests") for one in entry.sources]
    counted = {value for one in supplies if one for value in set(one.values) - set(one.shared)}
    if requests < _ENOUGH or not counted & set(FAILURES):
        return
    good = 100 * (1 - sum(one.failures for one in measured) / requests)
    said = f"{good:.4g}% of {requests:.0f} requests did not fail {_period(measured)}"
    share = next((share for share in _SHARES if share <= Decimal(good)), None)
    yield Guess(key="availability", value=f"{share}%" if share else "", why=said)


def _times(entry: Entry, engines: Mapping[str, Engine]) -> Iterator[Guess]:
    for objective, seconds, measured in _p95(entry):
        if math.isinf(seconds):
            yield Guess(key=objective, why="p95 is above the last bucket: no time can be promised")
        elif above := _above(entry, engines, objective):
            said = f"p95 was {seconds:.3g} s {_period(measured)}"
            yield Guess(key=objective, value=f"95% under {printed_duration(above)}", why=said)


def limits(entry: Entry, engines: Mapping[str, Engine]) -> tuple[Guess, ...]:
    """Limits where nothing can be promised, since no near bucket boundary can be written."""
    return tuple(
        Guess(
            key=objective,
            value=f"p95 > {_rounded_up(2 * seconds)} for 10m",
            why=f"p95 was {seconds:.3g} s {_period(measured)}",
        )
        for objective, seconds, measured in _p95(entry)
        if not math.isinf(seconds)
        and not _above(entry, engines, objective)
        and 4 * seconds < _last(entry, engines, objective, measured)
    )


def _p95(entry: Entry) -> Iterator[tuple[str, float, list[Measured]]]:
    """The slowest source's time of 95 of 100 answers, by objective."""
    for objective in OBJECTIVES:
        measured = [one for one in _measured(entry) if objective in one.p95_s]
        if measured:
            yield objective, max(one.p95_s[objective] for one in measured), measured


def _last(
    entry: Entry, engines: Mapping[str, Engine], objective: str, measured: list[Measured]
) -> float:
    """Where the buckets of all sources end: no quantile gets above that."""
    seen = [max(one.boundaries[objective], default=Decimal(0)) for one in measured]
    supplies = (supply(engines[one.engine], OBJECTIVES[objective]) for one in entry.sources)
    known = [max(one.buckets) for one in supplies if one and one.buckets]
    return float(min([*seen, *known]))


def _rounded_up(seconds: float) -> str:
    """Two digits of a time, as people write it."""
    step = Decimal(10) ** (math.floor(math.log10(seconds)) - 1)
    return printed_duration((Decimal(seconds) / step).to_integral_value(ROUND_CEILING) * step)


def _above(entry: Entry, engines: Mapping[str, Engine], objective: str) -> Decimal | None:
    """The next boundary above p95 that all engines have, if there is one nearby."""
    seconds, measured = next((s, m) for name, s, m in _p95(entry) if name == objective)
    common = _boundaries(entry, engines, objective, measured)
    near = (boundary for boundary in common if seconds < boundary <= _NEAR * seconds)
    return min(near, default=None)


def _boundaries(
    entry: Entry,
    engines: Mapping[str, Engine],
    objective: str,
    measured: list[Measured],
) -> set[Decimal]:
    """What every engine of the model counts by, as far as it can be written."""
    common = set(measured[0].boundaries[objective])
    for one in measured[1:]:
        common &= one.boundaries[objective]
    for source in entry.sources:
        supplied = supply(engines[source.engine], OBJECTIVES[objective])
        if supplied and supplied.how == "histogram" and supplied.buckets:
            common &= set(supplied.buckets)
    return {boundary for boundary in common if boundary and _can_be_written(boundary)}


def _can_be_written(boundary: Decimal) -> bool:
    text = printed_duration(boundary)
    number = text.rstrip("smhdw")
    return len(number.partition(".")[2]) <= _DIGITS and duration(text).value == boundary


def tokens_unpriced(entry: Entry, engines: Mapping[str, Engine]) -> bool:
    """Whether tokens are counted that nobody says the price of."""
    used = [engines[one.engine] for one in entry.sources]
    counts = any(supply(engine, "tokens") for engine in used)
    return counts and not entry.price and not any(supply(engine, "cost") for engine in used)


def bound(low: float, high: float) -> tuple[str, str, str]:
    """`good`, `low` and `high` of a score that was seen in this range; empty where usual."""
    good = Decimal(repr(round(low, 2))) if low >= 0 else Decimal(repr(math.floor(low)))
    if low >= 0 and high <= 1:
        return plain(min(good, Decimal(1))), "", ""
    below, above = math.floor(min(low, 0)), math.ceil(max(high, 1))
    return plain(good), str(below), str(above)
