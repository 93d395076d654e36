"""What a defect is to us: one question about queries, answered without asking any server."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from generator.verify.expression import Node, Selector, children
from generator.verify.finding import Finding, Verification
from generator.verify.query import Query
from generator.verify.shapes import Shape
from generator.verify.world import PARTS, World, catalogue
from modelwatch.discovery import constants_named

RATES = frozenset({"rate", "irate", "increase"})
COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})


@dataclass(frozen=True, kw_only=True)
class Grounds:
    """What is known beside the query itself. `scrape_interval_s` is how often targets are read."""

    world: World
    shape_of: Callable[[Selector], Shape]
    scrape_interval_s: float = 15.0

    @cached_property
    def kinds(self) -> Mapping[str, str]:
        """The type of each series that any page shows or the catalogue knows."""
        found = {name: known.metric.kind for name, known in catalogue().items()}
        for page in (*self.world.captured, *self.world.pages):
            for family, kind in page.types.items():
                found[family] = kind
                if kind == "counter":
                    found[f"{family}_total"] = kind
        return found

    def kind(self, name: str) -> str:
        """The type of a series: `counter`, `gauge`, `histogram`, `summary`; empty if unknown.

        The parts of a histogram count, so they are counters.
        """
        if name in self.world.recorders:
            return "gauge"
        for part in PARTS:
            if self.kinds.get(name.removesuffix(part)) in ("histogram", "summary") and (
                name.endswith(part)
            ):
                return "counter"
        known = self.kinds.get(name, "")
        if known in ("", "unknown", "untyped"):
            return "counter" if name.endswith("_total") else ""
        return known


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """One question. `own` is left out where our own rules do it on purpose."""

    question: str
    find: Callable[[Query, Node, Grounds], Iterator[Finding]]
    in_ours: bool = True


def defects() -> dict[str, Defect]:
    """Every defect that can be looked for, by the name of its file."""
    return constants_named("generator.verify.defects", "DEFECT")


def look(
    queries: Iterable[Query], grounds: Grounds, skipped: frozenset[str] = frozenset()
) -> Verification:
    """All defects of all queries, but those that are skipped."""
    known = {
        name: defect for name, defect in defects().items() if name.replace("_", "-") not in skipped
    }
    read = [(query, query.tree) for query in queries if query.tree is not None]
    findings = [
        finding
        for query, tree in read
        for defect in known.values()
        if defect.in_ours or not query.generated
        for finding in defect.find(query, tree, grounds)
    ]
    return Verification(findings=tuple(findings), checked={"defects looked for": len(known)})


def peeled(node: Node, functions: frozenset[str]) -> Node:
    """The node below these aggregations and functions."""
    while True:
        name = getattr(node, "how", "") or getattr(node, "function", "")
        below = children(node)
        if name not in functions or not below:
            return node
        node = below[0]
