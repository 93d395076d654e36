"""What was spent on each model today, on disk before a request is sent: no restart spends it twice.

A request reserves the most that it can cost; afterwards that is replaced by what it did cost. A
process that is killed in between leaves the reservation behind: it counts as spent. Days are UTC.
"""

import fcntl
import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from modelwatch.problems import ModelwatchError

Key = tuple[str, str]
"""Model and environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """Tokens and USD."""

    tokens: int = 0
    usd: Decimal = Decimal(0)

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(tokens=self.tokens + other.tokens, usd=self.usd + other.usd)

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(tokens=self.tokens - other.tokens, usd=self.usd - other.usd)


NOTHING = Amount()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """The most that may be spent on a model in a day; None is no cap."""

    tokens: int | None = None
    usd: Decimal | None = None

    def allows(self, spent: Amount) -> bool:
        """Whether this is not over the cap."""
        return (self.tokens is None or spent.tokens <= self.tokens) and (
            self.usd is None or spent.usd <= self.usd
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """What a request that is under way may cost, and the day that it was booked on."""

    key: Key
    day: date
    amount: Amount


def utc_day() -> date:
    """Today, by this machine's clock."""
    return datetime.now(UTC).date()


Book = Mapping[date, Mapping[Key, Amount]]


class Spending:
    """The book of one state directory, which only one process at a time may have open.

    What is booked for tomorrow counts today as well: a clock that is put back over midnight gives
    no second cap. Days further ahead are of a clock that was wrong; they are counted as today's.

    Raises:
        ModelwatchError: another process has it open, or it cannot be read.
    """

    def __init__(self, folder: Path, today: Callable[[], date] = utc_day) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "spending.json"
        self._today = today
        self._lock = threading.Lock()
        self._own: int | None = _locked(folder / "lock")
        try:
            self._book: Book = _read(self._path)
        except ModelwatchError:
            self.close()
            raise

    def close(self) -> None:
        """Let another process have it; nothing is written any more."""
        with self._lock:
            if self._own is not None:
                os.close(self._own)
                self._own = None

    def spent(self, key: Key) -> Amount:
        """What counts as spent today, reservations included."""
        today = self._today()
        return sum(
            (of_day.get(key, NOTHING) for day, of_day in self._book.items() if day >= today),
            NOTHING,
        )

    def reserve(self, key: Key, amount: Amount, cap: Cap) -> Reservation | None:
        """Book the amount, on disk when this returns; None when it would pass the cap.

        Raises:
            OSError: it could not be written, so that nothing was booked.
        """
        with self._lock:
            if self._own is None or not cap.allows(self.spent(key) + amount):
                return None
            day = self._today()
            self._change(_tidy(self._book, day), key, day, amount)
            return Reservation(key=key, day=day, amount=amount)

    def settle(self, reservation: Reservation, amount: Amount) -> None:
        """Replace what was reserved by what was spent.

        Raises:
            OSError: it could not be written. In this process it counts all the same; after a
                restart the reservation does.
        """
        with self._lock:
            if self._own is None or reservation.day not in self._book:
                return
            difference = amount - reservation.amount
            if difference != NOTHING:
                self._change(
                    self._book, reservation.key, reservation.day, difference, whatever_happens=True
                )

    def _change(
        self, book: Book, key: Key, day: date, by: Amount, *, whatever_happens: bool = False
    ) -> None:
        of_day = dict(book.get(day, {}))
        of_day[key] = of_day.get(key, NOTHING) + by
        changed = {**book, day: of_day}
        if whatever_happens:
            self._book = changed
        _write(self._path, changed)
        self._book = changed


def _tidy(book: Book, today: date) -> Book:
    """Without days that are over; days that cannot have come yet are today's."""
    tomorrow = today + timedelta(days=1)
    kept: dict[date, dict[Key, Amount]] = {}
    for day, of_day in book.items():
        if day >= today - timedelta(days=1):
            into = kept.setdefault(today if day > tomorrow else day, {})
            for key, amount in of_day.items():
                into[key] = into.get(key, NOTHING) + amount
    return kept


def _locked(path: Path) -> int:
    """The lock, held until it is closed or the process ends, however it ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as taken:
        os.close(descriptor)
        raise ModelwatchError(
            f"{path.parent} is in use by another probe exporter: two of them would spend the caps "
            "twice; give each its own --state-dir and its own probes"
        ) from taken
    return descriptor


def _write(path: Path, book: Book) -> None:
    """All of it or nothing, on disk when this returns."""
    rows = [
        {
            "day": day.isoformat(),
            "model": model,
            "environment": environment,
            "tokens": amount.tokens,
            "usd": str(amount.usd),
        }
        for day, of_day in sorted(book.items())
        for (model, environment), amount in sorted(of_day.items())
    ]
    new = path.with_suffix(".new")
    with new.open("w", encoding="utf-8") as file:
        json.dump({"version": 1, "spent": rows}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    # A new entry of a folder is on disk only when the folder was synchronised as well.
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path) -> Book:
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
        book: dict[date, dict[Key, Amount]] = {}
        for row in found["spent"]:
            of_day = book.setdefault(date.fromisoformat(row["day"]), {})
            of_day[row["model"], row["environment"]] = Amount(
                tokens=int(row["tokens"]), usd=Decimal(row["usd"])
            )
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, ArithmeticError, KeyError, TypeError) as problem:
        raise ModelwatchError(
            f"what was spent today cannot be read from {path}; delete it if today's caps may "
            "begin anew"
        ) from problem
    return book
