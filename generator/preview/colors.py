"""Our colours on paper, and which one a value or series gets."""

import math
from collections.abc import Iterable, Mapping
from zlib import crc32

from modelwatch.board import Color, Panel, Step

HEX: Mapping[Color, str] = {
    "green": "#2f9e44",
    "amber": "#e8890c",
    "red": "#d6293e",
    "blue": "#2f6fde",
    "purple": "#8250c8",
    "grey": "#8e8e8e",
    "text": "#24292f",
}
_PALETTE = (
    "#3b7ddd",
    "#0f9d8a",
    "#b0569f",
    "#7a8b2f",
    "#5bb5e0",
    "#9a6b3f",
    "#2c6e63",
    "#66b38a",
    "#c98aa8",
    "#4a7a8c",
    "#6b7f99",
    "#b5a642",
)
"""For names that mean nothing by themselves; none is red or violet: a breach, the past."""


def of_value(value: float, steps: tuple[Step, ...], otherwise: Color = "text") -> Color:
    """The colour of the highest step that the value reaches."""
    reached = [step.color for step in steps if step.at is None or value >= step.at]
    return reached[-1] if reached and not math.isnan(value) else otherwise


def state_of(value: float, states: Mapping[str, tuple[str, Color]]) -> tuple[str, Color] | None:
    """Text and colour that stand for the value."""
    return states.get(f"{value:g}")


def by_name(names: Iterable[str], panel: Panel) -> dict[str, str]:
    """A colour per series: the same name has the same one in every panel, where it can."""
    given: dict[str, str] = {}
    for name in sorted(set(names)):
        if name in panel.colors:
            given[name] = HEX[panel.colors[name]]
            continue
        first = crc32(name.encode())
        order = [_PALETTE[(first + turn) % len(_PALETTE)] for turn in range(len(_PALETTE))]
        free = [color for color in order if color not in given.values()]
        given[name] = (free or order)[0]
    return given
