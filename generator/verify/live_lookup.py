"""Why a selector finds nothing in a running Prometheus: dead, or only no traffic yet."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from generator.asking import Period, Prometheus, QueryError
from generator.verify import unknown
from generator.verify.expression import Selector
from generator.verify.looking import Lookup
from generator.verify.matching import Matcher
from generator.verify.pages import Captured
from generator.verify.present import Found, askable, present, without_open
from generator.verify.query import Query
from generator.verify.shapes import Shape
from generator.verify.verdict import ALIVE, Verdict, dead
from generator.verify.world import PARTS, World, catalogue
from modelwatch.problems import Unreachable

LOOK_BACK_S = 3600.0
"""How far back names and labels are looked for: long enough for a batch that runs every hour."""
_SHOWN = 8
_WHILE_WRONG = ("ALERTS", "ALERTS_FOR_STATE")
"""Series that are there only while something is wrong: their absence is good."""


@dataclass(frozen=True, kw_only=True)
class LiveLookup:
    """Answers from real data. `offline` knows what pages and rules say, for reasons."""

    world: World
    offline: Lookup
    prometheus: Prometheus
    period: Period
    found: Found
    names: frozenset[str]
    families: frozenset[str]
    labels: dict[tuple[str, str], tuple[str, ...] | None] = field(default_factory=dict)

    def owned(self, selector: Selector) -> frozenset[str]:
        """No page decides; the data do."""
        del selector
        return frozenset()

    def recorded(self, name: str) -> Verdict:
        """Where rules run, one that is alive has not necessarily run already."""
        if not self._loaded:
            return _NOT_LOADED
        del name
        return dead(
            "no-traffic-yet",
            "the rules that record this yield nothing yet",
            "look at what they read; after a change of rules wait for a round",
            level="note",
            listed=True,
        )

    @cached_property
    def _loaded(self) -> bool:
        """Whether any constant of the inventory is there, which rules record."""
        constants = self.world.constants
        return not constants or any(name in self.names for name in constants)

    def shape_of(self, selector: Selector) -> Shape:
        """The labels of what a selector finds."""
        return self.offline.shape_of(selector)

    def on_page(self, selector: Selector, page: Captured | None) -> Verdict:
        """Whether the selector finds something now; if not, why."""
        del page
        plain = without_open(selector)
        answer = self.found.get(plain.written, True)
        if isinstance(answer, str):
            return dead(
                "not-answered",
                f"{plain.written} cannot be asked: {answer}",
                level="note",
            )
        if answer or selector.name in _WHILE_WRONG:
            return ALIVE
        said = self.offline.on_page(selector, self._page_of(selector))
        if said.reason in ("not-configured", "not-supplied"):
            return said
        if self.found.get(selector.name) is True:
            return self._among(plain, said)
        return self._nothing(plain, said)

    def _page_of(self, selector: Selector) -> Captured | None:
        """A page that has the series."""
        pages = self.world.pages
        return next((page for page in pages if selector.name in page.series), None)

    def _nothing(self, selector: Selector, said: Verdict) -> Verdict:
        """The name has no series at all."""
        name = selector.name
        if said.through:
            return said
        if said.alive and name in self.world.constants and not self._loaded:
            return _NOT_LOADED
        if said.alive and name in catalogue():
            return dead(
                "no-traffic-yet", "nothing exposes this here yet", level="note", listed=True
            )
        if name in self.names:
            return _no_traffic(f"{name} had series within the last hour, but has none now")
        if self.families & {name, *(name.removesuffix(part) for part in (*PARTS, "_total"))}:
            return _no_traffic(f"targets expose {name}, but no series of it yet")
        return self._renamed(name) or self._unknown(name)

    def _renamed(self, name: str) -> Verdict | None:
        """Under which other name it is there, or what must be switched on for it."""
        for engine in sorted(self.world.owners.get(name, ())):
            known = self.world.engines[engine]
            if new := unknown.renamed(name, known, set(self.names)):
                return dead("renamed", f"there is no {name}; there is {new}", f"write {new}")
            if words := unknown.switched_on(name, known):
                return dead("needs-flag", f"there is no {name}", words, level="warning")
        if new := unknown.similar(name, self.names - self.world.beside(name)):
            return dead("renamed", f"there is no {name}; there is {new}", f"write {new}")
        return None

    def _unknown(self, name: str) -> Verdict:
        owners = sorted(self.world.owners.get(name, ()))
        titles = [self.world.engines[one].title for one in owners]
        scraped = any(self._is_scraped(one) for one in owners)
        if owners and not scraped:
            return dead(
                "unknown-metric",
                f"there is nothing of {' or '.join(titles)} here",
                "check that Prometheus scrapes it",
                listed=True,
            )
        if owners and not self.families:
            return dead(
                "no-traffic-yet",
                f"there is no {name}; this Prometheus does not say which metrics it knows",
                "wait for traffic, or compare with the page of the server",
                level="warning",
            )
        of = f" in this version of {' or '.join(titles)}" if titles else ""
        advice = (
            "compare with the page of the server: is it another version, or has it no traffic?"
            if name in self.world.exposers
            else "check the spelling"
        )
        return dead("unknown-metric", f"there is no {name}{of}", advice)

    def _is_scraped(self, engine: str) -> bool:
        """Whether anything is there that only this engine exposes."""
        return any(
            name in self.names and self.world.owners.get(name) == frozenset({engine})
            for page in self.world.captured
            if page.engine == engine
            for name in page.series
        )

    def _among(self, selector: Selector, said: Verdict) -> Verdict:
        """The name has series, but none that is meant."""
        have = self._ask(selector.name, "")
        for each in selector.matchers:
            if have is not None and each.needs_label and each.label not in have:
                if said.alive or said.through:
                    return _NONE_LIKE_THIS
                labels = ", ".join(one for one in have if one != "__name__")
                return dead(
                    "label-missing",
                    f"{selector.name} has no label {each.label} here; its labels are {labels}",
                    "use one of these",
                )
        for each in selector.matchers:
            values = self._ask(selector.name, each.label)
            if values is not None and not any(map(each.accepts, (*values, ""))):
                return self._no_value(selector, each, values, said)
        return _NONE_LIKE_THIS

    def _no_value(
        self, selector: Selector, each: Matcher, values: tuple[str, ...], said: Verdict
    ) -> Verdict:
        if said.alive or said.through:
            return _NONE_LIKE_THIS
        listed = ", ".join(values[:_SHOWN]) + (", ..." if len(values) > _SHOWN else "")
        return dead(
            "label-value-missing",
            f"no series of {selector.name} has {each}; {each.label} is {listed}",
            "check the spelling",
            level="warning",
        )

    def _ask(self, name: str, label: str) -> tuple[str, ...] | None:
        """Names of labels, or values of one label, of a metric; None when that is not said."""
        key = (name, label)
        if key not in self.labels:
            try:
                self.labels[key] = (
                    self.prometheus.label_values(label, name, self.period)
                    if label
                    else _texts(
                        self.prometheus.look("labels", **{"match[]": name, **self._times()})
                    )
                )
            except QueryError:
                self.labels[key] = None
        return self.labels[key]

    def _times(self) -> dict[str, str]:
        return {"start": f"{self.period.start:.3f}", "end": f"{self.period.end:.3f}"}


_NOT_LOADED = dead(
    "not-loaded",
    "the rules of this inventory are not loaded",
    "load the generated rules into this Prometheus",
    level="note",
    listed=True,
)


_NONE_LIKE_THIS = dead(
    "no-traffic-yet",
    "there are series of this name, but none like this yet",
    level="note",
    listed=True,
)


def _no_traffic(message: str) -> Verdict:
    return dead("no-traffic-yet", message, level="note")


def _texts(found: object) -> tuple[str, ...]:
    return tuple(map(str, found)) if isinstance(found, list) else ()


def live_lookup(
    offline: Lookup, queries: Iterable[Query], prometheus: Prometheus, now: float
) -> LiveLookup:
    """Everything that must be asked about the selectors of these queries.

    Raises:
        Unreachable: nobody answers, or what answers is no Prometheus.
    """
    period = Period(start=now - LOOK_BACK_S, end=now)
    try:
        names = frozenset(prometheus.label_values("__name__", "", period))
    except QueryError as failure:
        raise Unreachable(f"{prometheus.shown} does not say what it has: {failure}") from failure
    selectors = askable(one for query in queries for one in query.selectors)
    try:
        described = prometheus.look("metadata")
    except QueryError:
        described = {}
    return LiveLookup(
        world=offline.world,
        offline=offline,
        prometheus=prometheus,
        period=period,
        found=present(selectors, prometheus, now),
        names=names,
        families=frozenset(described if isinstance(described, Mapping) else ()),
    )
