"""What becomes of a request while it is counted."""

from dataclasses import dataclass, field

from exporters.base.receipts import MOST_TOLD, Receipt, Refused, Rejection


@dataclass(slots=True)
class Becoming:
    """Collects what a receipt says. `parts` are the batches whose parts count."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    parts: set[int] = field(default_factory=set)
    _told: list[Rejection] = field(default_factory=list)

    def refuse(self, line: int, refused: Refused, amount: int) -> None:
        """So many observations are not counted."""
        self.rejected += amount
        self.tell(line, refused.reason, refused.message)

    def tell(self, line: int, reason: str, message: str) -> None:
        """Say why something is not counted, among the first of them."""
        if len(self._told) < MOST_TOLD:
            self._told.append(Rejection(line=line, reason=reason, message=message))

    def receipt(self) -> Receipt:
        """What became of it."""
        return Receipt(
            accepted=self.accepted,
            duplicates=self.duplicates,
            rejected=self.rejected,
            told=tuple(sorted(self._told, key=lambda one: one.line)),
        )
