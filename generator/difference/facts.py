"""What is said about one thing, fact by fact: in the words of the file, compared by meaning."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from modelwatch.inventory import Quantity, Source

Kind = Literal["", "promise", "limit", "budget", "watch", "people", "route"]
"""What losing the fact costs: a promise, an early warning, money, a sight, somebody to ask.

Of a `route`, which says who is told, each change does.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that is said. Facts of equal `meaning` are the same, however they are written.

    The higher a part of `strict` is, the more is promised or the sooner somebody is told; a limit
    that is off has none.
    """

    text: str
    meaning: object
    kind: Kind = ""
    strict: tuple[Decimal, ...] = ()


Facts = dict[str, Fact]
"""By what they are about, such as `price input`; `probe x, every` is a part of `probe x`."""


def text(words: object, kind: Kind = "") -> Fact:
    """A fact that means what it says."""
    return Fact(text=str(words), meaning=str(words), kind=kind)


def quantity(value: Quantity | None, kind: Kind = "") -> Fact:
    """A number with its unit: `1s` and `1000ms` are the same."""
    if value is None:
        return text("")
    return Fact(text=value.text, meaning=value.value, kind=kind)


def names(found: Iterable[str], kind: Kind = "") -> Fact:
    """Several names, in an order that says nothing."""
    return text(", ".join(sorted(found)), kind)


def said(facts: Facts) -> Facts:
    """The facts without those of which nothing is said."""
    return {what: fact for what, fact in facts.items() if fact.text}


def words(severities: Mapping[str, str]) -> str:
    """A severity policy: `now page, soon ticket, watch dashboard`."""
    return ", ".join(f"{urgency} {severity}" for urgency, severity in severities.items())


def sources(found: Iterable[Source]) -> Facts:
    """Where series come from, by engine and the model's name there."""
    facts: Facts = {}
    for source in sorted(found, key=_where):
        name = f"source {source.engine} {source.engine_model}".strip()
        number = sum(what.partition(" (")[0] == name for what in facts) + 1
        facts[name if number == 1 else f"{name} ({number})"] = text(where(source))
    return facts


def where(source: Source) -> str:
    """Where one source's series are."""
    return "; ".join(_where(source))


def _where(source: Source) -> tuple[str, ...]:
    return tuple(_parts(source))


def _parts(source: Source) -> Iterator[str]:
    if source.job:
        yield f"job {source.job}"
    if source.targets or source.instances:
        yield ", ".join(sorted(source.targets or source.instances))
    if source.file_sd:
        yield source.file_sd
    if source.scheme != "http" or source.path:
        yield f"{source.scheme} {source.path}".strip()
    if source.version:
        yield f"version {source.version}"
