"""Every selector of every query: alive, or the reason why not, and what is silent because of it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from generator.verify.expression import Selector, selectors
from generator.verify.finding import Finding, Level, Table, Verification
from generator.verify.pages import Captured
from generator.verify.query import Query
from generator.verify.structure import answers, seen
from generator.verify.verdict import ALIVE, Verdict, dead
from generator.verify.world import World

CHECK = "selector"
OPTIONAL = "not-exposed"
"""The reason of a part that a server may lack while the query answers."""
_SEVERE: dict[Level, int] = {"error": 0, "warning": 1, "note": 2}
_NAMED = 3


class Looks(Protocol):
    """Who knows whether a selector finds something."""

    def recorded(self, name: str) -> Verdict:
        """Whether a series is there when a rule that records it is alive."""

    def owned(self, selector: Selector) -> frozenset[str]:
        """The engines whose pages decide."""

    def on_page(self, selector: Selector, page: Captured | None) -> Verdict:
        """Whether the selector finds something when the engine answers with this page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came out for one selector. `missing` are the pages without it, if others have it."""

    selector: Selector
    verdict: Verdict
    guard: bool
    missing: tuple[Captured, ...] = ()
    having: tuple[Captured, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came out for one query; `alive` says whether it can yield anything."""

    query: Query
    alive: bool
    outcomes: tuple[Outcome, ...] = ()


@dataclass(slots=True, kw_only=True)
class Examiner:
    """Examines queries, each once: series are followed through the rules that record them."""

    world: World
    lookup: Looks
    results: dict[int, Result | None] = field(default_factory=dict)
    verdicts: dict[tuple[str, str], Verdict] = field(default_factory=dict)

    def result(self, query: Query) -> Result:
        """What comes out for a query. Rules that read their own series are taken to be alive."""
        key = id(query)
        if key not in self.results:
            self.results[key] = None
            self.results[key] = self._examined(query)
        return self.results[key] or Result(query=query, alive=True)

    def _examined(self, query: Query) -> Result:
        if query.tree is None:
            return Result(query=query, alive=True)
        engines = self._engines(query)
        pages: Sequence[Captured | None] = [
            page for engine in sorted(engines) for page in self.world.of_engine.get(engine, ())
        ] or [None]
        found: dict[Selector, list[_Row]] = {}
        alive = exposed = False
        for page in pages:

            def lives(selector: Selector, page: Captured | None = page) -> bool:
                return self._on(selector, page, engines).alive

            def exposes(selector: Selector, lives: Callable[[Selector], bool] = lives) -> bool:
                return selector.name not in self.world.owners or lives(selector)

            alive |= answers(query.tree, lives)
            exposed |= answers(query.tree, exposes)
            for one in seen(query.tree, lives):
                if self._is_about(one.selector, page, engines):
                    verdict = self._on(one.selector, page, engines)
                    row = _Row(page=page, verdict=verdict, excused=one.excused, guard=one.guard)
                    found.setdefault(one.selector, []).append(row)
        outcomes = [_outcome(selector, rows) for selector, rows in found.items()]
        if exposed:
            outcomes = [self._optional(outcome) for outcome in outcomes]
        return Result(query=query, alive=alive, outcomes=tuple(outcomes))

    def _optional(self, outcome: Outcome) -> Outcome:
        """The outcome where the query has what it needs: a known part may be missing."""
        engines = self.world.exposers.get(outcome.selector.name)
        if not engines or outcome.guard or outcome.verdict.reason != "unknown-metric":
            return outcome
        titles = " or ".join(self.world.engines[one].title for one in sorted(engines))
        verdict = dead(
            OPTIONAL,
            f"{titles} does not expose this here (yet), while the rest of the series is there",
            level="note",
            listed=True,
        )
        return replace(outcome, verdict=verdict)

    def _engines(self, query: Query) -> frozenset[str]:
        assert query.tree is not None  # noqa: S101 - the caller has looked
        owned: set[str] = set()
        for selector in selectors(query.tree):
            owned |= self.lookup.owned(selector)
        named = query.labels.get("engine", "")
        return frozenset({named}) if query.generated and named in owned else frozenset(owned)

    def _is_about(self, selector: Selector, page: Captured | None, engines: frozenset[str]) -> bool:
        """Whether the page decides about the selector."""
        owned = self.lookup.owned(selector) & engines
        return page is None or not owned or page.engine in owned

    def _on(self, selector: Selector, page: Captured | None, engines: frozenset[str]) -> Verdict:
        if not self._is_about(selector, page, engines):
            return ALIVE
        key = (selector.written, page.file if page else "")
        if key not in self.verdicts:
            self.verdicts[key] = self._followed(self.lookup.on_page(selector, page))
        return self.verdicts[key]

    def _followed(self, verdict: Verdict) -> Verdict:
        """The verdict; of a series that rules record, whether these are alive."""
        if not verdict.through:
            return verdict
        recorders = self.world.recorders.get(verdict.through, ())
        if not any(self.result(query).alive for query in recorders):
            return replace(verdict, reason="recorded")
        return self.lookup.recorded(verdict.through)

    def roots(self, query: Query, above: frozenset[int] = frozenset()) -> Iterator["Root"]:
        """What is dead in a query, and in the rules that record what it reads."""
        if id(query) in above:
            return
        for outcome in self.result(query).outcomes:
            if outcome.verdict.through:
                for recorder in self.world.recorders.get(outcome.verdict.through, ()):
                    yield from self.roots(recorder, above | {id(query)})
            elif not outcome.verdict.alive:
                yield Root(query=query, outcome=outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """A selector that is dead itself, not only by what it reads."""

    query: Query
    outcome: Outcome

    @property
    def level(self) -> Level:
        """How bad it is: what only guards, or what is generated knowingly, is less so."""
        verdict = self.outcome.verdict
        level = verdict.level
        if self.query.generated and verdict.reason == "needs-flag":
            return "note"
        if self.query.generated and verdict.reason == "unknown-metric":
            level = "error"
        return "warning" if level == "error" and self.outcome.guard else level

    @property
    def silences(self) -> bool:
        """Whether a query can be silent because of it."""
        return self.outcome.verdict.reason != OPTIONAL

    @property
    def key(self) -> tuple[str, str]:
        """What is told once: altogether, or once per query.

        Altogether it is for notes, and for what is listed of our own rules.
        """
        message = self.outcome.verdict.message
        if self.level == "note" or (self.outcome.verdict.listed and self.query.generated):
            return ("", message)
        line, column = self.query.place
        return (f"{self.query.source.path}:{line}:{column}", message)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A selector on one page. An `excused` one need not be there: another name is."""

    page: Captured | None
    verdict: Verdict
    excused: bool
    guard: bool


def _outcome(selector: Selector, rows: Sequence[_Row]) -> Outcome:
    """One engine that has the series is enough; of that one, pages without it are remarked."""
    guard = all(row.guard for row in rows)
    dead_rows = [row for row in rows if not (row.verdict.alive or row.excused)]
    if len(dead_rows) == len(rows):
        return Outcome(selector=selector, verdict=rows[0].verdict, guard=guard)
    having = [row.page for row in rows if row.page and row.verdict.alive]
    engines = {page.engine for page in having}
    missing = [row.page for row in dead_rows if row.page and row.page.engine in engines]
    return Outcome(
        selector=selector,
        verdict=ALIVE,
        guard=guard,
        missing=tuple(missing),
        having=tuple(having),
    )


def examine(queries: Sequence[Query], examiner: Examiner) -> Verification:
    """What is to be said about the selectors of these queries."""
    results = [examiner.result(query) for query in queries]
    causes: dict[tuple[str, str], Cause] = {}
    for result in results:
        for root in examiner.roots(result.query):
            cause = causes.setdefault(root.key, Cause(root=root))
            if _SEVERE[root.level] < _SEVERE[cause.root.level]:
                cause.root = root
            selector = root.outcome.selector.written
            cause.selectors[selector] = None
            if not result.alive and root.silences and not _is_step(result.query):
                cause.silent.setdefault(result.query.subject, selector)
    told = [cause for cause in causes.values() if cause.silent or not _is_choice(cause.root)]
    outcomes = [outcome for result in results for outcome in result.outcomes]
    return Verification(
        findings=(*_unreadable(queries), *map(_told, told), *_some_versions(results)),
        tables=tuple(_silent_table(told)),
        checked={
            **_counts(queries),
            "selectors": len(outcomes),
            "selectors alive": sum(outcome.verdict.alive for outcome in outcomes),
            "pages": len(examiner.world.pages),
        },
    )


@dataclass(slots=True, kw_only=True)
class Cause:
    """Something that is told once: the first place of it, and all that it is about."""

    root: Root
    selectors: dict[str, None] = field(default_factory=dict)
    silent: dict[str, str] = field(default_factory=dict)
    """What is silent, by which selector."""


def _is_step(query: Query) -> bool:
    """Whether it is a rule of ours that records what others show."""
    return query.generated and bool(query.record)


def _counts(queries: Iterable[Query]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for query in queries:
        name = {"series": "recorded series"}.get(query.kind, f"{query.kind}s")
        counts[name] = counts.get(name, 0) + 1
    return counts


def _unreadable(queries: Iterable[Query]) -> Iterator[Finding]:
    for query in queries:
        if query.unreadable:
            yield query.found(
                "warning",
                "readable",
                f"this expression cannot be read: {query.unreadable}",
                reason="unreadable",
                advice="check it with promtool; what is not PromQL is not verified",
            )


def _told(cause: Cause) -> Finding:
    verdict, query = cause.root.outcome.verdict, cause.root.query
    listed = f": {_some(cause.selectors)}" if verdict.listed else ""
    guard = "; this condition is then never met" if cause.root.outcome.guard else ""
    others = [subject for subject in cause.silent if subject != query.subject]
    silent = f"; silent with it: {_some(others)}" if others else ""
    return query.found(
        cause.root.level,
        CHECK,
        f"{verdict.message}{listed}{guard}{silent}",
        selector=cause.root.outcome.selector,
        advice=verdict.advice,
        reason=verdict.reason,
    )


def _some(names: Iterable[str]) -> str:
    """The first few."""
    known = list(names)
    more = f" and {len(known) - _NAMED} more" if len(known) > _NAMED else ""
    return f"{', '.join(known[:_NAMED])}{more}"


def _is_choice(root: Root) -> bool:
    """Whether our own rules look for what an inventory may say and this one does not."""
    return root.query.generated and root.outcome.verdict.reason == "not-configured"


def _some_versions(results: Iterable[Result]) -> Iterator[Finding]:
    """One remark per set of versions in our rules, one per selector in anybody else's."""
    told: dict[tuple[str, str], list[tuple[Query, Outcome]]] = {}
    for result in results:
        for outcome in result.outcomes:
            if outcome.missing:
                missing = ", ".join(page.title for page in outcome.missing)
                one = "" if result.query.generated else outcome.selector.written
                told.setdefault((missing, one), []).append((result.query, outcome))
    for (missing, _), rows in told.items():
        query, outcome = rows[0]
        names = dict.fromkeys(outcome.selector.written for _, outcome in rows)
        having = ", ".join(page.title for page in outcome.having)
        yield query.found(
            "note",
            CHECK,
            f"not on {missing}, while {having} has it: {_some(names)}",
            selector=outcome.selector,
            advice="say --engine-version if you run one of them only",
            reason="some-versions",
        )


def _silent_table(causes: Iterable[Cause]) -> Iterator[Table]:
    found = sorted(
        (cause for cause in causes if cause.silent),
        key=lambda cause: (_SEVERE[cause.root.level], -len(cause.silent)),
    )
    rows = [
        {
            "level": cause.root.level,
            "silent": subject,
            "reason": cause.root.outcome.verdict.reason,
            "because of": selector,
        }
        for cause in found
        for subject, selector in cause.silent.items()
    ]
    short = [
        {
            "level": cause.root.level,
            "because of": next(iter(cause.silent.values())),
            "reason": cause.root.outcome.verdict.reason,
            "silent": len(cause.silent),
            "such as": "; ".join(list(cause.silent)[:_NAMED]),
        }
        for cause in found
    ]
    if rows:
        yield Table(
            name="silent",
            title="What can yield nothing, and why",
            rows=tuple(rows),
            short=tuple(short),
        )
