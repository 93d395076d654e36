"""What was found as text, JSON, JUnit XML or annotations of a GitHub workflow."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from xml.etree import ElementTree as ET

from generator.listing import table
from generator.verify.finding import Finding, Level, Table, Verification
from modelwatch.problems import github_annotation

FORMAT = 1
"""Of the JSON; it becomes 2 when something that is there goes away or means something else."""
_ORDER: Mapping[Level, int] = {"error": 0, "warning": 1, "note": 2}
_NOTICES: Mapping[Level, Literal["error", "warning", "notice"]] = {
    "error": "error",
    "warning": "warning",
    "note": "notice",
}
_WIDEST = 60
_ROWS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was found by all that was asked. With `strict`, a warning fails as well.

    `subject` says what was verified, `asked` which questions there were, found something or not.
    """

    subject: str
    found: Verification
    asked: Sequence[str]
    strict: bool = False
    notes: bool = False

    @property
    def findings(self) -> list[Finding]:
        """Everything, the worst first, then by place."""
        return sorted(
            self.found.findings,
            key=lambda one: (_ORDER[one.level], one.path, one.line, one.column, one.subject),
        )

    def count(self, level: Level) -> int:
        """How many findings are of the level."""
        return sum(one.level == level for one in self.found.findings)

    @property
    def fails(self) -> bool:
        """Whether a gate stays closed."""
        return bool(self.count("error") or (self.strict and self.count("warning")))


def merged(parts: Iterable[Verification]) -> Verification:
    """Several as one; what is counted under one name is added up."""
    found = list(parts)
    checked: dict[str, int] = {}
    for part in found:
        for name, count in part.checked.items():
            checked[name] = checked.get(name, 0) + count
    return Verification(
        findings=tuple(dict.fromkeys(one for part in found for one in part.findings)),
        tables=tuple(one for part in found for one in part.tables),
        checked=checked,
    )


def as_text(report: Report) -> str:
    """For people: how it went, then the findings, the worst first, then the tables."""
    lines = [_summary(report), *_listed(report), *_tables(report), *_next(report)]
    return "\n".join(lines) + "\n"


def _summary(report: Report) -> str:
    counts = [(report.count("error"), "error"), (report.count("warning"), "warning")]
    bad = ", ".join(_counted(number, noun) for number, noun in counts)
    notes = _counted(report.count("note"), "note")
    looked = report.found.checked.items()
    checked = ", ".join(f"{count} {name}" for name, count in looked if count)
    return f"{report.subject}: {bad}, {notes}\nlooked at {checked}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}" if number else f"no {noun}s"


def _listed(report: Report) -> Iterator[str]:
    hidden = 0
    for one in report.findings:
        if one.level == "note" and not report.notes:
            hidden += 1
            continue
        place = f"{one.path}:{one.line}:{one.column}: " if one.path else ""
        advice = f"; {one.advice}" if one.advice else ""
        yield f"{one.level}: {place}{one.message}{advice}"
        yield f"    {one.subject} ({one.reason or one.check})"
    if hidden:
        yield f"{_counted(hidden, 'note')} not shown; --notes shows them"


def _tables(report: Report) -> Iterator[str]:
    for one in report.found.tables:
        rows = one.short or one.rows
        if "level" in (rows[0] if rows else {}) and not report.notes:
            rows = tuple(row for row in rows if row["level"] != "note")
        if not rows and not one.legend:
            continue
        none = "" if rows else ": none"
        yield f"\n{one.title}{none}" + f" ({one.legend})" * bool(one.legend)
        if rows:
            yield table([_short(row) for row in rows[:_ROWS]])
        if len(rows) > _ROWS:
            yield f"... and {len(rows) - _ROWS} more; --format json has all of them"


def _next(report: Report) -> Iterator[str]:
    """What to do first: what the worst finding says."""
    worst = next((one for one in report.findings if one.level != "note" and one.advice), None)
    if worst:
        yield f"\nnext: {worst.subject}: {worst.advice}"


def _short(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: f"{value[: _WIDEST - 3]}..." if len(str(value)) > _WIDEST else value
        for name, value in ((name, _cell(value)) for name, value in row.items())
    }


def _cell(value: Any) -> Any:
    return value if isinstance(value, int) else ("" if value is None else str(value))


def as_json(report: Report) -> str:
    """For programs."""
    content = {
        "format": FORMAT,
        "subject": report.subject,
        "errors": report.count("error"),
        "warnings": report.count("warning"),
        "notes": report.count("note"),
        "checked": dict(report.found.checked),
        "findings": [_row(one) for one in report.findings],
        "tables": [_table(one) for one in report.found.tables],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _row(one: Finding) -> dict[str, Any]:
    return {
        "level": one.level,
        "check": one.check,
        "reason": one.reason or one.check,
        "subject": one.subject,
        "message": one.message,
        "advice": one.advice,
        "selector": one.selector,
        "path": one.path,
        "line": one.line,
        "column": one.column,
    }


def _table(one: Table) -> dict[str, Any]:
    return {"name": one.name, "title": one.title, "rows": [dict(row) for row in one.rows]}


def as_junit(report: Report) -> str:
    """For test reports: a suite per question, a case per thing that it found something about.

    A question that found nothing has one case, which passed.
    """
    root = ET.Element("testsuites", name=report.subject)
    for check in dict.fromkeys((*report.asked, *(one.check for one in report.findings))):
        found = [one for one in report.findings if one.check == check]
        subjects = list(dict.fromkeys(one.subject for one in found)) or ["everything"]
        suite = ET.SubElement(root, "testsuite", name=check)
        failed = 0
        for subject in subjects:
            failed += _case(suite, check, subject, found, strict=report.strict)
        suite.set("tests", str(len(subjects)))
        suite.set("failures", str(failed))
        suite.set("errors", "0")
        suite.set("skipped", "0")
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _case(
    suite: ET.Element, check: str, subject: str, found: Sequence[Finding], *, strict: bool
) -> bool:
    about = [one for one in found if one.subject == subject]
    case = ET.SubElement(suite, "testcase", classname=f"modelwatch.{check}", name=subject)
    bad = [one for one in about if one.level == "error" or (strict and one.level == "warning")]
    others = [one for one in about if one not in bad]
    if about and about[0].path:
        case.set("file", about[0].path)
        case.set("line", str(about[0].line))
    if bad:
        failure = ET.SubElement(
            case, "failure", type=bad[0].reason or check, message=_xml(bad[0].message)
        )
        failure.text = _xml("\n".join(map(_line, bad)))
    if others:
        ET.SubElement(case, "system-out").text = _xml("\n".join(map(_line, others)))
    return bool(bad)


def _line(one: Finding) -> str:
    place = f"{one.path}:{one.line}:{one.column}: " if one.path else ""
    return f"{one.level}: {place}{one.message}" + (f"; {one.advice}" if one.advice else "")


def _xml(text: str) -> str:
    """The text without characters that XML cannot hold."""
    return "".join(mark for mark in text if mark in "\t\n" or mark.isprintable())


def as_github(report: Report) -> str:
    """Annotations of a GitHub workflow, notes only where they are asked for."""
    lines = [
        github_annotation(
            _NOTICES[one.level],
            f"{one.message}; {one.advice}" if one.advice else one.message,
            path=one.path,
            place=(one.line, one.column),
            title=f"{one.subject} ({one.reason or one.check})",
        )
        for one in report.findings
        if report.notes or one.level != "note"
    ]
    return "".join(f"{line}\n" for line in (*lines, _summary(report).splitlines()[0]))


FORMATS = {"text": as_text, "json": as_json, "junit": as_junit, "github": as_github}
