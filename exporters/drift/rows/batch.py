"""Some rows as columns, and what is wrong with rows."""

from collections.abc import Callable
from dataclasses import dataclass

from modelwatch.problems import InventoryError, Place, Report

ROWS = 10_000
"""Rows of a batch at the most."""
_MOST_PROBLEMS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The values of each column, and where the value of a row and column is in the file.

    `typed`: values are numbers, words and booleans; otherwise all are text. In Parquet a place is
    the number of the row and of the column.
    """

    columns: dict[str, list[object]]
    rows: int
    typed: bool
    place: Callable[[int, str], Place]


class Mistakes:
    """Collects what is wrong with rows, and gives up when nobody would read more."""

    def __init__(self, path: str) -> None:
        self.report = Report(path=path)

    def add(self, place: Place, message: str, advice: str) -> None:
        """Note a problem.

        Raises:
            InventoryError: there are too many.
        """
        self.report.add(place, message, advice)
        if len(self.report.found) >= _MOST_PROBLEMS:
            self.report.add(
                (place[0] + 1, 1), "from here on nothing was looked at", "correct the others first"
            )
            raise InventoryError(tuple(self.report.found))

    def stop(self, place: Place, message: str, advice: str) -> InventoryError:
        """What to raise when there is no going on after this problem."""
        self.report.add(place, message, advice)
        return InventoryError(tuple(self.report.found))


def short(value: object) -> str:
    """A value as it is shown in a problem."""
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
