"""What every live question is given."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from generator.asking import Prometheus
from generator.definitions import Definitions
from generator.verify.finding import Verification
from modelwatch.inventory import Inventory


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveContext:
    """An inventory, what was generated from it, and the Prometheus that should know it.

    `files` is path to text as `build` gives it, `now` is in Unix seconds, and `days` says how far
    alerts are looked for in the past; no question about that is begun after `patience_s`.
    `progress` is told how far a slow question is.
    """

    inventory: Inventory
    definitions: Definitions
    files: Mapping[str, str]
    prometheus: Prometheus
    now: float
    days: float
    patience_s: float = 60
    progress: Callable[[str], None] = lambda _: None
    clock: Callable[[], float] = time.time


Check = Callable[[LiveContext], Verification]
"""One question. A Prometheus that cannot answer it is a note, not a failure."""
