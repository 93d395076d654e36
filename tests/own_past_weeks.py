"""Weeks of prompts with a daily rhythm, and what the rules on their own past make of them.

The formulas stand here a second time, in Python, so that thousands of hours are looked at quickly;
a run of the real rules says that both are the same.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

SLOT_S = 240
SLOTS_PER_HOUR = 3600 // SLOT_S
SLOTS_PER_DAY = 24 * SLOTS_PER_HOUR
SLOTS_PER_WEEK = 7 * SLOTS_PER_DAY
BOUNDARIES = tuple(mantissa * 10**power for power in range(5) for mantissa in (1, 2, 5))[:13]
"""Of vLLM with a context of 16 384 tokens."""
LIMIT = 0.2
FLOOR = 500
HOLD_SLOTS = 8

Slot = tuple[int, ...]
"""Prompts of four minutes, by bucket; the last one is above all boundaries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Now against one reference."""

    distance: float
    floor: float
    samples: int

    @property
    def told(self) -> bool:
        """Whether the alert believes it."""
        enough = self.samples >= FLOOR
        return enough and self.distance > LIMIT and self.distance > self.floor


def weeks(
    per_hour: float,
    *,
    seed: int,
    slots: int = 2 * SLOTS_PER_WEEK,
    longer: Callable[[int], float] = lambda _: 1.0,
) -> list[Slot]:
    """Slots of Poisson traffic: at night `per_hour`, by day four times that, half at weekends.

    Prompts are longer by day and at weekends; `longer` stretches those of a slot.
    """
    chance = random.Random(seed)  # noqa: S311  # traffic, no secret
    return [
        tuple(
            _poisson(chance, rate * share)
            for rate in (per_hour * _rate(slot) / SLOTS_PER_HOUR,)
            for share in _shares(300 * _length(slot) * longer(slot))
        )
        for slot in range(slots)
    ]


def _rhythm(slot: int) -> float:
    """0 in the middle of the night, 1 in the middle of the day."""
    return 0.5 - 0.5 * math.cos(2 * math.pi * (slot % SLOTS_PER_DAY) / SLOTS_PER_DAY)


def _weekend(slot: int) -> bool:
    return slot // SLOTS_PER_DAY % 7 >= 5


def _rate(slot: int) -> float:
    return 1 + 3 * _rhythm(slot) * (0.5 if _weekend(slot) else 1)


def _length(slot: int) -> float:
    return (1 + _rhythm(slot)) * (2 if _weekend(slot) else 1)


def _shares(middle: float) -> list[float]:
    """Shares by bucket of a lognormal distribution with this median."""
    up_to = [0.5 + 0.5 * math.erf(math.log(le / middle) / math.sqrt(2)) for le in BOUNDARIES]
    return [high - low for low, high in zip([0.0, *up_to], [*up_to, 1.0], strict=True)]


def _poisson(chance: random.Random, mean: float) -> int:
    if mean > 50:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    bar, count, product = math.exp(-mean), 0, chance.random()
    while product > bar:
        product *= chance.random()
        count += 1
    return count


class Past:
    """The last hour as it was recorded at the end of every slot."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        buckets = len(BOUNDARIES) + 1
        sums = [[0] * buckets]
        for slot in slots:
            sums.append([so_far + now for so_far, now in zip(sums[-1], slot, strict=True)])
        self._sums = sums

    def samples(self, end: int) -> int:
        """Prompts of the hour that ends with this slot."""
        return sum(self._hour(end))

    def _hour(self, end: int) -> list[int]:
        first = max(0, end + 1 - SLOTS_PER_HOUR)
        return [
            last - before
            for last, before in zip(self._sums[end + 1], self._sums[first], strict=True)
        ]

    def _cdf(self, end: int) -> list[float]:
        counts, total, shares = self._hour(end), 0, []
        whole = sum(counts)
        for count in counts[:-1]:
            total += count
            shares.append(total / whole)
        return shares

    def week_before(self, end: int) -> Compared | None:
        """This hour against the same a week before; None where that had too few values."""
        return self._compared(end, [end - SLOTS_PER_WEEK], fewest=1)

    def recent_days(self, end: int) -> Compared | None:
        """This hour against a usual one of the last seven days."""
        days = [end - day * SLOTS_PER_DAY for day in range(1, 8)]
        return self._compared(end, days, fewest=3)

    def _compared(self, end: int, before: Sequence[int], *, fewest: int) -> Compared | None:
        believed = [past for past in before if past >= 0 and self.samples(past) >= FLOOR]
        if len(believed) < fewest or self.samples(end) < FLOOR:
            return None
        usual = [median(shares) for shares in zip(*map(self._cdf, believed), strict=True)]
        least = min(map(self.samples, believed))
        now = self.samples(end)
        return Compared(
            distance=max(abs(a - b) for a, b in zip(self._cdf(end), usual, strict=True)),
            floor=1.63 * math.sqrt(1 / now + 1 / least),
            samples=now,
        )

    def told(self, end: int) -> bool:
        """Whether both references are exceeded."""
        both = (self.week_before(end), self.recent_days(end))
        return all(compared is not None and compared.told for compared in both)

    def firing(self, slots: range) -> list[int]:
        """Slots in which the alert fires, its hold time over."""
        told = [self.told(slot) for slot in slots]
        return [
            slot
            for at, slot in enumerate(slots)
            if at >= HOLD_SLOTS and all(told[at - HOLD_SLOTS : at + 1])
        ]


def input_series(slots: Sequence[Slot]) -> dict[str, str]:
    """The slots in promtool's notation: recorded rates, one sample for each half minute.

    There is none at the end of a slot, where releases of Prometheus differ in what a window is.
    """
    labels = 'model="chat",environment="production",engine="vllm",version="1"'
    cumulative = [[sum(slot[: at + 1]) for slot in slots] for at in range(len(BOUNDARIES) + 1)]
    texts = [*(f"{le}.0" for le in BOUNDARIES), "+Inf"]
    per_sample = 7 * 30
    return {
        f'engine:prompt_length_tokens_bucket:rate5m{{{labels},le="{le}"}}': " ".join(
            f"_ {count / per_sample!r}x6" for count in counts
        )
        for le, counts in zip(texts, cumulative, strict=True)
    }
