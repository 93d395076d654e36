"""Pages of the GPU exporter as the engine tables read them, made from scripted cards.

`python -m tests.exporters.gpu_pages` writes them to `exporters/pages`, after a change that is
meant.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pynvml

import exporters
from exporters.base.rendering import render
from exporters.gpu import CardsPage
from exporters.gpu.cards import Cards
from exporters.gpu.library import Library
from exporters.gpu.place import Place
from exporters.gpu.session import Session
from exporters.gpu.xid import Xids
from tests.exporters.nvml import Card, Scripted, cut, h100, hold_back

CAPTURED = Path(exporters.__file__).parent / "pages"
PAGES = Path(__file__).parent.parent / "pages"
PLACE = Place(environment="elsewhere", pool="elsewhere", host="gpu-1", expected=2)
HELD_S = {pynvml.NVML_PERF_POLICY_POWER: 60, pynvml.NVML_PERF_POLICY_THERMAL: 120}
"""Seconds within the hour between two scrapes in which the first card was held back."""


class Clock:
    """A time that passes only when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def page(cards: Sequence[Card], names: str) -> str:
    """The page of the second scrape, an hour after the first; the first card had XID errors."""
    clock = Clock()
    session = Session(Library(Scripted(*cards)), clock)
    xids = Xids(session)
    exporter = CardsPage(
        cards=Cards(session, deadline_s=10, clock=clock), xids=xids, place=PLACE, names=names
    )
    for card in cards:
        hold_back(card, {})
        xids.counts[card.answers["nvmlDeviceGetUUID"]] = Counter()
    exporter.collect()
    clock.now += 3600
    hold_back(cards[0], HELD_S)
    first = cards[0].answers["nvmlDeviceGetUUID"]
    xids.counts[first] = Counter({"63": 8, "79": 4})
    xids.last[first] = 79
    return render(exporter.collect(), openmetrics=False).decode()


def pages() -> dict[str, str]:
    """File name to text."""
    return {
        "modelwatch_gpu-1.prom": page([h100(0), h100(1)], "modelwatch"),
        "modelwatch_gpu-1-mig.prom": page([cut(0)], "modelwatch"),
        "dcgm_exporter-modelwatch.prom": page([h100(0), h100(1)], "dcgm"),
    }


if __name__ == "__main__":
    for name, text in pages().items():
        (CAPTURED / name).write_text(text)
