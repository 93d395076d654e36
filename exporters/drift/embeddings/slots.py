"""Time slots: sums of the last day in ten-minute pieces, in memory that never grows.

A window is the slot that is being filled and those before it: of an hour, between 50 and 60
minutes.
"""

import math

import numpy as np

from exporters.drift.embeddings.vectors import Matrix
from modelwatch import quantities
from modelwatch.catalogue.drift import WINDOWS

SLOT_S = 600
WINDOW_S = {name: float(quantities.duration(name).value) for name in WINDOWS}


class Slots:
    """Rows of numbers by time; what is older than the longest window is forgotten."""

    def __init__(self, width: int) -> None:
        count = math.ceil(max(WINDOW_S.values()) / SLOT_S)
        self._rows = np.zeros((count, width))
        self._numbers = np.full(count, -1)
        self._newest = 0

    def current(self, now: float) -> Matrix:
        """The row to add to at this moment, in seconds since 1970.

        A clock that goes back stays where it was.
        """
        self._newest = max(self._newest, int(now // SLOT_S))
        place = self._newest % len(self._rows)
        if self._numbers[place] != self._newest:
            self._numbers[place] = self._newest
            self._rows[place] = 0
        return np.asarray(self._rows[place])

    def within(self, window_s: float, now: float) -> Matrix:
        """The sum of all rows of a window that ends now."""
        newest = max(self._newest, int(now // SLOT_S))
        wanted = self._numbers > newest - math.ceil(window_s / SLOT_S)
        return np.asarray(self._rows[wanted].sum(axis=0))
