"""Real data, read out of the wheels of packages that carry it; nothing of those packages runs.

`$REAL_DATA_WHEELS` names a folder with them, which two commands fill in a few seconds:

    pip download --no-deps --dest FOLDER nannyml==0.13.1   # Apache-2.0, 23 MB instead of 2 GB
    pip download --no-deps --dest FOLDER scikit-learn      # BSD-3-Clause, 9 MB
"""

import csv
import gzip
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests import real

WHEELS = "REAL_DATA_WHEELS"
_CAR_LOANS = "nannyml/datasets/data/synthetic_car_loan_"
_DIGITS = "sklearn/datasets/data/digits.csv.gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class CarLoans:
    """50 000 loans of when the model was well, 50 000 later ones, and how the later ones ended.

    Half way through the later ones drift begins. Each is the text of a CSV file.
    """

    reference: str
    analysis: str
    outcomes: str


def car_loans() -> CarLoans:
    """NannyML's set of car loans; skips, or fails in CI, where its wheel is not there."""
    parts = ("reference", "analysis", "analysis_target")
    texts = [_content("nannyml", f"{_CAR_LOANS}{part}.csv").decode() for part in parts]
    return CarLoans(reference=texts[0], analysis=texts[1], outcomes=texts[2])


def digits() -> Iterator[tuple[list[float], int]]:
    """scikit-learn's 1797 handwritten digits: 64 grey values from 0 to 16, and the digit."""
    rows = gzip.decompress(_content("scikit_learn", _DIGITS)).decode().splitlines()
    for row in csv.reader(rows):
        *pixels, digit = map(float, row)
        yield pixels, int(digit)


def _content(package: str, member: str) -> bytes:
    folder = Path(os.environ.get(WHEELS) or "/nonexistent")
    wheel = next(iter(sorted(folder.glob(f"{package}-*.whl"))), None)
    if wheel is None:
        real.missing(f"${WHEELS} names no folder with a wheel of {package}: see tests/real_data.py")
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(member)
