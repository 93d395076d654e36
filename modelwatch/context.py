"""What every part of reading an inventory needs: the file, the engines, and where to report."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from modelwatch.engine import Engine
from modelwatch.inventory import Budget, Model, Pool
from modelwatch.problems import Place, Report
from modelwatch.quantities import NotAQuantityError
from modelwatch.schema_words import choices, close
from modelwatch.tree import Block

Read = TypeVar("Read")

_ENTRIES = 2
"""Level of damage from which on an entry of a section, and so its name, is lost."""


@dataclass(slots=True, kw_only=True)
class Context:
    """One reading of one file. `damaged` is the schema check's."""

    root: Block
    report: Report
    engines: Mapping[str, Engine]
    damaged: Mapping[str, int] = field(default_factory=dict)

    @property
    def defaults(self) -> Block:
        """The block of defaults."""
        return self.root.block("defaults")

    def names(self, section: str) -> Collection[str]:
        """Every name that a section gives, whether or not what it names is sound."""
        return self.root.block(section).keys_at.keys()

    def quantity(self, place: Place, read: Callable[[str], Read], text: str) -> Read | None:
        """What a reader of quantities makes of the text; None and a report when it refuses."""
        try:
            return read(text)
        except NotAQuantityError as error:
            self.report.add(place, f"'{text}' cannot be used here", str(error))
            return None

    def names_are_known(self, section: str) -> bool:
        """Whether every name of a section was understood, so that an unknown one is a mistake."""
        return self.damaged.get(section, _ENTRIES + 1) > _ENTRIES

    def is_whole(self, section: str) -> bool:
        """Whether nothing at all had to be left out of a section."""
        return section not in self.damaged

    def refer(
        self, place: Place, what: str, name: str, section: str, known: Collection[str]
    ) -> bool:
        """Whether the name is known; reports it when it is not."""
        if name in known:
            return True
        if self.names_are_known(section):
            advice = close(name, known) or (
                f"known here: {choices(known)}" if known else f"describe it under `{section}`"
            )
            self.report.add(place, f"there is no {what} '{name}'", advice)
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A model with the block that it was read from and the places of its sources.

    It is `whole` when all of its sources made sense: only then can one say that something is
    missing.
    """

    model: Model
    block: Block
    places: tuple[Place, ...]
    whole: bool

    def at(self, *keys: str) -> Place:
        """Where the value under the keys is, or as much of it as the model itself writes."""
        block = self.block
        for key in keys[:-1]:
            if key not in block:
                break
            block = block.block(key)
        if keys and keys[-1] in block:
            return block.at(keys[-1])
        return block.place if block is not self.block else self.block.at("name")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolDraft:
    """A pool with its block."""

    pool: Pool
    block: Block
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetDraft:
    """A budget with its block."""

    budget: Budget
    block: Block
