"""The selectors of an expression: which series it reads, and where they stand in its text."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_STRING = r'"(?:[^"\\]|\\.)*"'
_SELECTOR = re.compile(rf'([a-zA-Z_:][\w:]*)\s*(\{{(?:[^"}}]|{_STRING})*\}})?|{_STRING}')
_MATCHER = re.compile(rf"(\w+)\s*(=~|!~|!=|=)\s*({_STRING})")
_WRITTEN = {"=": "", "!=": "!", "=~": "~", "!~": "!~"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """One name in an expression, with its matchers as `promql.select` takes them."""

    name: str
    where: Mapping[str, str]
    start: int
    end: int


def selectors(expr: str) -> Iterator[Selector]:
    """Every name in the expression that may be a series; functions and labels are names too."""
    for found in _SELECTOR.finditer(expr):
        if found[1]:
            yield Selector(
                name=found[1],
                where=_where(found[2] or ""),
                start=found.start(),
                end=found.end() if found[2] else found.end(1),
            )


def _where(braces: str) -> dict[str, str]:
    return {
        label: _WRITTEN[operator] + re.sub(r"\\(.)", r"\1", text[1:-1])
        for label, operator, text in _MATCHER.findall(braces)
    }
