"""Reads vectors that somebody pushed: numbers, as many as the baseline has, or a reason why not."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
"""One vector per row. Also a single vector, where it says so."""

LARGEST = 1e9
"""Components beyond this are no embedding; their squares would drown all others for a day."""

NOT_A_LIST = "vector_type"
LENGTH = "vector_length"
NUMBER = "vector_number"

_NUMBERS = {int, float}


@dataclass(slots=True, kw_only=True)
class Read:
    """What came of a batch: vectors, how many were missing, how many were refused by reason."""

    vectors: Matrix
    missing: int = 0
    refused: Counter[str] = field(default_factory=Counter)


def read(found: Iterable[object], length: int) -> Read:
    """Vectors of this length; None is a missing one."""
    rows: list[list[float]] = []
    missing = 0
    refused: Counter[str] = Counter()
    for one in found:
        if one is None:
            missing += 1
        elif reason := _wrong(one, length):
            refused[reason] += 1
        elif isinstance(one, list):
            rows.append(one)
    vectors = _matrix(rows, length)
    fine = (np.abs(vectors) <= LARGEST).all(axis=1)  # false for NaN as well
    if not fine.all():
        refused[NUMBER] += int((~fine).sum())
        vectors = vectors[fine]
    return Read(vectors=vectors, missing=missing, refused=refused)


def _wrong(one: object, length: int) -> str:
    if type(one) is not list:
        return NOT_A_LIST
    if len(one) != length:
        return LENGTH
    return "" if set(map(type, one)) <= _NUMBERS else NUMBER


def _matrix(rows: list[list[float]], length: int) -> Matrix:
    try:
        return np.array(rows, dtype=np.float64).reshape(len(rows), length)
    except OverflowError:  # a whole number with hundreds of digits
        bounded = [[min(max(value, -2 * LARGEST), 2 * LARGEST) for value in row] for row in rows]
        return np.array(bounded, dtype=np.float64)
