"""Documents in which others write service level objectives: one file, one format.

A file with a constant `FORMAT` is a value of `modelwatch import --format`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache

from modelwatch.discovery import constants_named
from modelwatch.problems import Place, Problem, Report
from modelwatch.tree import Block


def one_line(text: str) -> str:
    """The text as it may stand in a comment or a message."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """PromQL and where it was written."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """What is measured; of the queries those are given that the document has.

    `error_ratio` and `success_ratio` are computed already. `up` is one where all is well and zero
    where not. `value` is compared with `limit`: it is good up to there. `of_gauges` says that bad,
    good and total are no counters.
    """

    bad: Query | None = None
    good: Query | None = None
    total: Query | None = None
    error_ratio: Query | None = None
    success_ratio: Query | None = None
    up: Query | None = None
    value: Query | None = None
    limit: Decimal | None = None
    of_gauges: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One objective as a document states it.

    `objective` is a share of good events. `window` is as written, empty where nothing is said.
    `facts` are annotations that `modelwatch export` wrote.
    """

    name: str
    service: str
    path: str
    place: Place
    objective: Decimal
    window: str
    description: str = ""
    team: str = ""
    indicator: Indicator
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """One document of a file: its mistakes go to `report`, what is not carried over to `notes`."""

    root: Block
    report: Report
    notes: list[Problem]

    def wrong(self, place: Place, message: str, advice: str) -> None:
        """Note a mistake in the document."""
        self.report.add(place, message, advice)

    def left(self, place: Place, message: str, advice: str = "") -> None:
        """Note something that the inventory will not say."""
        line, column = place
        self.notes.append(
            Problem(
                path=self.report.path,
                line=line,
                column=column,
                message=one_line(message),
                advice=advice,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How a project writes objectives down.

    `recognises` looks at one document. `read` gets all documents of the format at once, since they
    may refer to each other across files.
    """

    name: str
    title: str
    recognises: Callable[[Block], bool]
    read: Callable[[Sequence[Foreign]], Iterator[Promise]]


@cache
def formats() -> dict[str, Format]:
    """Every format by name."""
    found = constants_named("generator.slo_formats", "FORMAT").values()
    return {one.name: one for one in found}
