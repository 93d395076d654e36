"""What there can be: pages of engines, recorded series, constants, series of the catalogue."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TypeVar

from generator.inventory_series import constants, predicted
from generator.verify.pages import Captured, default_pages
from generator.verify.query import Query
from modelwatch.catalogue import Layer, Metric, metrics, recorded
from modelwatch.discovery import constants_named
from modelwatch.engine import Engine
from modelwatch.inventory import Inventory
from modelwatch.rules import Constant
from modelwatch.supply import bare, metrics_read

TARGET_LABELS = frozenset(
    {
        *("job", "instance", "exported_job", "exported_instance", "prometheus", "replica"),
        *("namespace", "pod", "container", "service", "endpoint", "node", "cluster"),
        *("environment", "env", "region", "zone", "datacenter", "stage"),
        *("app", "component", "tenant", "team"),
    }
)
"""Labels that a scrape configuration adds, by the usual names: no page shows them."""
PARTS = ("_bucket", "_sum", "_count")
T = TypeVar("T")
_OF_PROMETHEUS = {
    "up": (),
    "ALERTS": ("alertname", "alertstate"),
    "ALERTS_FOR_STATE": ("alertname",),
    "scrape_duration_seconds": (),
    "scrape_samples_scraped": (),
    "scrape_samples_post_metric_relabeling": (),
    "scrape_series_added": (),
    "scrape_timeout_seconds": (),
    "scrape_sample_limit": (),
    "scrape_body_size_bytes": (),
}
"""Series that every Prometheus makes itself, with labels beside those of the target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A series of the catalogue: its metric, and the labels of this part of it."""

    metric: Metric
    labels: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class World:
    """Everything that a selector may find.

    `captured` are all pages that come with modelwatch, for reasons; `pages` those that count.
    """

    engines: Mapping[str, Engine]
    pages: tuple[Captured, ...]
    queries: tuple[Query, ...]
    rows: tuple[Constant, ...] = ()
    target_labels: frozenset[str] = TARGET_LABELS
    exporters: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    declared: frozenset[str] = frozenset()
    captured: tuple[Captured, ...] = field(default=(), repr=False)

    @cached_property
    def recorders(self) -> Mapping[str, tuple[Query, ...]]:
        """The rules that record each series."""
        return _grouped((query.record, query) for query in self.queries if query.record)

    @cached_property
    def constants(self) -> Mapping[str, tuple[Mapping[str, str], ...]]:
        """The label sets of the inventory's own series."""
        return _grouped((row.metric.name, row.labels) for row in self.rows)

    @cached_property
    def owners(self) -> Mapping[str, frozenset[str]]:
        """The engines that expose a series in any version or say that they read it."""
        found: dict[str, set[str]] = {}
        for page in (*self.captured, *self.pages):
            for name in page.series:
                found.setdefault(name, set()).add(page.engine)
        for name, engine in self.engines.items():
            for metric in (*metrics_read(engine), *engine.opt_in, *engine.renamed):
                found.setdefault(metric, set()).add(name)
        ours = set(self.sources) or set(self.engines)
        return {
            name: frozenset(engines & ours) for name, engines in found.items() if engines & ours
        }

    @cached_property
    def exposers(self) -> Mapping[str, frozenset[str]]:
        """The engines of which a page that comes with modelwatch has a series."""
        found: dict[str, set[str]] = {}
        for page in self.captured:
            for name in page.series:
                found.setdefault(name, set()).add(page.engine)
        return {
            name: frozenset(engines & self.owners[name])
            for name, engines in found.items()
            if name in self.owners
        }

    def beside(self, name: str) -> frozenset[str]:
        """What stands on a captured page together with the series: none is its new name."""
        pages = (page.series for page in self.captured if name in page.series)
        return frozenset(other for series in pages for other in series)

    @cached_property
    def of_engine(self) -> Mapping[str, tuple[Captured, ...]]:
        """The pages that count, by engine."""
        return _grouped((page.engine, page) for page in self.pages)

    @cached_property
    def exposed(self) -> frozenset[str]:
        """Every series on a page that counts."""
        return frozenset(name for page in self.pages for name in page.series)

    @cached_property
    def prefixes(self) -> Mapping[str, str]:
        """How names of an engine begin, where a quarter of them or more begin so."""
        found = {}
        for page in (*self.captured, *self.pages):
            counts: dict[str, int] = {}
            for name in page.series:
                begin = prefix(name)
                counts[begin] = counts.get(begin, 0) + 1
            for begin, count in counts.items():
                if page.engine and begin not in _COMMON and 4 * count >= len(page.series):
                    found[begin] = page.engine
        return found


_COMMON = frozenset({"process_", "python_", "go_", "http_", "num_", "request_", "node_"})


def prefix(name: str) -> str:
    """How the name begins: up to its first colon, else to its first underscore."""
    for mark in (":", "_"):
        if mark in name:
            return name[: name.index(mark) + 1]
    return name


def _grouped(pairs: Iterable[tuple[str, T]]) -> dict[str, tuple[T, ...]]:
    found: dict[str, list[T]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: tuple(values) for name, values in found.items()}


@cache
def catalogue() -> Mapping[str, Known]:
    """Every series of the catalogue, and what Prometheus makes itself, with its labels."""
    found: dict[str, Known] = {}
    for metric in metrics():
        labels = frozenset(metric.labels)
        found[metric.name] = Known(metric=metric, labels=labels)
        if metric.kind == "histogram":
            found[metric.bucket] = Known(metric=metric, labels=labels | {"le"})
            found[metric.sum] = found[metric.count] = Known(metric=metric, labels=labels)
    for name, own in _OF_PROMETHEUS.items():
        metric = Metric(name=name, help="", unit="", labels=own, layer=Layer.STACK)
        labels = frozenset((*own, *(found[name].labels if name in found else ())))
        found[name] = Known(metric=metric, labels=labels)
    return found


@cache
def signals() -> Mapping[str, str]:
    """The signal of each series that an engine's rules record."""
    parted = {
        recorded.ENGINE_REQUESTS: "requests",
        recorded.ENGINE_TOKENS: "tokens",
        recorded.ENGINE_COST: "cost",
        recorded.ENGINE_PREEMPTIONS: "preemptions",
        recorded.ENGINE_RUNNING: "requests_running",
        recorded.ENGINE_WAITING: "requests_waiting",
        recorded.ENGINE_KV_CACHE: "kv_cache_usage",
        recorded.ENGINE_BATCH_SIZE: "batch_size",
        recorded.GPU_UTILIZATION: "gpu_utilization",
        recorded.GPU_MEMORY_USED: "gpu_memory_used",
        recorded.GPU_MEMORY_TOTAL: "gpu_memory_total",
        recorded.GPU_POWER: "gpu_power",
        recorded.GPU_POWER_LIMIT: "gpu_power_limit",
        recorded.GPU_TEMPERATURE: "gpu_temperature",
        recorded.GPU_THROTTLED: "gpu_throttled",
        recorded.GPU_XID: "gpu_xid",
        recorded.GPU_XID_ERRORS: "gpu_xid",
        recorded.GPU_ECC: "gpu_ecc",
        recorded.HOST_CPU: "host_cpu",
        recorded.HOST_MEMORY: "host_memory",
        recorded.HOST_DISK: "host_disk",
    }
    distributions = (
        recorded.ENGINE_BUCKETS,
        recorded.ENGINE_SUMS,
        recorded.ENGINE_COUNTS,
        recorded.ENGINE_QUANTILES,
    )
    return {
        **{metric.name: signal for metric, signal in parted.items()},
        **{metric.name: signal for found in distributions for signal, metric in found.items()},
    }


@cache
def exposers() -> Mapping[str, tuple[str, ...]]:
    """Which exporters of ours expose a series."""
    found = constants_named("exporters", "EXPORTER")
    return _grouped(
        (name, exporter.name)
        for exporter in found.values()
        for metric in exporter.metrics
        for name in (metric.name, *(f"{metric.name}{part}" for part in PARTS))
    )


def of_inventory(
    inventory: Inventory,
    engines: Mapping[str, Engine],
    queries: Sequence[Query],
    pages: Sequence[Captured],
    target_labels: frozenset[str] = frozenset(),
) -> World:
    """What an inventory's Prometheus can have."""
    sources = [source for model in inventory.models for source in model.sources]
    sources += [source for pool in inventory.pools for source in pool.sources]
    kpis = [kpi for model in inventory.models for kpi in model.kpis]
    used = {source.engine for source in sources}
    own = [name for name in used if name in inventory.engines]
    read = [metric for name in own for metric in metrics_read(engines[name])]
    named = [bare(text) for kpi in kpis for text in (kpi.events, kpi.opportunities, kpi.gauge)]
    return World(
        engines=engines,
        pages=tuple(page for page in pages if page.engine in used or not page.engine),
        captured=default_pages(engines.values()),
        queries=tuple(queries),
        rows=(*constants(inventory, engines), *predicted(0)),
        target_labels=TARGET_LABELS | target_labels,
        exporters=frozenset(
            (*inventory.exporters, *(name.removeprefix("modelwatch_") for name in used))
        ),
        sources=frozenset(used),
        declared=frozenset((*read, *filter(None, named))),
    )
