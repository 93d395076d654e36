"""Why a series is on no page: renamed, switched off, of another version, or never there."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from generator.verify.pages import Captured
from generator.verify.verdict import Verdict, dead
from generator.verify.world import PARTS, World, prefix, signals
from modelwatch.engine import (
    Counter,
    Engine,
    Expression,
    Gauge,
    Histogram,
    Kind,
    Mean,
    Quantiles,
    Row,
)
from modelwatch.supply import SIGNALS_OF, bare

_CLOSE = 0.87
_SOURCE_OF: Mapping[Kind, str] = {
    "model": "model",
    "gpu": "pool of cards",
    "host": "source that watches the hosts of its pools",
}
_MOST = 20_000
"""Names among which a similar one is looked for; more take long, and mean little."""


def of_engine(name: str, engines: Iterable[str], page: Captured | None, world: World) -> Verdict:
    """Why an engine that exposed the series in some version does not on this page."""
    names = set(page.series) if page else set(world.exposed)
    where = page.title if page else "any page that counts"
    for engine_name in sorted(engines):
        engine = world.engines.get(engine_name)
        if engine is None:
            continue
        if new := renamed(name, engine, names):
            return _renamed(name, new, where)
        if words := switched_on(name, engine):
            return dead(
                "needs-flag",
                f"{engine.title} exposes {name} only on request",
                words,
                level="warning",
            )
    if new := similar(name, names - world.beside(name)):
        return _renamed(name, new, where)
    versions = [other.title for other in world.captured if name in other.series]
    elsewhere = f"; it is on {', '.join(versions)}" if versions else ""
    return dead(
        "unknown-metric",
        f"{name} is not on {where}{elsewhere}",
        "read what replaced it in this version",
    )


def anywhere(name: str, world: World) -> Verdict:
    """Why a series that nobody exposes is not there."""
    names = {*world.exposed, *world.recorders}
    if new := similar(name, names):
        return _renamed(name, new, "any page")
    if engine := world.prefixes.get(prefix(name)):
        return dead(
            "unknown-metric",
            f"no page of {engine} has {name}, nor does any rule record it",
            "check the spelling, or put a page of your version into the folder of --pages",
        )
    return dead(
        "unknown-metric",
        f"no page has {name}, nor does any rule record it",
        "put a captured page of what exposes it into the folder of --pages, or ask a Prometheus "
        "with --prometheus",
        level="warning",
    )


def no_name(matcher: str) -> Verdict:
    """A pattern of names that fits none."""
    return dead("unknown-metric", f"no series has a name with {matcher}", "check the spelling")


def unsupplied(name: str, world: World) -> Verdict:
    """Why no engine of the inventory supplies what a canonical series records."""
    signal = signals()[name]
    kind = next(kind for kind, known in SIGNALS_OF.items() if signal in known)
    used = [world.engines[engine] for engine in sorted(world.sources)]
    if not any(engine.kind == kind for engine in used):
        return dead(
            "not-configured",
            f"this inventory has no {_SOURCE_OF[kind]}",
            level="note",
            listed=True,
        )
    words = [
        f"{engine.title}: {engine.unavailable[signal]}"
        for engine in used
        if signal in engine.unavailable
    ]
    if not words:
        return dead(
            "not-supplied",
            f"no engine of this inventory records {name}: what it exposes of "
            f"{signal.replace('_', ' ')} has another form",
            level="note",
        )
    return dead(
        "not-supplied",
        f"no engine of this inventory supplies {signal.replace('_', ' ')} ({'; '.join(words)})",
        level="note",
    )


def renamed(name: str, engine: Engine, names: set[str]) -> str:
    """The name under which the engine exposes it on the page; empty when there is none."""
    base, part = _parts(name)
    groups = [[bare(text) for text in _choice(row)] for row in engine.rows]
    candidates = [other for group in groups if base in group or name in group for other in group]
    for old in (name, base):
        if old in engine.renamed:
            candidates.insert(0, engine.renamed[old])
    for other in candidates:
        for written in (f"{other}{part}", other):
            if written != name and written in names:
                return written
    return ""


def switched_on(name: str, engine: Engine) -> str:
    """What must be switched on at the engine for the series; empty when nothing need be."""
    base, _ = _parts(name)
    for written in (name, base):
        if words := engine.opt_in.get(written):
            return words
    rows = [row for row in engine.rows if _reads(row, name, base)]
    return rows[0].opt_in if rows and all(row.opt_in for row in rows) else ""


def similar(name: str, names: Iterable[str]) -> str:
    """The series that was probably meant; empty when none is near."""
    known = set(names)
    base, part = _parts(name)
    for written in (
        f"{name}_total",
        name.removesuffix("_total"),
        f"{base}_total",
        *(f"{name}{part}" for part in ("_seconds", "_ratio", "_bytes", "_info")),
        name.replace(":", "_"),
        name.replace("_", ":", 1),
    ):
        if written != name and written in known:
            return written
    if not part and f"{name}_bucket" in known:
        return f"{name}_bucket"
    if len(known) > _MOST:
        return ""
    alike = [one for one in known if prefix(one) == prefix(name)]
    near = get_close_matches(name, alike, n=1, cutoff=_CLOSE)
    return near[0] if near else ""


def _parts(name: str) -> tuple[str, str]:
    for part in PARTS:
        if name.endswith(part):
            return name.removesuffix(part), part
    return name, ""


def _choice(row: Row) -> tuple[str, ...]:
    """The names of which a row reads the first that is there."""
    match row:
        case Histogram() | Counter() | Gauge():
            return row.names
        case Mean():
            return row.sums
    return ()


def _reads(row: Row, name: str, base: str) -> bool:
    """Whether a row is about the series."""
    names = row.metrics if isinstance(row, Quantiles | Expression) else _choice(row)
    found = names.values() if isinstance(names, Mapping) else names
    return bool({name, base} & set(map(bare, found)))


def _renamed(name: str, new: str, where: str) -> Verdict:
    return dead("renamed", f"{name} is not on {where}; {new} is", f"write {new}")
