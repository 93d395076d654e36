"""No part of an inventory can change without being told."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from generator.difference.changes import changes
from modelwatch.inventory import Inventory, Quantity
from tests.inventory_texts import ROOT, read_text

_DERIVED = {"line", "path", "members", "name", "environment", "key"}
"""Places, identities, and what follows from other facts."""


_OTHERS: Mapping[type, Callable[[Any], Any]] = {
    bool: lambda value: not value,
    int: lambda value: value + 1,
    Decimal: lambda value: value + 1,
    str: lambda value: f"{value}x",
    tuple: lambda value: value[1:] if value else None,
    dict: lambda value: dict(list(value.items())[1:]) if value else None,
    Quantity: lambda value: replace(value, value=value.value + 1, text="other"),
}
"""Something else of the same type."""


def _other(value: object) -> Any:
    edit = _OTHERS.get(type(value))
    return edit(value) if edit else None


def _edits(value: Any) -> list[tuple[str, Any]]:
    """The value with one thing in it changed, for each that can be."""
    found: list[tuple[str, Any]] = []
    for one in fields(value):
        inner = getattr(value, one.name)
        if one.name in _DERIVED:
            continue
        other = "7m" if one.name == "hold" else _other(inner)
        if other is not None:
            found.append((one.name, replace(value, **{one.name: other})))
        if isinstance(inner, tuple) and inner and is_dataclass(inner[0]):
            found += [
                (f"{one.name}.{name}", replace(value, **{one.name: (edited, *inner[1:])}))
                for name, edited in _edits(inner[0])
            ]
    return found


RICH = read_text((ROOT / "examples" / "everything.yaml").read_text(encoding="utf-8"))


def _with(part: str, value: Any) -> Inventory:
    changed: dict[str, Any] = {part: value}
    return replace(RICH, **changed)


def _edited() -> Iterator[tuple[str, Inventory]]:
    for part in ("models", "pools", "budgets"):
        first, *rest = getattr(RICH, part)
        for name, edited in _edits(first):
            yield f"{part}.{name}", _with(part, (edited, *rest))
    for part in ("teams", "receivers"):
        known = getattr(RICH, part)
        key = next(iter(known))
        for name, edited in _edits(known[key]):
            yield f"{part}.{name}", _with(part, {**known, key: edited})
    for name, edited in _edits(RICH.settings):
        yield f"settings.{name}", _with("settings", edited)
    for part in (
        *("severities", "thresholds", "floors", "engines", "stack_sources", "exporters"),
        *("models", "pools", "budgets", "teams", "receivers"),
    ):
        yield part, _with(part, _other(getattr(RICH, part)))


EDITED = tuple(_edited())


@pytest.mark.parametrize("edited", [one for _, one in EDITED], ids=[name for name, _ in EDITED])
def test_every_change_of_an_inventory_is_told(edited: Inventory) -> None:
    assert changes(RICH, edited)
