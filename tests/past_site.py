"""A Prometheus with a past: pages of vLLM as they were scraped over hours, incidents included."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from generator.asking import Prometheus
from generator.build import build
from generator.definitions import definitions
from generator.verify.live.context import LiveContext
from tests.inventory_texts import read_text
from tests.preview_site import holding

SCRAPED_S = 15
NOW = math.floor(time.time() / 60) * 60.0
"""The end of every past: a full minute."""

Value = Callable[[float], float | None]
"""What a series is worth so many seconds before the end; None is no sample."""

TEXT = """\
settings: {scrape_interval: 15s}
teams:
  assist: {page: on-call}
receivers:
  on-call: {webhook: {url_file: /secrets/url}}
models:
  - name: chat
    team: assist
    sources: [{engine: vllm, job: vllm, model: llama}]
"""
LE = ("1.0", "2.5", "5.0", "10.0", "+Inf")
"""Boundaries of request durations on the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One replica of a model. Each rate is per second, so many seconds before the end."""

    job: str = "vllm"
    instance: str = "gpu1:8000"
    model: str = "llama"
    up: Value = field(default=lambda _: 1)
    succeeds: Value = field(default=lambda _: 2)
    fails: Value = field(default=lambda _: 0)
    slow: Value = field(default=lambda _: 0)
    boundaries: tuple[str, ...] = LE

    def series(self) -> dict[str, Value]:
        """What it exposes, counters as rates; requests take 0.5 or, slow ones, 7 seconds."""
        labels = f'job="{self.job}",instance="{self.instance}",model_name="{self.model}"'
        duration = "vllm:e2e_request_latency_seconds"
        counted = "vllm:request_success_total"
        return {
            f'{counted}{{{labels},finished_reason="stop"}}': self.succeeds,
            f'{counted}{{{labels},finished_reason="error"}}': self.fails,
            **{
                f'{duration}_bucket{{{labels},le="{le}"}}': (
                    self.succeeds
                    if float(le) >= 7
                    else lambda ago: _less(self.succeeds(ago), self.slow(ago))
                )
                for le in self.boundaries
            },
            f"{duration}_count{{{labels}}}": self.succeeds,
            f"{duration}_sum{{{labels}}}": self.succeeds,
        }


def _less(whole: float | None, part: float | None) -> float:
    return (whole or 0) - (part or 0)


def samples(pages: tuple[Page, ...], hours: float, extra: dict[str, Value] | None = None) -> str:
    """All series over the hours, as OpenMetrics with times."""
    return "".join((*_lines(pages, hours, extra or {}), "# EOF\n"))


def _lines(pages: tuple[Page, ...], hours: float, extra: dict[str, Value]) -> Iterator[str]:
    moments = [float(ago) for ago in range(int(hours * 3600), -1, -SCRAPED_S)]
    for page in pages:
        target = f'{{job="{page.job}",instance="{page.instance}"}}'
        extra = {**extra, f"up{target}": page.up}
        for name, rate in page.series().items():
            count = 0.0
            for ago in moments:
                if not page.up(ago):
                    continue
                count += (rate(ago) or 0) * SCRAPED_S
                yield f"{name} {count} {NOW - ago:.3f}\n"
    for name, value in extra.items():
        for ago in moments:
            if (now := value(ago)) is not None:
                yield f"{name} {now} {NOW - ago:.3f}\n"


def always(value: float) -> Value:
    """The same at all times."""
    return lambda _: value


def between(first_min: float, last_min: float, value: float, otherwise: float = 0) -> Value:
    """A value from so many minutes before the end until so many."""
    return lambda ago: value if last_min * 60 < ago <= first_min * 60 else otherwise


def context(
    url: str,
    text: str = TEXT,
    *,
    days: float = 0.25,
    now: float = NOW,
    clock: Callable[[], float] = time.time,
) -> LiveContext:
    """What the live questions are given about an inventory."""
    inventory, known = read_text(text), definitions()
    return LiveContext(
        inventory=inventory,
        definitions=known,
        files=build(inventory, known),
        prometheus=Prometheus(url=url),
        now=now,
        days=days,
        clock=clock,
    )


@contextmanager
def past(
    folder: Path,
    *pages: Page,
    hours: float = 1,
    extra: dict[str, Value] | None = None,
    path: str | None = None,
) -> Iterator[str]:
    """The address of a Prometheus that scraped these pages."""
    with holding(folder, samples(pages, hours, extra), path=path) as url:
        yield url
