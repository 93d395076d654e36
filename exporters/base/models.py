"""Finds the model that is meant, by its name and environment."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Generic, TypeVar

from exporters.base.receipts import Refused

_Found = TypeVar("_Found")


class Models(Generic[_Found]):
    """What is known of each model in each of its environments."""

    def __init__(self, found: Iterable[tuple[tuple[str, str], _Found]]) -> None:
        self._models: defaultdict[str, dict[str, _Found]] = defaultdict(dict)
        for (model, environment), one in found:
            self._models[model][environment] = one

    def find(self, model: str, environment: str) -> _Found:
        """What is known; the environment may be left out where the model has one only.

        Raises:
            Refused: there is no model of that name, or it is not in that environment.
        """
        environments = self._models.get(model)
        if environments is None:
            raise Refused("unknown_model", f"the inventory has no model {model[:80]!r}")
        if not environment:
            if len(environments) > 1:
                names = ", ".join(environments)
                raise Refused("unknown_environment", f"{model!r} is in {names}: say which")
            return next(iter(environments.values()))
        if environment not in environments:
            raise Refused("unknown_environment", f"{model!r} is not in {environment[:80]!r}")
        return environments[environment]

    def all(self) -> list[_Found]:
        """All of them."""
        return [one for environments in self._models.values() for one in environments.values()]
