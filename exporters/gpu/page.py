"""Facts under modelwatch's own names."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from exporters.base.families import Family
from exporters.gpu.facts import Card, Reading
from exporters.gpu.place import Place
from modelwatch.catalogue import gpu as series
from modelwatch.catalogue.metric import Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One scrape: what all cards said, and the XID errors until then by UUID."""

    place: Place
    readings: tuple[Reading, ...]
    xids: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    last_xids: Mapping[str, int] = field(default_factory=dict)


class Families:
    """Families that come into being with their first sample."""

    def __init__(self) -> None:
        self._by_name: dict[str, Family] = {}

    def add(self, metric: Metric, value: float, *labels: str) -> None:
        """One more sample."""
        self._by_name.setdefault(metric.name, Family(metric)).add(value, *labels)

    def all(self) -> tuple[Family, ...]:
        """All of them, in the order of their first samples."""
        return tuple(self._by_name.values())


def health(snapshot: Snapshot, families: Families) -> None:
    """Which cards should be there, are there, and why not."""
    place = snapshot.place
    host = (place.environment, place.pool, place.host)
    if place.expected is not None:
        families.add(series.GPU_EXPORTER_HOST_EXPECTED, place.expected, *host)
    present = sum(not reading.down for reading in snapshot.readings)
    families.add(series.GPU_EXPORTER_HOST_PRESENT, present, *host)
    for reading in snapshot.readings:
        gpu = reading.card.gpu
        families.add(series.GPU_EXPORTER_CARD_UP, float(not reading.down), *host, gpu)
        if reading.down:
            families.add(series.GPU_EXPORTER_CARD_DOWN, 1.0, *host, gpu, reading.down)


def own_names(snapshot: Snapshot) -> tuple[Family, ...]:
    """The page under the catalogue's names."""
    families = Families()
    health(snapshot, families)
    place = snapshot.place
    host = (place.environment, place.pool, place.host)
    for reading in snapshot.readings:
        card = (*host, reading.card.gpu)
        if not reading.down:
            families.add(series.GPU_EXPORTER_INFO, 1.0, *card, *_info(reading.card))
        for fact in reading.facts:
            families.add(fact.metric, fact.value, *card, *fact.own)
    for gpu, counts in snapshot.xids.items():
        for code, count in counts.items():
            families.add(series.GPU_EXPORTER_XID_TOTAL, count, *host, gpu, code)
    return families.all()


def _info(card: Card) -> Iterable[str]:
    return str(card.index), card.name, card.serial, card.bus, card.vbios, card.driver, card.cuda
