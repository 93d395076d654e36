"""Saying what is done, as soon as it is."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

from modelwatch.problems import Unreachable


class Ended(Protocol):
    """What happened to a board or to a rule group."""

    @property
    def step(self) -> str:
        """In one word."""


End = TypeVar("End", bound=Ended)


def told(outcomes: Iterable[End], tell: Callable[[End], None], *, of: str) -> Iterator[End]:
    """Every outcome when it is known; `of` how many of what there are.

    Raises:
        Unreachable: the server did not answer, with how many are done.
    """
    done = 0
    try:
        for outcome in outcomes:
            tell(outcome)
            done += outcome.step != "refused"
            yield outcome
    except Unreachable as failure:
        raise Unreachable(
            f"{failure}; {done} of {of} are done, run this again for the others"
        ) from failure


def counted(outcomes: Iterable[Ended], what: str) -> str:
    """How many of each kind; in other words when nothing happened."""
    counts = Counter(outcome.step for outcome in outcomes)
    if counts.keys() == {"unchanged"}:
        return f"{counts['unchanged']} {what}, nothing changed"
    return ", ".join(f"{count} {step}" for step, count in counts.items())
