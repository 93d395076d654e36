"""Reads files of observations as they are written.

modelwatch exporter drift --inventory models.yaml --follow /var/log/fraud/predictions.ndjson
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exporters.base.followed_file import MOST_LINE_BYTES
from exporters.base.following import FOLLOW, Following, files
from exporters.base.receipts import Refused
from exporters.drift.doors import value_of
from exporters.drift.gathering import Gathering
from exporters.drift.ledger import Ledger

OPTIONS = (FOLLOW,)


@dataclass(frozen=True, slots=True)
class ObservedLines:
    """Counts the lines of followed files: each is an observation, or many by column."""

    ledger: Ledger

    @property
    def writable(self) -> bool:
        """Always: what cannot be kept is counted in memory, with how far the file was read."""
        return True

    def mark(self, name: str) -> str:
        """How far a file was read, as the ledger has it."""
        return self.ledger.mark(name)

    def take(self, lines: Sequence[bytes | None], marks: Mapping[str, str]) -> tuple[int, str]:
        """Count them."""
        gathering = Gathering(self.ledger.now())
        for number, line in enumerate(lines, 1):
            if line is None:
                long = f"a line has more than {MOST_LINE_BYTES >> 10} KiB"
                gathering.refuse(number, Refused("malformed", long))
                continue
            value = value_of(line)
            if isinstance(value, Refused):
                gathering.refuse(number, value)
            else:
                gathering.add(number, value)
        receipt = self.ledger.observe(gathering.batches(), gathering.refused, marks)
        return receipt.rejected, receipt.told[0].message if receipt.told else ""


def following(options: Mapping[str, Any], ledger: Ledger) -> tuple[Following, ...]:
    """The work that the options ask for; none without any."""
    followed = files(options, ObservedLines(ledger))
    return (Following(followed),) if followed else ()
