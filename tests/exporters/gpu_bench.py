"""The GPU exporter on scripted cards, scraped by hand."""

import time
from collections.abc import Callable, Iterator

from exporters.base.families import Family
from exporters.gpu import CardsPage
from exporters.gpu.cards import Cards
from exporters.gpu.library import Library
from exporters.gpu.place import Place
from exporters.gpu.session import Session
from exporters.gpu.xid import Xids
from modelwatch.catalogue import gpu as series
from tests.exporters.gpu_pages import Clock
from tests.exporters.nvml import Card, Scripted

UUIDS = [f"GPU-{index:08x}-0000-4000-8000-000000000000" for index in range(8)]
Page = dict[str, dict[tuple[str, ...], float]]


class Bench:
    """An exporter with scripted cards and a clock that is moved by hand."""

    def __init__(self, *cards: Card, deadline_s: float = 10) -> None:
        self.library = Scripted(*cards)
        self.clock = Clock()
        self.session = Session(Library(self.library), self.clock)
        self.cards = Cards(self.session, deadline_s=deadline_s, clock=self.clock)
        place = Place(pool="a100", host="gpu-1", expected=8)
        self.page = CardsPage(cards=self.cards, xids=Xids(self.session), place=place)

    def scrape(self, after_s: float = 15) -> Page:
        """Samples by metric, and by the labels after those of the host."""
        self.clock.now += after_s
        return {
            family.metric.name: {labels[3:]: value for labels, value in numbers(family)}
            for family in self.page.collect()
        }


def numbers(family: Family) -> Iterator[tuple[tuple[str, ...], float]]:
    for labels, value in family.samples.items():
        assert isinstance(value, int | float)
        yield labels, value


def up(page: Page) -> dict[str, float]:
    return {labels[0]: value for labels, value in page[series.GPU_EXPORTER_CARD_UP.name].items()}


def down(page: Page) -> dict[str, str]:
    reasons = page.get(series.GPU_EXPORTER_CARD_DOWN.name, {})
    return {labels[0]: labels[1] for labels in reasons}


def facts(page: Page, gpu: str) -> set[str]:
    """Metrics that say something of a card, beside whether it answers."""
    health = {series.GPU_EXPORTER_CARD_UP.name, series.GPU_EXPORTER_CARD_DOWN.name}
    return {
        name
        for name, samples in page.items()
        if name not in health and any(labels[:1] == (gpu,) for labels in samples)
    }


def until(true: Callable[[], bool], within_s: float = 5) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)
