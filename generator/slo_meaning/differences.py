"""Where a document and modelwatch do not mean the same requests, by the outcomes of an engine."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from generator.slo_meaning.terms import NotUnderstoodError, Terms
from modelwatch.catalogue import FAILURES
from modelwatch.engine import Counter, Engine
from modelwatch.supply import bare, supply


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """Requests of one value of a label: what they are here, and how the document counts them."""

    words: str
    fails: bool
    succeeds: bool
    is_bad: bool
    is_counted: bool


def differences(engine: Engine, bad: Terms, whole: Terms) -> Iterator[str]:
    """Each difference in words.

    Raises:
        NotUnderstoodError: the engine counts no failures, so that nothing is to be compared.
    """
    counted = supply(engine, "requests")
    if counted is None or not set(counted.values) & set(FAILURES):
        raise NotUnderstoodError(f"{engine.title} counts no failures of a model")
    rows = [row for row in engine.rows if isinstance(row, Counter) and row.signal == "requests"]
    known = {bare(name) for row in rows for name in row.names}
    for metric in dict.fromkeys(selector.metric for _, selector in (*bad, *whole)):
        if metric not in known:
            yield f"modelwatch counts requests by {', '.join(sorted(known))}, not by {metric}"
    outcomes = [one for row in rows for one in _outcomes(row, bad, whole)]
    more = [one.words for one in outcomes if one.fails and not one.is_bad]
    fewer = [one.words for one in outcomes if one.is_bad and not one.fails]
    beside = [one.words for one in outcomes if one.is_counted and not one.fails | one.succeeds]
    if more:
        yield f"modelwatch also counts {', '.join(more)} as failures"
    if fewer:
        yield f"modelwatch does not count {', '.join(fewer)} as failures"
    if beside:
        yield f"modelwatch leaves {', '.join(beside)} out of the total"


def _outcomes(row: Counter, bad: Terms, whole: Terms) -> Iterator[_Outcome]:
    names = [bare(name) for name in row.names]
    for outcome, sample in _samples(row):
        yield _Outcome(
            words=f"{row.label}={sample}" if row.label else names[0],
            fails=outcome in FAILURES,
            succeeds=outcome == "success",
            is_bad=_count(names, row.label, sample, bad) > 0,
            is_counted=_count(names, row.label, sample, whole) > 0,
        )


def _samples(row: Counter) -> Iterator[tuple[str, str]]:
    """Outcomes, each with values of the label that stand for it; the first outcome has a value."""
    if not row.label:
        yield row.value, ""
        return
    seen = set[str]()
    for outcome, pattern in row.values.items():
        for part in pattern.split("|"):
            sample = re.sub(r"\[(.)[^]]*\]", r"\1", part).replace(".", "0")
            if sample not in seen:
                seen.add(sample)
                yield outcome, sample


def _count(names: list[str], label: str, sample: str, counted: Terms) -> int:
    """How often a request with this value is counted."""
    return sum(
        sign
        for sign, selector in counted
        if selector.metric in names
        and all(one.accepts(sample) for one in selector.matchers if one.label == label)
    )
