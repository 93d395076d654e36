"""Variables of a board in an expression: what they stand for while nobody has chosen anything."""

import re
from collections.abc import Mapping

from generator.verify.expression import Node
from generator.verify.matching import OPEN, OPEN_NAME
from generator.verify.query import tree_of
from modelwatch.tree import Block

_VARIABLE = re.compile(
    r"\$\{(?P<braced>\w+)[^}]*\}|\$(?P<plain>[A-Za-z_]\w*)|\[\[(?P<old>\w+)[^\]]*\]\]"
)
_CONTEXT = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)"""
    r"|(?P<range>\[(?!\[)[^\]]*\](?!\]))"
    r"|(?P<offset>\boffset\s+-?(?:\$\w+|\$\{[^}]*\}))"
    r"|(?P<labels>\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\))"
)
_DURATION = re.compile(r"(?:\d+(?:ms|[smhdwy]))+")
_NAME = re.compile(r"[a-zA-Z_:][\w:]*")
_SECONDS = {"__range_s": "3600", "__range_ms": "3600000", "__interval_ms": "60000"}
WINDOW = "5m"
"""Stands for every duration that a board fills in: none of them says what data there is."""


def values_of(templating: Block) -> dict[str, str]:
    """What the variables of a board stand for where that is known before anybody chooses."""
    found = {}
    for variable in templating.items_of("list"):
        if isinstance(variable, Block):
            current = variable.block("current")
            chosen = current.texts("value") or (variable.text("query").split(",")[0].strip(),)
            found[variable.text("name")] = chosen[0]
    return found


def filled(expr: str, values: Mapping[str, str]) -> tuple[Node | None, str]:
    """The tree with variables filled in; without one, why not.

    In texts, a variable is left open: every label value can be chosen. Elsewhere it is a number,
    or else a name.
    """
    if not _VARIABLE.search(expr):
        return tree_of(expr)
    tree, reason = tree_of(_filled(expr, values, "1"), expr)
    if tree is None:
        tree, _ = tree_of(_filled(expr, values, OPEN_NAME), expr)
    return tree, "" if tree else reason


def _filled(expr: str, values: Mapping[str, str], otherwise: str) -> str:
    parts, last = [], 0
    for found in _CONTEXT.finditer(expr):
        parts += [_outside(expr[last : found.start()], values, otherwise), _inside(found)]
        last = found.end()
    return "".join((*parts, _outside(expr[last:], values, otherwise)))


def _inside(found: re.Match[str]) -> str:
    if found["text"]:
        return _VARIABLE.sub(lambda one: f"{OPEN}{_name(one)}", found[0])
    if found["labels"]:
        return _VARIABLE.sub(OPEN_NAME, found[0])
    return _VARIABLE.sub(WINDOW, found[0])


def _name(found: re.Match[str]) -> str:
    return found["braced"] or found["plain"] or found["old"] or ""


def _outside(text: str, values: Mapping[str, str], otherwise: str) -> str:
    def value(found: re.Match[str]) -> str:
        name = _name(found)
        known = _SECONDS.get(name) or values.get(name, "")
        if _DURATION.fullmatch(known) or not known:
            return otherwise
        numeric = re.fullmatch(r"-?\d+(?:\.\d+)?", known)
        return known if numeric or _NAME.fullmatch(known) else otherwise

    return _VARIABLE.sub(value, text)
