"""One run: everything that can be asked of what was read, and what came out."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from generator.asking import Prometheus
from generator.definitions import definitions
from generator.verify import world as worlds
from generator.verify.defect import Grounds, defects, look
from generator.verify.examining import CHECK, Examiner, Looks, examine
from generator.verify.finding import Finding, Verification
from generator.verify.live.context import Check, LiveContext
from generator.verify.live_lookup import live_lookup
from generator.verify.looking import Lookup
from generator.verify.pages import Captured, default_pages
from generator.verify.query import Query
from generator.verify.reading_boards import boards
from generator.verify.reading_rules import rules
from generator.verify.reports import merged
from modelwatch.discovery import constants_named
from modelwatch.engine import Engine
from modelwatch.inventory import Inventory
from modelwatch.promql import duration_seconds

_SCRAPE_INTERVAL_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """Queries of files, and what kept others from being read."""

    queries: tuple[Query, ...] = ()
    findings: tuple[Finding, ...] = ()

    @classmethod
    def of(cls, parts: Iterable[tuple[tuple[Query, ...], tuple[Finding, ...]]]) -> Self:
        """Of several files."""
        read = list(parts)
        return cls(
            queries=tuple(query for queries, _ in read for query in queries),
            findings=tuple(finding for _, findings in read for finding in findings),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a run is asked with. Without a `prometheus` the `pages` answer."""

    engines: Mapping[str, Engine]
    pages: tuple[Captured, ...]
    now: float
    target_labels: frozenset[str] = frozenset()
    scrape_interval_s: float = 0.0
    days: float = 7.0
    patience_s: float = 60
    progress: Callable[[str], None] = lambda _: None
    skipped: frozenset[str] = frozenset()
    prometheus: Prometheus | None = None


def questions() -> dict[str, Check | None]:
    """Every question that can be left out, by name; those to a running Prometheus with theirs."""
    live = constants_named("generator.verify.live", "CHECK")
    return {name.replace("_", "-"): live.get(name) for name in (*defects(), *live)}


def generated(files: Mapping[str, str]) -> Read:
    """The queries of what is generated. Constants have none: they are known from the inventory."""
    return Read.of(
        rules(path, text, generated=True)
        if path.endswith(".yml")
        else boards(path, text, generated=True)
        for path, text in files.items()
        if path.startswith(("prometheus/rules/", "grafana/dashboards/"))
        and not path.endswith("/inventory.yml")
    )


def verified(
    inventory: Inventory | None, files: Mapping[str, str], own: Read, setting: Setting
) -> tuple[Verification, tuple[str, ...]]:
    """What was found, and the names of the questions that were asked.

    Raises:
        Unreachable: the Prometheus does not answer.
    """
    ours = generated(files)
    queries = (*ours.queries, *own.queries)
    world = _world(inventory, queries, setting)
    offline = Lookup(world=world)
    lookup: Looks = offline
    if setting.prometheus is not None:
        lookup = live_lookup(offline, queries, setting.prometheus, setting.now)
    grounds = Grounds(
        world=world,
        shape_of=offline.shape_of,
        scrape_interval_s=_scrape_interval(inventory, setting),
    )
    parts = [
        Verification(findings=own.findings),
        examine(queries, Examiner(world=world, lookup=lookup)),
        look(queries, grounds, setting.skipped),
    ]
    asked = {name: one for name, one in questions().items() if name not in setting.skipped}
    if inventory and setting.prometheus:
        context = LiveContext(
            inventory=inventory,
            definitions=definitions(),
            files=files,
            prometheus=setting.prometheus,
            now=setting.now,
            days=setting.days,
            patience_s=setting.patience_s,
            progress=setting.progress,
        )
        for name, check in asked.items():
            if check:
                setting.progress(name)
                parts.append(check(context))
    is_live = inventory is not None and setting.prometheus is not None
    names = (name for name, check in asked.items() if check is None or is_live)
    return merged(parts), ("readable", CHECK, *names)


def _world(
    inventory: Inventory | None, queries: tuple[Query, ...], setting: Setting
) -> worlds.World:
    if inventory is not None:
        return worlds.of_inventory(
            inventory, setting.engines, queries, setting.pages, setting.target_labels
        )
    return worlds.World(
        engines=setting.engines,
        pages=setting.pages,
        captured=default_pages(setting.engines.values()),
        queries=queries,
        target_labels=worlds.TARGET_LABELS | setting.target_labels,
    )


def _scrape_interval(inventory: Inventory | None, setting: Setting) -> float:
    if setting.scrape_interval_s or inventory is None:
        return setting.scrape_interval_s or _SCRAPE_INTERVAL_S
    return float(duration_seconds(inventory.settings.scrape_interval))
