"""The pages of the demo fleet under a clock of the test."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from compose.fleet.serve import PAGES, servers
from compose.fleet.traffic import World

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Fleet:
    """All pages under one clock, scraped at an interval."""

    def __init__(self, compression: float = 20.0) -> None:
        self.clock = Clock()
        self.world = World(compression=compression, now=self.clock)
        self.pages = {name: make(self.world) for name, make in PAGES.items()}

    def scrape(self, name: str, rounds: int = 1, every_s: float = 0.75) -> Samples:
        text = ""
        for _ in range(rounds):
            self.clock.seconds += every_s
            text = self.pages[name]()
        return samples(text)

    def gained(self, name: str, rounds: int = 40) -> Samples:
        """How much every counter of the page grew over these rounds."""
        before = self.scrape(name)
        after = self.scrape(name, rounds)
        return {key: value - before.get(key, 0.0) for key, value in after.items()}


def samples(text: str) -> Samples:
    """The values of a page, under the names that stand there."""
    found: Samples = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            key, value = line.rsplit(" ", 1)
            name, _, labels = key.partition("{")
            found[name, frozenset(re.findall(r'(\w+)="([^"]*)"', labels))] = float(value)
    return found


def types(text: str) -> dict[str, str]:
    """Metric to type."""
    return dict(re.findall(r"^# TYPE (\S+) (\w+)$", text, re.MULTILINE))


def total(found: Samples, name: str, **labels: str) -> float:
    """Sum of the series of this name with these labels; `~x` means that it contains x."""
    return sum(
        value
        for (metric, have), value in found.items()
        if metric == name and all(_matches(dict(have).get(k, ""), v) for k, v in labels.items())
    )


def _matches(have: str, want: str) -> bool:
    return want[1:] in have if want.startswith("~") else have == want


@contextmanager
def serving(fleet: Fleet, *names: str) -> Iterator[dict[str, str]]:
    running = servers(fleet.world, dict.fromkeys(names, 0))
    threads = [threading.Thread(target=one.serve_forever) for one in running]
    for thread in threads:
        thread.start()
    try:
        yield {
            name: f"http://127.0.0.1:{one.server_address[1]}"
            for name, one in zip(names, running, strict=True)
        }
    finally:
        for one, thread in zip(running, threads, strict=True):
            one.shutdown()
            thread.join()
            one.server_close()
