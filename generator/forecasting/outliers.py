"""Hours in which the signals of a model are odd together, by PyOD's ECOD.

Each hour is a row, each signal a column: how far it is from what is usual at that hour. ECOD asks
how deep in the tails of what was learned a row lies; it has no settings but the share that it
calls outliers, whose default of a tenth would call every tenth hour one.
"""

from collections.abc import Sequence

import numpy as np

from generator.forecasting.history import FEWEST, Numbers, Usual


def outliers(known: Sequence[Usual], share: float) -> Numbers:
    """Of each hour of the last day that has every signal: 1 for an outlier, 0 for none.

    Nothing where too few hours have every signal. All are of one model and end together.
    """
    from pyod.models.ecod import ECOD  # noqa: PLC0415  # heavy, and of the extra

    learned = _rows([usual.learned for usual in known])
    judged = _rows([usual.judged for usual in known])
    if len(learned) < FEWEST // 2 or not len(judged):
        return np.empty(0)
    detector = ECOD(contamination=share).fit(learned)
    return np.asarray(detector.predict(judged), dtype=np.float64)


def _rows(columns: Sequence[Numbers]) -> Numbers:
    """The hours that have every signal, of the time in which there is each of them."""
    shortest = min(map(len, columns))
    rows = np.column_stack([column[-shortest:] for column in columns])
    return rows[np.isfinite(rows).all(axis=1)]
