"""One page: asks every collector at once, and goes without those that fail or hang.

A collector runs in one thread of its own. Scrapes that come while it runs share its answer, so that
a source is never asked twice at a time; an answer counts up to the page's deadline after its start,
so that no page holds anything older. A collector that hangs is left alone until it returns.
"""

import logging
import platform
import threading
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue

from prometheus_client.process_collector import ProcessCollector

from exporters.base import rendering
from exporters.base.exporter import Collector
from exporters.base.families import Family
from modelwatch import __version__
from modelwatch.catalogue.exporters import (
    EXPORTER_BUILD_INFO,
    EXPORTER_LAST_SUCCESS,
    EXPORTER_SCRAPE_DURATION,
    EXPORTER_UP,
)
from modelwatch.catalogue.metric import Layer, Metric
from modelwatch.problems import ModelwatchError

_LOG = logging.getLogger(__name__)

LOG_AGAIN_AFTER_S = 3600.0
"""A failure that goes on is told once in this time, not with every scrape."""


@dataclass(slots=True)
class _Run:
    """One collection: its samples or what went wrong, once it is done."""

    started: float = field(default_factory=time.monotonic)
    done: threading.Event = field(default_factory=threading.Event)
    ended: float = 0.0
    ended_at: float = 0.0
    families: tuple[Family, ...] = ()
    problem: BaseException | None = None


class _Worker:
    """A collector and its thread, which is started with the first scrape."""

    def __init__(self, collector: Collector) -> None:
        self.collector = collector
        self.last_success_at = 0.0
        self._lock = threading.Lock()
        self._orders: SimpleQueue[_Run] = SimpleQueue()
        self._run: _Run | None = None
        self._thread: threading.Thread | None = None
        self._kept: Mapping[str, rendering.Starts] = {}
        self._told: dict[str, float] = {}

    def run(self) -> _Run:
        """The collection under way, or a new one."""
        with self._lock:
            if self._run is None or self._run.done.is_set():
                self._run = _Run()
                self._orders.put(self._run)
            if self._thread is None:
                # A daemon, so that a source that hangs cannot keep the exporter from ending.
                self._thread = threading.Thread(
                    target=self._work, name=f"collect-{self.collector.name}", daemon=True
                )
                self._thread.start()
            return self._run

    def _work(self) -> None:
        while True:
            run = self._orders.get()
            try:
                families = _merged(self.collector.collect())
                self._kept = rendering.write(families, self._kept)
                run.families = families
            except BaseException as problem:  # noqa: BLE001  # a thread that ended would look
                # like a source that hangs for ever; libraries in Rust raise BaseException
                run.problem = problem
                self._kept = {}
            run.ended, run.ended_at = time.monotonic(), time.time()
            run.done.set()

    def tell(self, kind: str, message: str, *details: object) -> None:
        """Log a failure, unless one of its kind was logged within the hour."""
        now = time.monotonic()
        if now - self._told.get(kind, -LOG_AGAIN_AFTER_S) >= LOG_AGAIN_AFTER_S:
            self._told[kind] = now
            _LOG.warning(message, *details)


class Page:
    """What an exporter serves: samples of its collectors, and what it says about itself."""

    def __init__(self, exporter_name: str, collectors: Sequence[Collector]) -> None:
        everything = (*collectors, _Process())
        if len({one.name for one in everything}) < len(everything):
            raise ValueError(f"collectors of one name: {[one.name for one in everything]}")
        self._exporter = exporter_name
        self._workers = [_Worker(one) for one in everything]

    def families(self, deadline_s: float) -> list[Family]:
        """Fresh samples, at the latest after `deadline_s`; a metric may come in several parts."""
        runs = [(worker, worker.run()) for worker in self._workers]
        up, took, last = map(Family, (EXPORTER_UP, EXPORTER_SCRAPE_DURATION, EXPORTER_LAST_SUCCESS))
        page: dict[str, list[Family]] = {}
        for worker, run in runs:
            labels = (self._exporter, worker.collector.name)
            answered = run.done.wait(max(0.0, run.started + deadline_s - time.monotonic()))
            good = self._accepted(worker, run, page) if answered else self._late(worker, run)
            up.add(float(good), *labels)
            took.add((run.ended if answered else time.monotonic()) - run.started, *labels)
            last.add(worker.last_success_at, *labels)
        build = Family(EXPORTER_BUILD_INFO)
        build.add(1.0, self._exporter, __version__, platform.python_version())
        return [*(part for parts in page.values() for part in parts), up, took, last, build]

    def _accepted(self, worker: _Worker, run: _Run, page: dict[str, list[Family]]) -> bool:
        """Put an answer on the page, unless the collector failed or repeats what is there."""
        problem = run.problem or next(
            (
                ValueError(f"another collector has given such samples of {family.metric} already")
                for family in run.families
                for other in page.get(family.metric.name, ())
                if not _fits(family, other)
            ),
            None,
        )
        if problem is not None:
            self._tell(worker, problem)
            return False
        for family in run.families:
            page.setdefault(family.metric.name, []).append(family)
        worker.last_success_at = run.ended_at
        return True

    def _late(self, worker: _Worker, run: _Run) -> bool:
        worker.tell(
            "late",
            "%s: collector %s has not answered for %.1f s; its samples are missing",
            self._exporter,
            worker.collector.name,
            time.monotonic() - run.started,
        )
        return False

    def _tell(self, worker: _Worker, problem: BaseException) -> None:
        calls = traceback.extract_tb(problem.__traceback__)
        place = f"{calls[-1].filename}:{calls[-1].lineno}" if calls else ""
        worker.tell(
            f"{type(problem).__name__} {place}",
            "%s: collector %s failed; its samples are missing: %s",
            self._exporter,
            worker.collector.name,
            problem
            if isinstance(problem, ModelwatchError)
            else "".join(traceback.format_exception(problem)).rstrip(),
        )


def _merged(families: Iterable[Family]) -> tuple[Family, ...]:
    """Each metric once."""
    merged: dict[str, Family] = {}
    for family in families:
        other = merged.get(family.metric.name)
        if other is None:
            merged[family.metric.name] = family
            continue
        if not _fits(family, other):
            raise ValueError(f"such samples of {family.metric} were given already")
        merged[family.metric.name] = Family(
            family.metric,
            {**other.samples, **family.samples},
            {**other.exemplars, **family.exemplars},
        )
    return tuple(merged.values())


def _fits(family: Family, other: Family) -> bool:
    """Whether two families of one name can stand on one page."""
    return family.metric == other.metric and family.samples.keys().isdisjoint(other.samples)


class _Process:
    """Processor time, memory and open files of the exporter itself, named by the client library."""

    name = "process"

    def __init__(self) -> None:
        self._client = ProcessCollector(registry=None)

    def collect(self) -> Iterator[Family]:
        for metric in self._client.collect():
            for sample in metric.samples:
                family = Family(
                    Metric(
                        name=sample.name,
                        help=metric.documentation,
                        unit=metric.name.rpartition("_")[2],
                        labels=(),
                        layer=Layer.EXPOSED,
                        kind=metric.type,
                    )
                )
                family.add(sample.value)
                yield family
