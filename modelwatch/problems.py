"""What can go wrong, and how it is told.

    ModelwatchError
    ├── InventoryError     the inventory has problems: every one of them, with its place
    ├── DefinitionError    one of our own definitions is wrong: a bug
    └── Unreachable        something outside did not answer

Exit codes: 0 fine, 1 problems found or `--check` differs, 2 wrong usage, 3 not reached.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One thing wrong in a file. Lines and columns start at 1; `advice` says what to do."""

    path: str
    line: int
    column: int
    message: str
    advice: str = ""
    source: str = ""

    def __str__(self) -> str:
        text = f"{self.path}:{self.line}:{self.column}: {self.message}"
        return f"{text}; {self.advice}" if self.advice else text


class ModelwatchError(Exception):
    """Anything we know how to tell a user."""

    exit_code = 1


class InventoryError(ModelwatchError):
    """The inventory has problems, sorted by position."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class DefinitionError(ModelwatchError):
    """An alert, board or engine definition of ours contradicts itself."""


class Unreachable(ModelwatchError):  # noqa: N818  # reads as what happened
    """A program or server that is needed did not answer."""

    exit_code = 3
