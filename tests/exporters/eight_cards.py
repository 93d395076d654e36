"""Eight scripted cards with 18 links each: `--library tests.exporters.eight_cards`.

For measuring what the exporter itself costs: no answer takes any time.
"""

from typing import Any

import pynvml

from tests.exporters.nvml import Card, Scripted, h100, numbered

LINKS = 18


def _linked(card: Card) -> Card:
    card.fields[pynvml.NVML_FI_DEV_NVLINK_LINK_COUNT] = numbered(LINKS)
    for link in range(LINKS):
        card.answers["nvmlDeviceGetNvLinkState", link] = 1
        for kind in range(pynvml.NVML_NVLINK_ERROR_COUNT):
            card.answers["nvmlDeviceGetNvLinkErrorCounter", link, kind] = 0
        for name in ("TX", "RX"):
            number = getattr(pynvml, f"NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_{name}")
            card.fields[number, link] = numbered(10**12)
    return card


_LIBRARY = Scripted(*(_linked(h100(index)) for index in range(8)))


def __getattr__(name: str) -> Any:
    """All that the binding has."""
    return getattr(_LIBRARY, name)
