"""What can go wrong, and how it is told.

    ModelwatchError
    ├── InventoryError     the inventory has problems: every one of them, with its place
    ├── DefinitionError    one of our own definitions is wrong: a bug
    └── Unreachable        something outside did not answer

Exit codes: 0 fine, 1 problems found or `--check` differs, 2 wrong usage, 3 not reached.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

Place = tuple[int, int]
"""Line and column, from 1."""
_MOST = 1000
_WIDTH = 160
"""Longest part of a source line that is shown."""


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


@dataclass(slots=True, kw_only=True)
class Report:
    """Collects the problems of one file, each once."""

    path: str
    lines: Sequence[str] = ()
    found: dict[Problem, None] = field(default_factory=dict)

    def add(self, place: Place, message: str, advice: str = "", *, secret: bool = False) -> None:
        """Note a problem; of a `secret` the rest of the line is not shown.

        Raises:
            InventoryError: there are so many that nobody would read more.
        """
        if len(self.found) >= _MOST:
            raise InventoryError((*self.found, self._too_many(place)))
        line, column = place
        source = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        if secret:
            source = f"{source[: column - 1]}…"
        self.found[
            Problem(
                path=self.path,
                line=line,
                column=column,
                message=message.replace("\n", "\\n"),
                advice=advice.replace("\n", "\\n"),
                source=source,
            )
        ] = None

    def _too_many(self, place: Place) -> Problem:
        return Problem(
            path=self.path,
            line=place[0],
            column=place[1],
            message=f"there are more than {_MOST} problems",
            advice="correct the others first",
        )

    def raise_if_any(self) -> None:
        """Raise everything that was found.

        Raises:
            InventoryError: something was.
        """
        if self.found:
            raise InventoryError(tuple(self.found))


def render(problem: Problem) -> str:
    """The problem with its source line and a caret under the place."""
    if not problem.source.strip():
        return str(problem)
    skipped = max(0, problem.column - _WIDTH // 2)
    shown = problem.source[skipped : skipped + _WIDTH].replace("\t", " ")
    if skipped:
        shown = f"…{shown[1:]}"
    caret = " " * (problem.column - 1 - skipped) + "^"
    return f"{problem}\n    {shown.rstrip()}\n    {caret}"


def as_json(problems: Iterable[Problem]) -> str:
    """The problems for programs: a list of objects with path, line, column, message and advice."""
    rows = [
        {
            "path": problem.path,
            "line": problem.line,
            "column": problem.column,
            "message": problem.message,
            "advice": problem.advice,
        }
        for problem in problems
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False)


def as_github(problem: Problem) -> str:
    """The problem as an annotation of a GitHub workflow."""
    text = f"{problem.message}; {problem.advice}" if problem.advice else problem.message
    place = (problem.line, problem.column)
    return github_annotation("error", text, path=problem.path, place=place)


def github_annotation(
    level: Literal["error", "warning", "notice"],
    text: str,
    *,
    path: str = "",
    place: Place = (0, 0),
    title: str = "",
) -> str:
    """A line that GitHub shows beside the place; without a path, above the run."""
    line, column = place
    where = {"file": path, "line": str(line), "col": str(column)} if path else {}
    said = {**where, **({"title": title} if title else {})}
    properties = ",".join(f"{name}={_property(value)}" for name, value in said.items())
    return f"::{level} {properties}".rstrip() + f"::{_escaped(text)}"


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
