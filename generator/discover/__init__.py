"""What runs already, as a first inventory: one file, one source of knowledge.

A file with a constant `KNOWLEDGE` is a value of `modelwatch init --discover`. What each of them
finds is put together in `draft.py` and written in `text.py`.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import requests

from generator.discover.found import Found
from modelwatch.discovery import constants_named

if TYPE_CHECKING:
    from docker import DockerClient


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is outside of this process; `now` is in Unix seconds."""

    session: Callable[[], requests.Session]
    docker: Callable[[], AbstractContextManager["DockerClient"]]
    now: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """Something that knows what runs. `where` is how its place is written, empty where none is.

    Where two of them know the same, the lower `rank` is believed.
    """

    name: str
    where: str = ""
    rank: int
    look: Callable[[str, World], Found]

    @property
    def written(self) -> str:
        """How it is asked for, such as `prometheus=URL`."""
        return f"{self.name}={self.where}" if self.where else self.name


@cache
def everything_known() -> Mapping[str, Knowledge]:
    """Every source of knowledge by name, in the order in which they are believed."""
    found = constants_named("generator.discover", "KNOWLEDGE").values()
    ranked = sorted(found, key=lambda knowledge: int(knowledge.rank))
    return {knowledge.name: knowledge for knowledge in ranked}
