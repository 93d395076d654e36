"""A difference as a comment in Markdown, as text, and for programs."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from generator.difference import Difference
from generator.difference.words import Section, Style, headline, risks, sections

MARK = "<!-- modelwatch diff -->"
"""First line of the comment, by which the next run finds it again."""

LONGEST_COMMENT = 65_000
"""Characters; GitHub takes 65 536."""

_RESERVE = 500
"""Characters for saying what was left out."""
_OPEN_LINES = 15
_MOST_LINES = 60
_MOST_NAMES = 8
_MOST_RISKS = 20
_LONGEST_WORD = 120
_PLAIN = re.compile(r"(?:[A-Za-z0-9 ,()-]|(?<=[A-Za-z0-9])_(?=[A-Za-z0-9]))+")


def _one_line(text: str) -> str:
    """The text without line breaks and without characters that only pretend."""
    tidy = " ".join(text.split())
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in tidy)


def _code(text: str) -> str:
    """The text as a code span, in which Markdown, HTML and mentions mean nothing."""
    shown = _one_line(text)
    if len(shown) > _LONGEST_WORD:
        shown = f"{shown[: _LONGEST_WORD - 1]}…"
    runs = [len(run) for run in re.findall("`+", shown)]
    fence = "`" * next(size for size in range(1, len(runs) + 2) if size not in runs)
    padding = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{padding}{shown}{padding}{fence}"


def _name(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else _code(text)


_MARKDOWN = Style(quote=_code, name=_name, most=_MOST_NAMES)
_TEXT = Style(quote=_one_line, name=_one_line, most=_MOST_NAMES)


def markdown(found: Difference, longest: int = LONGEST_COMMENT) -> str:
    """A comment for a pull request: short, with what few read folded away.

    Sections that would make it longer than `longest` are left out whole, and counted.
    """
    parts = [f"{MARK}\n### modelwatch: {headline(found)}\n"]
    first = risks(found, _MARKDOWN)
    if first:
        listed = _cut([f"- {line}" for line in first], _MOST_RISKS)
        parts.append("**Look at these first**\n\n" + "\n".join(listed) + "\n")
    left_out = []
    for section in sections(found, _MARKDOWN):
        part = _section(section)
        if sum(map(len, (*parts, part))) > longest - _RESERVE:
            left_out.append(f"{section.title} ({len(section.lines):,} lines)")
        else:
            parts.append(part)
    if left_out:
        parts.append(
            f"Left out, as a comment has its limits: {', '.join(left_out)}. "
            "`modelwatch diff` on your machine shows them.\n"
        )
    return "\n".join(parts)


def _section(section: Section) -> str:
    lines = "\n".join(_cut(section.lines, _MOST_LINES))
    if not section.is_detail and len(section.lines) <= _OPEN_LINES:
        return f"**{section.title}**\n\n{lines}\n"
    return f"<details><summary>{section.title}</summary>\n\n{lines}\n\n</details>\n"


def _cut(lines: Sequence[str], most: int) -> Iterable[str]:
    if len(lines) <= most:
        return lines
    return (*lines[:most], f"- and {len(lines) - most:,} more lines")


def text(found: Difference) -> str:
    """The same for a terminal, with every line."""
    parts = [f"{headline(found)}\n"]
    first = risks(found, _TEXT)
    if first:
        parts.append("Look at these first\n" + "".join(f"  - {line}\n" for line in first))
    parts += [
        f"{section.title}\n" + "".join(f"  {line}\n" for line in section.lines)
        for section in sections(found, _TEXT)
    ]
    return "\n".join(parts)


def as_json(found: Difference) -> str:
    """The same for programs."""
    return json.dumps(
        {"headline": headline(found), "risks": risks(found, _TEXT), **asdict(found)},
        indent=2,
        ensure_ascii=False,
    )
