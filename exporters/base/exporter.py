"""What an exporter is: collectors for its page, doors for what is sent to it, work beside both."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import click

from exporters.base.families import Family
from modelwatch.catalogue.metric import Metric
from modelwatch.inventory import Inventory
from modelwatch.rules import Constant


class Collector(Protocol):
    """Reads one source. Its name is the label `collector` of what the page says about it."""

    @property
    def name(self) -> str:
        """Short and constant, such as `nvml`."""

    def collect(self) -> Iterable[Family]:
        """Fresh samples. Whatever it raises ends this collector's part of this page only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What arrived at a door: body decompressed, within its limit; header names in lower case."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a door answers. A status of 400 and above is counted as rejected under `reason`."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A path that takes requests; `answer` runs in a thread and may block.

    One that `accepts` data (POST) needs a bearer token unless the server is bound to loopback, and
    takes bodies of these media `types`; none are for a door that looks itself.
    """

    path: str
    method: str
    answer: Callable[[Request], Reply]
    accepts: bool = False
    max_body_bytes: int = 1 << 20
    types: tuple[str, ...] = ("application/json", "application/x-ndjson")


class Work(Protocol):
    """Something that goes on beside scrapes, such as a schedule. Threads are its own affair."""

    def start(self) -> None:
        """Begin; returns at once."""

    def stop(self) -> None:
        """End within half a second, with everything durable on disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What an exporter is started with.

    `options` are the values of its own command line options by name; `state_dir` is a folder of
    its own that outlives it; `constants` computes the inventory's series, `SERIES_PREDICTED`
    included. Without `--inventory` there is no inventory.
    """

    inventory: Inventory | None
    constants: Callable[[Inventory], tuple[Constant, ...]]
    state_dir: Path
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A started exporter. `reconfigure` takes an inventory that was read again; it may raise."""

    collectors: tuple[Collector, ...]
    doors: tuple[Door, ...] = ()
    work: tuple[Work, ...] = ()
    reconfigure: Callable[[Inventory], None] = lambda _inventory: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exporter:
    """The constant `EXPORTER` of a package in `exporters/`; its name is the package's.

    `metrics` is everything its page can hold, for the docs; `needs_inventory` is false where it
    also does something useful without.
    """

    name: str
    title: str
    question: str
    port: int
    metrics: tuple[Metric, ...]
    start: Callable[[Context], Parts]
    options: tuple[click.Option, ...] = ()
    needs_inventory: bool = True
