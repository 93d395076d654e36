"""One query of a rule or board: what it says, where it stands, and its tree."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from generator.verify.expression import Node, Selector, nth, occurrence, parsed, selectors
from generator.verify.finding import Finding, Level
from modelwatch.problems import Place

Kind = Literal["alert", "series", "panel", "annotation", "variable"]
_ESCAPED_SPACE = re.compile(r"\\[ntr]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The text of a file."""

    path: str
    text: str
    starts: tuple[int, ...]
    """Where each line begins."""

    @classmethod
    def of(cls, path: str, text: str) -> "Source":
        """The text with its lines counted."""
        lines = (found.end() for found in re.finditer("\n", text))
        return cls(path=path, text=text, starts=(0, *lines))

    def offset(self, place: Place) -> int:
        """How many characters stand before a place."""
        line, column = place
        return self.starts[line - 1] + column - 1 if line <= len(self.starts) else 0

    def place(self, offset: int) -> Place:
        """Line and column of an offset."""
        low, high = 0, len(self.starts)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.starts[middle] <= offset else (low, middle)
        return low + 1, offset - self.starts[low] + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One expression. `place` is where it begins in its file.

    `expr` is as written, with line breaks and variables. Of a recording rule `record` is the name
    of its series and `labels` are what the rule adds; of a panel `datasource` is whom it asks.
    `generated` says that it is ours.
    """

    subject: str
    kind: Kind
    expr: str
    source: Source
    place: Place
    tree: Node | None = None
    unreadable: str = ""
    record: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    interval_s: float = 0.0
    datasource: str = ""
    generated: bool = False

    @property
    def selectors(self) -> tuple[Selector, ...]:
        """Every selector of the expression."""
        return tuple(selectors(self.tree)) if self.tree else ()

    def at(self, start: int) -> Place:
        """Where in the file a place of the expression is."""
        word, number = occurrence(self.expr, start)
        begin = self.source.offset(self.place)
        rest = self.source.text[begin : begin + 2 * len(self.expr) + 2000]
        found = nth(_ESCAPED_SPACE.sub("  ", rest), word, number)
        return self.place if found is None else self.source.place(begin + found)

    def found(
        self,
        level: Level,
        check: str,
        message: str,
        *,
        selector: Selector | None = None,
        advice: str = "",
        reason: str = "",
    ) -> Finding:
        """Something about this query, at the selector."""
        line, column = self.at(selector.start) if selector else self.place
        return Finding(
            level=level,
            check=check,
            subject=self.subject,
            message=message,
            advice=advice,
            reason=reason or check,
            selector=selector.written if selector else "",
            path=self.source.path,
            line=line,
            column=column,
        )


def tree_of(expr: str, written: str = "") -> tuple[Node | None, str]:
    """The tree of an expression; without one, why not."""
    try:
        return parsed(expr, written), ""
    except ValueError as failure:
        return None, str(failure).splitlines()[0] if str(failure) else "it cannot be read"
