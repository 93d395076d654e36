"""How the demo talks: lines with the time, a table of models, a notification to read."""

import textwrap
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

INDENT = " " * 11
WIDTH = 88


@dataclass(slots=True, kw_only=True)
class Teller:
    """Says one line per step, with the seconds since the beginning."""

    say: Callable[[str], None]
    now: Callable[[], float] = time.monotonic
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.now()

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return self.now() - self.began

    def step(self, text: str) -> None:
        """One line of progress."""
        self.say(f"{self.seconds:7.1f} s  {text}")

    def detail(self, lines: Iterable[str]) -> None:
        """Lines that belong to the step before."""
        for line in lines:
            self.say(f"{INDENT}{line}".rstrip())


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns of equal width; the first row is the heading."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def notification(
    alert: Mapping[str, Any], *, receiver: str, owner: str, contact: str, board_note: str
) -> list[str]:
    """A delivered alert as somebody would read it at night."""
    labels, annotations = alert["labels"], alert["annotations"]
    heading = f"{labels.get('severity', 'alert').upper()} to {receiver}: {labels['alertname']}"
    team = ", ".join(part for part in (labels.get("team", ""), owner, contact) if part)
    facts = {
        "Model": f"{labels.get('model', '')} ({labels.get('environment', '')})",
        "Owner": team,
        "Tier": labels.get("tier", ""),
        "Runbook": annotations.get("runbook_url", ""),
        "Board": f"{annotations.get('dashboard_url', '')}\n{board_note}".strip(),
    }
    return [
        heading,
        "=" * len(heading),
        *_wrapped(annotations["summary"]),
        "",
        *_wrapped(annotations.get("description", "")),
        "",
        *(line for name, text in facts.items() if text for line in _fact(name, text)),
        "",
        "First checks:",
        *(line for check in annotations.get("action", "").splitlines() for line in _check(check)),
    ]


def _fact(name: str, text: str) -> list[str]:
    first, *rest = text.splitlines()
    return [f"{name + ':':<9}{first}", *(f"{'':<9}{line}" for line in rest)]


def _check(text: str) -> list[str]:
    """A check is numbered already; its other lines hang below its first word."""
    return textwrap.wrap(text, WIDTH, subsequent_indent=" " * (text.find(" ") + 1))


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH)
