"""Which events of an indicator are bad, and whether they are the slow ones of a histogram."""

from decimal import Decimal

from generator.slo_formats import Indicator
from generator.slo_meaning.terms import (
    NotUnderstoodError,
    Ratio,
    Selector,
    Terms,
    meaning,
    terms,
)


def bad_and_all(indicator: Indicator) -> tuple[Terms, Terms]:
    """Bad events and all events."""
    ratio = indicator.error_ratio or indicator.success_ratio
    if ratio:
        found = meaning(ratio.text)
        if not isinstance(found, Ratio):
            raise NotUnderstoodError("the query divides no bad events by all events")
        is_good = found.is_rest != bool(indicator.success_ratio)
        part, whole = found.part, found.whole
    else:
        assert indicator.total is not None  # noqa: S101 - the formats give it with good or bad
        query = indicator.bad or indicator.good
        assert query is not None  # noqa: S101 - likewise
        is_good = indicator.bad is None
        part, whole = terms(query.text), terms(indicator.total.text)
    if not is_good:
        return part, whole
    return (*whole, *((-sign, selector) for sign, selector in part)), whole


def latency(bad: Terms, whole: Terms) -> tuple[str, Decimal] | None:
    """Histogram and boundary where the slow ones are counted: all, without those in a bucket."""
    fast = [selector for sign, selector in bad if sign < 0]
    every = [selector for sign, selector in (*bad, *whole) if sign > 0]
    if len(fast) != 1 or len(whole) != 1 or len(every) != 2:
        return None
    base = fast[0].metric.removesuffix("_bucket")
    le = _boundary_of(fast[0])
    if base == fast[0].metric or le is None:
        return None
    if not all(_counts_all(selector, base) for selector in every):
        return None
    return base, le


def _boundary_of(selector: Selector) -> Decimal | None:
    """The boundary of a bucket, however often it is spelled (`5|5.0`)."""
    matcher = selector.of("le")
    if matcher is None or matcher.operator not in {"=", "=~"}:
        return None
    spelled = matcher.value.replace("\\", "").strip("()").split("|")
    try:
        found = {Decimal(text) for text in spelled}
    except ArithmeticError:
        return None
    (first, *others) = found
    return None if others or not first.is_finite() else first


def _counts_all(selector: Selector, base: str) -> bool:
    le = selector.of("le")
    if selector.metric == f"{base}_count":
        return le is None
    return selector.metric == f"{base}_bucket" and le is not None and le.value == "+Inf"
