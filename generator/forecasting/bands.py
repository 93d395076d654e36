"""Bands around what is expected, by Prophet.

Prophet's own seasons are smooth waves, and what people do is not: with office hours they miss the
edges, and the band gets several times as wide. So what is usual at each hour of the week is handed
to it, and it learns how that grows and how far the hours are from it.
"""

import logging
import warnings
from dataclasses import dataclass

import numpy as np

from generator.forecasting.history import DAY, History, Numbers, Usual

_SEED = 0
"""Prophet draws its bands by chance: the same history has the same band."""
_DRAWS = 2000
"""Draws of which each end of the band is a rank; at 99 % the tenth from either end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Per hour, what is expected and the ends of what is."""

    value: Numbers
    lower: Numbers
    upper: Numbers

    def outside(self, values: Numbers) -> Numbers:
        """Of the first hours of the band: 1 for a value outside it, 0 for any other."""
        first = len(values)
        below, above = values < self.lower[:first], values > self.upper[:first]
        return np.where(below | above, 1.0, 0.0)


def band(history: History, usual: Usual, width: float) -> Band:
    """The band of the day that was not learned from and of the day after it; `width` is its share.

    Two days of hours: the first one ends at the history's end.
    """
    import pandas as pd  # noqa: PLC0415  # heavy, and of the extra
    from prophet import Prophet  # noqa: PLC0415

    count = len(history.values) - DAY
    learned = pd.DataFrame(
        {
            "ds": pd.to_datetime(history.times(0, count), unit="s"),
            "y": history.levels[:-DAY],
            "usual": usual.before,
        }
    ).dropna()
    coming = pd.DataFrame(
        {
            "ds": pd.to_datetime(history.times(count, 2 * DAY), unit="s"),
            # An hour of the week that was never seen is as the line is.
            "usual": np.nan_to_num(usual.after),
        }
    )
    _hush("cmdstanpy", "prophet")
    np.random.seed(_SEED)  # noqa: NPY002  # what Prophet draws with
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Prophet does with pandas is not ours to mend
        model = Prophet(
            interval_width=width,
            uncertainty_samples=_DRAWS,
            yearly_seasonality=False,
            weekly_seasonality=False,
            daily_seasonality=False,
        )
        model.add_regressor("usual", standardize=False)
        found = model.fit(learned).predict(coming)
    ends = (found[name].to_numpy(dtype=np.float64) for name in ("yhat", "yhat_lower", "yhat_upper"))
    value, lower, upper = (
        np.exp(end) if history.is_positive else np.maximum(end, 0) for end in ends
    )
    return Band(value=value, lower=lower, upper=upper)


def _hush(*names: str) -> None:
    """What they say of each fit is nobody's business; a handler of ours keeps theirs away."""
    for name in names:
        logger = logging.getLogger(name)
        logger.propagate = False
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
