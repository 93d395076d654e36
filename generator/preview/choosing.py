"""What the drop-downs of a board select, and queries with that put into them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from generator.asking import Period, Prometheus
from modelwatch.board import Board, Variable

ALL = "All"
_LABEL_VALUES = re.compile(r"label_values\((.*), (\w+)\)", re.DOTALL)
_NAMED = r"\$(?:\{(\w+)[^}]*\}|(\w+))"
_VARIABLE = re.compile(_NAMED)
_PART = re.compile(rf'(?P<operator>=~|!~)?\s*"(?P<text>(?:[^"\\]|\\.)*)"|{_NAMED}')
_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What one drop-down is set to. `pattern` is for `=~`; without `picked` it is everything."""

    picked: tuple[str, ...]
    pattern: str
    choices: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """The choice in words."""
        return ", ".join(self.picked) or ALL


Choices = Mapping[str, Chosen]


def choose(
    board: Board, wanted: Mapping[str, Sequence[str]], prometheus: Prometheus, period: Period
) -> dict[str, Chosen]:
    """Every drop-down of the board, from left to right, as each depends on those before it."""
    chosen: dict[str, Chosen] = {}
    for variable in board.drop_downs:
        choices = variable.choices or _choices(variable, chosen, prometheus, period)
        picked = tuple(value for value in wanted.get(variable.name, ()) if value != ALL)
        if variable.choices:  # these stand in queries as they are, so only the known ones may
            picked = tuple(value for value in picked if value in choices)
        chosen[variable.name] = _chosen(variable, picked, choices)
    return chosen


def _choices(
    variable: Variable, chosen: Choices, prometheus: Prometheus, period: Period
) -> tuple[str, ...]:
    found = _LABEL_VALUES.fullmatch(variable.query)
    if found is None:
        return ()
    selector = substituted(found[1], chosen)
    return tuple(sorted(filter(None, prometheus.label_values(found[2], selector, period))))


def _chosen(variable: Variable, picked: tuple[str, ...], choices: tuple[str, ...]) -> Chosen:
    if not picked and not variable.everything:
        picked = (variable.default,) if variable.default else choices[:1]
    if not variable.multi:
        picked = picked[:1]
    if not picked and variable.all_value:
        return Chosen(picked=(), pattern=variable.all_value, choices=choices)
    pattern = "|".join(_SPECIAL.sub(r"\\\g<0>", value) for value in picked or choices)
    return Chosen(picked=picked, pattern=pattern, choices=choices)


def substituted(expr: str, chosen: Choices, built_in: Mapping[str, str] | None = None) -> str:
    """The expression with its variables replaced: a pattern after `=~`, else the text itself."""
    plain = built_in or {}

    def value(found: re.Match[str], *, as_pattern: bool) -> str:
        name = found[1] or found[2]
        if name not in chosen:
            return plain.get(name, found[0])
        return chosen[name].pattern if as_pattern else "|".join(chosen[name].picked)

    def part(found: re.Match[str]) -> str:
        if found["text"] is None:
            name = found[3] or found[4]
            return "|".join(chosen[name].picked) if name in chosen else plain.get(name, found[0])
        as_pattern = found["operator"] is not None
        text = _VARIABLE.sub(lambda one: _quoted(value(one, as_pattern=as_pattern)), found["text"])
        return f'{found["operator"] or ""}"{text}"'

    return _PART.sub(part, expr)


def _quoted(text: str) -> str:
    """The text as it stands between the quotes of a PromQL string."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
