"""Where generated files go besides a Prometheus of one's own: one file, one target.

A file with a constant `TARGET` is a value of `modelwatch generate --target`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from generator.definitions import Definitions
from modelwatch.discovery import constants_named
from modelwatch.inventory import Inventory


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A system that takes our rules and boards in a form of its own.

    `files` maps an inventory to path and text of everything that it loads: pure and deterministic.
    `next_step` is the command that loads them, said at the end; `{output}` is the directory.
    """

    name: str
    title: str
    files: Callable[[Inventory, Definitions], Mapping[str, str]]
    next_step: str


@cache
def targets() -> dict[str, Target]:
    """Every target by name."""
    return {found.name: found for found in constants_named("generator.targets", "TARGET").values()}
