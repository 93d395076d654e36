"""What verification finds: one sentence about one thing, how bad it is, and what to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Level = Literal["error", "warning", "note"]
"""An error fails a gate: something is dead or wrong. A warning may; a note only says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was found.

    `check` is the kind of question that was asked, in words joined by dashes: `selector`,
    `clock-skew`. `subject` says about what: `alert ModelLatencyHigh`, `model chat (production)`,
    `board modelwatch-cost / Spend / By team`. Lines and columns start at 1; without a place in a
    file they are 0. `selector` and `reason` are for programs: a stable word per kind of reason.
    """

    level: Level
    check: str
    subject: str
    message: str
    advice: str = ""
    reason: str = ""
    selector: str = ""
    path: str = ""
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Something to read beside the findings, such as coverage by model. Rows have the same keys.

    People are shown the `short` rows where there are any, and the `legend` of their marks.
    """

    name: str
    title: str
    rows: tuple[Mapping[str, Any], ...]
    short: tuple[Mapping[str, Any], ...] = ()
    legend: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """All that one run found. `checked` counts by kind what was looked at, findings or not."""

    findings: tuple[Finding, ...] = ()
    tables: tuple[Table, ...] = ()
    checked: Mapping[str, int] = field(default_factory=dict)
