"""Counters, gauges, histograms and summaries, and how they look on a page."""

import bisect
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

Labels = tuple[tuple[str, str], ...]


class Family(Protocol):
    """Anything that can write its lines on a page."""

    def lines(self) -> Iterator[str]:
        """The lines, with help and type first."""


def labels(**values: str) -> Labels:
    """Labels in the order in which they are written."""
    return tuple(values.items())


def plain(value: float) -> str:
    """`5`, `0.25`: how Go and C++ write a boundary."""
    return f"{value:.15g}"


def pythonic(value: float) -> str:
    """`5.0`, `0.25`: how the Python client writes a boundary."""
    return repr(float(value))


@dataclass(slots=True, kw_only=True)
class Value:
    """A counter or gauge."""

    name: str
    help: str
    kind: Literal["counter", "gauge"] = "counter"
    values: dict[Labels, float] = field(default_factory=dict)

    def add(self, labels: Labels, amount: float = 1.0) -> None:
        """Count."""
        self.values[labels] = self.values.get(labels, 0.0) + amount

    def set(self, labels: Labels, value: float) -> None:
        """Replace the value."""
        self.values[labels] = value

    def lines(self) -> Iterator[str]:
        """The lines, with help and type first."""
        yield from _head(self.name, self.help, self.kind)
        for one, value in self.values.items():
            yield f"{self.name}{_braces(one)} {plain(value)}"


@dataclass(slots=True, kw_only=True)
class Histogram:
    """Buckets, sum and count per label set."""

    name: str
    help: str
    buckets: tuple[float, ...]
    boundary: Callable[[float], str] = pythonic
    counts: dict[Labels, list[int]] = field(default_factory=dict)
    sums: dict[Labels, float] = field(default_factory=dict)

    def start(self, labels: Labels) -> None:
        """Show zeros before the first observation."""
        self.counts.setdefault(labels, [0] * (len(self.buckets) + 1))
        self.sums.setdefault(labels, 0.0)

    def observe(self, labels: Labels, value: float, times: int = 1) -> None:
        """Count one value, or the same value several times."""
        self.start(labels)
        self.counts[labels][bisect.bisect_left(self.buckets, value)] += times
        self.sums[labels] += value * times

    def lines(self) -> Iterator[str]:
        """The lines, with help and type first."""
        yield from _head(self.name, self.help, "histogram")
        boundaries = (*(self.boundary(bucket) for bucket in self.buckets), "+Inf")
        for one, counts in self.counts.items():
            running = 0
            for boundary, count in zip(boundaries, counts, strict=True):
                running += count
                yield f"{self.name}_bucket{_braces((*one, ('le', boundary)))} {running}"
            yield f"{self.name}_sum{_braces(one)} {plain(self.sums[one])}"
            yield f"{self.name}_count{_braces(one)} {running}"


@dataclass(slots=True, kw_only=True)
class Summary:
    """Quantiles over the last `window_s` seconds, sum and count since the start."""

    name: str
    help: str
    quantiles: tuple[float, ...]
    window_s: float
    recent: dict[Labels, deque[tuple[float, float]]] = field(
        default_factory=lambda: defaultdict(deque)
    )
    sums: dict[Labels, float] = field(default_factory=lambda: defaultdict(float))
    counts: dict[Labels, int] = field(default_factory=lambda: defaultdict(int))

    def observe(self, labels: Labels, value: float, now: float) -> None:
        """Count one value and forget those older than the window."""
        recent = self.recent[labels]
        recent.append((now, value))
        while recent[0][0] < now - self.window_s:
            recent.popleft()
        self.sums[labels] += value
        self.counts[labels] += 1

    def lines(self) -> Iterator[str]:
        """The lines, with help and type first."""
        yield from _head(self.name, self.help, "summary")
        for one, recent in self.recent.items():
            ordered = sorted(value for _, value in recent)
            for quantile in self.quantiles:
                value = ordered[min(int(quantile * len(ordered)), len(ordered) - 1)]
                yield f"{self.name}{_braces((*one, ('quantile', plain(quantile))))} {plain(value)}"
            yield f"{self.name}_sum{_braces(one)} {plain(self.sums[one])}"
            yield f"{self.name}_count{_braces(one)} {self.counts[one]}"


def page(families: Iterable[Family]) -> str:
    """The text that is scraped."""
    return "".join(f"{line}\n" for family in families for line in family.lines())


def _head(name: str, help_text: str, kind: str) -> Iterator[str]:
    yield f"# HELP {name} {help_text}"
    yield f"# TYPE {name} {kind}"


def _braces(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels) + "}"
