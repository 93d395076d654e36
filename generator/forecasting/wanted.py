"""What a run is asked for."""

from dataclasses import dataclass

from modelwatch.catalogue.forecast import DETECTORS

PROPHET, ECOD = DETECTORS


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Detectors and their settings; `width` and `contamination` are shares of healthy hours.

    Prophet's own width is 80 %: every fifth hour would be outside with nothing wrong. PyOD's own
    contamination is 10 %: every tenth hour would be an outlier.
    """

    detectors: tuple[str, ...] = DETECTORS
    width: float = 0.99
    contamination: float = 0.01
    valid_s: float = 3 * 3600
