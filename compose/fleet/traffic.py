"""Time, seasons, noise and arrivals of the demo fleet."""

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from compose.fleet.incidents import Incidents

DAY_H = 24.0
WEEK_H = 168.0
MONDAY_TO_TUESDAY_TEN = 34.0
"""The fleet starts on a Tuesday at ten: an ordinary hour."""

NIGHT = 0.35
"""Traffic of the quietest hour (two at night) against the busiest (two in the afternoon)."""

WEEKEND = 0.55
"""Traffic of Saturday and Sunday against other days."""

LONGEST_STEP_S = 30.0
"""A page that nobody read for longer does not make up for what it missed."""


@dataclass(slots=True, kw_only=True)
class World:
    """What all pages share. `compression` makes seasons pass faster, not requests come faster."""

    compression: float = 1.0
    now: Callable[[], float] = time.monotonic
    chance: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 - a demo, no secret
    incidents: Incidents = field(init=False)
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.incidents = Incidents(now=self.now, compression=self.compression)
        self.began = self.now()

    @property
    def hour_of_week(self) -> float:
        """Hours since Monday midnight in the fleet's own time."""
        hours = MONDAY_TO_TUESDAY_TEN + (self.now() - self.began) * self.compression / 3600
        return hours % WEEK_H

    def spread(self, median: float, sigma: float) -> float:
        """A draw with this median and a long tail to the right, as times and lengths have."""
        return median * math.exp(self.chance.gauss(0.0, sigma))

    def happens(self, probability: float) -> bool:
        """Whether an event of this probability comes true."""
        return self.chance.random() < probability


def season(hour_of_week: float) -> float:
    """Traffic at this hour against the busiest hour of the week, between 0 and 1."""
    hour = hour_of_week % DAY_H
    daylight = 0.5 - 0.5 * math.cos(2 * math.pi * (hour - 2) / DAY_H)
    weekend = WEEKEND if hour_of_week >= 5 * DAY_H else 1.0
    return weekend * (NIGHT + (1 - NIGHT) * daylight)


@dataclass(slots=True, kw_only=True)
class Arrivals:
    """Requests of one model: `peak` per second in the busiest hour, with slow and fast noise."""

    world: World
    peak: float
    last: float = field(init=False)
    wander: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self.last = self.world.now()

    @property
    def per_second(self) -> float:
        """The rate that is expected now."""
        return self.peak * season(self.world.hour_of_week) * math.exp(self.wander)

    def since_last(self, share: float = 1.0) -> int:
        """How many came since the last call; `share` thins them out."""
        now = self.world.now()
        step, self.last = min(now - self.last, LONGEST_STEP_S), now
        self.wander = 0.95 * self.wander + self.world.chance.gauss(0.0, 0.015)
        return poisson(self.world.chance, self.per_second * share * step)


def poisson(chance: random.Random, mean: float) -> int:
    """How many independent events happen where `mean` are expected."""
    if mean > 100:  # the normal distribution is as good by then, and far faster
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), chance.random(), 0
    while product > limit:
        product *= chance.random()
        count += 1
    return count
