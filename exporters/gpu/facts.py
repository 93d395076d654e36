"""What is known about a card: facts under the catalogue's metrics, before they are named."""

from dataclasses import dataclass

from modelwatch.catalogue.metric import Metric


@dataclass(frozen=True, slots=True)
class Fact:
    """One number. `own` are the values of the metric's labels after those of the card."""

    metric: Metric
    value: float
    own: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Which card it is. `gpu` is its UUID; of a card that never told it, `index-` and its number.

    What a card does not tell is empty; `minor` is the number in `/dev/nvidia<minor>`.
    """

    gpu: str
    index: int
    name: str = ""
    serial: str = ""
    bus: str = ""
    vbios: str = ""
    driver: str = ""
    cuda: str = ""
    minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A card in one scrape: its facts, or why it is `down`."""

    card: Card
    facts: tuple[Fact, ...] = ()
    down: str = ""
