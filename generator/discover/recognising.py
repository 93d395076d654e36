"""Which engines speak from a set of metric names: each name is of one engine."""

from collections import Counter
from collections.abc import Iterable, Mapping

from modelwatch.engine import Counter as CounterRow
from modelwatch.engine import Engine
from modelwatch.supply import bare, metrics_read

_OURS = frozenset({"modelwatch_probe"})
"""Is told by its place under `exporters`, never by that of a model."""


def recognised(names: Iterable[str], engines: Mapping[str, Engine]) -> dict[str, frozenset[str]]:
    """The engines that expose these names, each with those of the names that are its own.

    Some conventions share names. A name that one engine only has speaks for it, and a second engine
    behind the same job needs one.
    """
    rest, found = set(names), dict[str, frozenset[str]]()
    reads = {name: metrics_read(engine) for name, engine in engines.items() if name not in _OURS}
    readers = Counter(metric for read in reads.values() for metric in read)
    own = {name: {m for m in read if readers[m] == 1} for name, read in reads.items()}
    while rest:
        able = [name for name in reads if (own[name] if found else reads[name]) & rest]
        if not able:
            return found
        best = min(
            able,
            key=lambda name: (
                not own[name] & rest,
                -len(reads[name] & rest),
                -len(reads[name] & rest) / len(reads[name]),
                name,
            ),
        )
        found[best] = frozenset(reads[best] & rest)
        rest -= reads[best]
    return found


def release(names: Iterable[str], engine: Engine) -> str:
    """What the names say about the engine's age; empty where they say nothing."""
    present = set(names)
    if engine.kind != "model":
        return ""
    for row in engine.rows:
        choices = [bare(name) for name in getattr(row, "names", ())]
        if not isinstance(row, CounterRow) or len(choices) < 2 or choices[0] in present:
            continue
        if older := next((name for name in choices[1:] if name in present), ""):
            return f"names of an older release: {older}, not {choices[0]}"
    return ""
