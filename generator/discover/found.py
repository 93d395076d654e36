"""What was found, before it becomes an inventory: which engine serves which model, and where."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A job that Prometheus has, all of it or some instances, or targets that it is to scrape.

    Neither of them is where nobody said it: then the usual address is a guess.
    """

    job: str = ""
    instances: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    scheme: str = "http"
    path: str = ""

    @property
    def is_known(self) -> bool:
        """Whether it is a place at all."""
        return bool(self.job or self.targets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a model did over some hours.

    `p95_s` is in seconds, by objective (`latency`), with `boundaries` between which it was counted;
    infinite where it is above the last of them. `requests` is None where none are counted.
    """

    hours: int
    p95_s: Mapping[str, float] = field(default_factory=dict)
    boundaries: Mapping[str, frozenset[Decimal]] = field(default_factory=dict)
    requests: float | None = None
    failures: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A score or KPI that is exposed under our own names, with the range that was seen."""

    name: str
    low: float = 0
    high: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """What an exporter of cards or hosts sees; `kind` is what the cards call themselves.

    `cards` is 0 where nobody has counted them.
    """

    cards: int = 0
    hosts: tuple[str, ...] = ()
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """An engine that serves a model, or an exporter of cards or hosts with its `hardware`.

    `model` is how the engine names it; `called` is another name for it, where the engine names
    none, and `part_of` what it is only a part of. `counts` says whether the engine counts requests
    there. `why` is what speaks for all this.
    `price` is USD per million tokens by kind.
    """

    engine: str
    model: str = ""
    called: str = ""
    part_of: str = ""
    environment: str = ""
    team: str = ""
    place: Place = Place()
    counts: bool = True
    why: str = ""
    remarks: tuple[str, ...] = ()
    measured: Measured | None = None
    scores: tuple[Signal, ...] = ()
    kpis: tuple[Signal, ...] = ()
    price: Mapping[str, Decimal] = field(default_factory=dict)
    hardware: Hardware | None = None

    @property
    def identity(self) -> str:
        """What it is known by."""
        return self.part_of or self.model or self.called


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Everything that one source of knowledge says. `remarks` are for the person who asked."""

    sightings: tuple[Sighting, ...] = ()
    remarks: tuple[str, ...] = ()
    looked_for: str
