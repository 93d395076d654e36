"""What the live questions share: whom to ask about, how many at a time, and what to say if not."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import wraps
from typing import TypeVar

from generator.asking import QueryError, Series
from generator.verify.finding import Finding, Verification
from generator.verify.live.context import Check, LiveContext
from modelwatch.engine import Engine
from modelwatch.inventory import Inventory, Model, Source
from modelwatch.promql import select

AT_ONCE = 6
"""Questions that are asked at the same time: fewer than the 20 that a Prometheus works on."""

_Asked = TypeVar("_Asked")
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """A source, and the model that it belongs to."""

    source: Source
    model: Model
    engine: Engine

    @property
    def where(self) -> dict[str, str]:
        """What selects its series by target, as `promql.select` takes it."""
        found = {"job": self.source.scraped_job}
        if instances := self.source.targets or self.source.instances:
            found["instance"] = one_of(instances)
        return found


def subject(model: Model) -> str:
    """The model as findings name it."""
    return f"model {model.name} ({model.environment})"


def owned(context: LiveContext) -> Iterator[Owned]:
    """The sources of all models."""
    engines = context.definitions.engines_of(context.inventory)
    for model in context.inventory.models:
        for source in model.sources:
            yield Owned(source=source, model=model, engine=engines[source.engine])


def jobs(inventory: Inventory) -> tuple[str, ...]:
    """Scrape jobs of models and pools, sorted."""
    sources = [source for model in inventory.models for source in model.sources]
    sources += [source for pool in inventory.pools for source in pool.sources]
    return tuple(sorted({source.scraped_job for source in sources}))


def one_of(texts: Iterable[str]) -> str:
    """The matcher of a label that is any of these texts, as `promql.select` takes it."""
    return "~" + "|".join(literal(text) for text in texts)


def literal(text: str) -> str:
    """The text as a regular expression of Go, which refuses to escape what needs none."""
    return "".join(f"\\{mark}" if mark in r"\.+*?()|[]{}^$" else mark for mark in text)


def named(names: Iterable[str], **labels: str) -> str:
    """A selector of series by several names."""
    return select("", {"__name__": one_of(names)} | labels)


def each(
    ask: Callable[[_Asked], _Answer], about: Iterable[_Asked], at_once: int = AT_ONCE
) -> list[_Answer]:
    """The answers in order; a few questions are asked at the same time."""
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(ask, about))


def now(context: LiveContext, query: str) -> tuple[Series, ...]:
    """The newest value of each series."""
    return context.prometheus.instant(query, context.now)


def or_a_note(name: str) -> Callable[[Check], Check]:
    """Of a question that this server cannot answer, a note remains; storages lack parts."""

    def noted(check: Check) -> Check:
        @wraps(check)
        def asked(context: LiveContext) -> Verification:
            try:
                return check(context)
            except QueryError as failure:
                return Verification(findings=(_could_not_look(name, failure),))

        return asked

    return noted


def _could_not_look(check: str, failure: QueryError) -> Finding:
    return Finding(
        level="note",
        check=check,
        subject="this Prometheus",
        message=f"could not look: {failure}",
        advice="ask the Prometheus that scrapes and evaluates, if this one only stores",
        reason="not-answered",
    )
